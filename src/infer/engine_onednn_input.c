/* Pictures and tensors into the first layer's layout, in one pass. */
#include "infer/engine_onednn.h"

#include <string.h>

/* Rounded to the nearest, halves to even, as oneDNN does it. */
static uint16_t bf16(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Sixteen numbers at a time, in vectors that both compilers turn into whatever the function they are inlined in may
 * use. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint16_t halves16 __attribute__((vector_size(32)));
typedef uint32_t words16 __attribute__((vector_size(64)));
typedef float floats16 __attribute__((vector_size(64)));

/* n bytes as (v - mean) * scale. The values of 8-bit pictures around 127.5 are exact in bf16. */
__attribute__((always_inline)) static inline void fill_bytes(
    void *to, bool narrow, const uint8_t *from, size_t n, float mean, float scale)
{
    float *f = to;
    uint16_t *h = to;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        bytes16 bytes;
        memcpy(&bytes, from + i, sizeof bytes);
        floats16 v = (__builtin_convertvector(bytes, floats16) - mean) * scale;
        if (narrow) {
            words16 bits = (words16)v;
            halves16 half = __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, halves16);
            memcpy(h + i, &half, sizeof half);
        } else {
            memcpy(f + i, &v, sizeof v);
        }
    }
    for (; i < n; i++) {
        float v = ((float)from[i] - mean) * scale;
        if (narrow)
            h[i] = bf16(v);
        else
            f[i] = v;
    }
}

typedef void (*fill_function)(void *to, bool narrow, const uint8_t *from, size_t n, float mean, float scale);

static void fill_plain(void *to, bool narrow, const uint8_t *from, size_t n, float mean, float scale)
{
    fill_bytes(to, narrow, from, n, mean, scale);
}

#ifdef __x86_64__
__attribute__((target("avx512f,avx512bw,avx512vl"))) static void fill_avx512(
    void *to, bool narrow, const uint8_t *from, size_t n, float mean, float scale)
{
    fill_bytes(to, narrow, from, n, mean, scale);
}

__attribute__((target("avx2"))) static void fill_avx2(
    void *to, bool narrow, const uint8_t *from, size_t n, float mean, float scale)
{
    fill_bytes(to, narrow, from, n, mean, scale);
}
#endif

static fill_function choose_fill(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return fill_avx512;
    if (__builtin_cpu_supports("avx2"))
        return fill_avx2;
#endif
    return fill_plain;
}

/* The input slot is NHWC, f32 or bf16: a picture's bytes keep their order. */
static void fill_picture(void *to, dnnl_data_type_t type, const struct infer_picture *p)
{
    fill_function fill = choose_fill();
    bool narrow = type == dnnl_bf16;
    size_t row = (size_t)p->width * 3, size = narrow ? sizeof(uint16_t) : sizeof(float);
    for (int y = 0; y < p->height; y++)
        fill((char *)to + (size_t)y * row * size, narrow, p->rgb + y * p->stride, row, p->mean, p->scale);
}

static void fill_tensor(void *to, dnnl_data_type_t type, const float *from, const dnnl_dim_t dims[4])
{
    dnnl_dim_t plane = dims[2] * dims[3];
    float *f = to;
    uint16_t *h = to;
    for (dnnl_dim_t n = 0; n < dims[0]; n++, from += dims[1] * plane)
        for (dnnl_dim_t i = 0; i < plane; i++)
            for (dnnl_dim_t c = 0; c < dims[1]; c++) {
                if (type == dnnl_bf16)
                    *h++ = bf16(from[c * plane + i]);
                else
                    *f++ = from[c * plane + i];
            }
}

int compiled_fill(struct compiled *c, const struct engine_input *input)
{
    const struct slot *slot = &c->slots[c->input];
    void *data = NULL;
    c->picture = input->picture;
    dnnl_memory_get_data_handle(slot->memory, &data);
    if (input->tensor) {
        fill_tensor(data, slot->md.data_type, input->tensor, slot->md.dims);
        return 0;
    }
    const struct infer_picture *p = input->picture;
    if (slot->md.dims[0] != 1 || slot->md.dims[1] != 3 || slot->md.dims[2] != p->height || slot->md.dims[3] != p->width)
        return -EINVAL;
    if (c->reads_picture)
        return 0;
    fill_picture(data, slot->md.data_type, p);
    return 0;
}
