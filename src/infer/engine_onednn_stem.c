/* A quantized network's first layer on a picture's bytes: 3 x 3 windows of 3 channels.
 *
 * The network sees (v - mean) * scale, so a sum of products with 8-bit weights w is scale * (sum of w v - mean * sum of
 * w): bytes are multiplied as they are, nothing is rounded, and normalizing costs one constant a channel. The picture
 * is read where it lies; oneDNN would want it as codes or as f32 and is slow with 3 channels. A row of a window is 9
 * bytes in a row, here three words of four with zero weights for the last three bytes: nine instructions for 16
 * channels. Windows that reach over a border, where the network pads with noughts, are computed by plain loops. */
#include "infer/engine_onednn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { LANES = 16, SIDE = 3, TAPS = SIDE * SIDE * 3, WORDS = 9, MAX_CHANNELS = 128 };

/* libgomp's, which oneDNN runs on; declared here because omp.h comes with a compiler. Work is called once in each
 * thread. */
void GOMP_parallel(void (*work)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

struct stem {
    int slot, channels, out_height, out_width, stride[2], pad[2];
    int8_t *words;                    /* by 16 channels, word, channel, byte of the word; 64-byte aligned; owned */
    int8_t taps[TAPS * MAX_CHANNELS]; /* by tap, channel */
    float weight_scale[MAX_CHANNELS], bias[MAX_CHANNELS], dst_scale;
};

struct stem_job { /* one run */
    const struct stem *stem;
    const struct infer_picture *picture;
    uint8_t *out;                                      /* NHWC */
    float factor[MAX_CHANNELS], summand[MAX_CHANNELS]; /* code = sum * factor + summand for whole windows */
};

void stem_destroy(struct stem *stem)
{
    if (stem)
        free(stem->words);
    free(stem);
}

/* Any window, 16 channels of one output pixel. */
static void border_pixel(const struct stem_job *job, int oy, int ox, int block)
{
    const struct stem *s = job->stem;
    const struct infer_picture *p = job->picture;
    int32_t sum[LANES] = {0}, weights[LANES] = {0};
    for (int ky = 0; ky < SIDE; ky++)
        for (int kx = 0; kx < SIDE; kx++) {
            int y = oy * s->stride[0] - s->pad[0] + ky, x = ox * s->stride[1] - s->pad[1] + kx;
            if (y < 0 || y >= p->height || x < 0 || x >= p->width)
                continue;
            for (int c = 0; c < 3; c++) {
                int v = p->rgb[y * p->stride + 3 * x + c];
                const int8_t *w = s->taps + ((ky * SIDE + kx) * 3 + c) * s->channels + block;
                for (int k = 0; k < LANES; k++) {
                    sum[k] += v * w[k];
                    weights[k] += w[k];
                }
            }
        }
    uint8_t *out = job->out + ((size_t)oy * s->out_width + ox) * s->channels + block;
    for (int k = 0; k < LANES; k++) {
        float code =
            ((float)sum[k] - p->mean * (float)weights[k]) * job->factor[block + k] + s->bias[block + k] / s->dst_scale;
        out[k] = (uint8_t)lrintf(fminf(fmaxf(code, 0), 255));
    }
}

#ifdef __x86_64__
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

VNNI static inline __m512i spread(const uint8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

/* The sums of 16 channels over one whole window. Unrolled by hand: compilers keep the loop, and halve the speed. */
VNNI static inline __m512i window_sum(const __m512i w[WORDS], const uint8_t *at, ptrdiff_t stride)
{
    __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), spread(at), w[0]);
    sum = _mm512_dpbusd_epi32(sum, spread(at + 4), w[1]);
    sum = _mm512_dpbusd_epi32(sum, spread(at + 8), w[2]);
    sum = _mm512_dpbusd_epi32(sum, spread(at + stride), w[3]);
    sum = _mm512_dpbusd_epi32(sum, spread(at + stride + 4), w[4]);
    sum = _mm512_dpbusd_epi32(sum, spread(at + stride + 8), w[5]);
    sum = _mm512_dpbusd_epi32(sum, spread(at + 2 * stride), w[6]);
    sum = _mm512_dpbusd_epi32(sum, spread(at + 2 * stride + 4), w[7]);
    return _mm512_dpbusd_epi32(sum, spread(at + 2 * stride + 8), w[8]);
}

VNNI static inline void store_codes(uint8_t *to, __m512i sum, __m512 factor, __m512 summand)
{
    __m512i code = _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), factor, summand));
    code = _mm512_max_epi32(code, _mm512_setzero_si512());
    _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtusepi32_epi8(code));
}

/* Output columns `from` to `to` of row oy, whose windows are whole. */
VNNI static void whole_windows(const struct stem_job *job, int oy, int from, int to)
{
    const struct stem *s = job->stem;
    const struct infer_picture *p = job->picture;
    const uint8_t *row = p->rgb + (oy * s->stride[0] - s->pad[0]) * p->stride - 3 * s->pad[1];
    uint8_t *out = job->out + (size_t)oy * s->out_width * s->channels;
    ptrdiff_t step = 3 * s->stride[1];
    for (int block = 0; block < s->channels; block += LANES) {
        __m512i w[WORDS], sum[4];
        for (int i = 0; i < WORDS; i++)
            w[i] = _mm512_load_si512(s->words + (block / LANES * WORDS + i) * 64);
        __m512 factor = _mm512_loadu_ps(job->factor + block), summand = _mm512_loadu_ps(job->summand + block);
        int x = from;
        for (; x + 4 <= to; x += 4) { /* four sums at once, so that none waits for another */
            const uint8_t *at = row + x * step;
            sum[0] = window_sum(w, at, p->stride);
            sum[1] = window_sum(w, at + step, p->stride);
            sum[2] = window_sum(w, at + 2 * step, p->stride);
            sum[3] = window_sum(w, at + 3 * step, p->stride);
            for (int i = 0; i < 4; i++)
                store_codes(out + (size_t)(x + i) * s->channels + block, sum[i], factor, summand);
        }
        for (; x < to; x++)
            store_codes(
                out + (size_t)x * s->channels + block, window_sum(w, row + x * step, p->stride), factor, summand);
    }
}
#endif

/* The output columns whose windows lie inside a row, in the picture's last row with the three bytes read beyond. */
static void whole_columns(
    const struct stem *s, const struct infer_picture *p, bool last_row, int *ret_from, int *ret_to)
{
    int from = (s->pad[1] + s->stride[1] - 1) / s->stride[1], last = p->width - SIDE - last_row + s->pad[1];
    int to = last < 0 ? 0 : last / s->stride[1] + 1;
    *ret_to = to < s->out_width ? to : s->out_width;
    *ret_from = from < *ret_to ? from : *ret_to;
}

static void stem_row(const struct stem_job *job, int oy)
{
    const struct stem *s = job->stem;
    int from = 0, to = 0, top = oy * s->stride[0] - s->pad[0];
#ifdef __x86_64__
    if (top >= 0 && top + SIDE <= job->picture->height) {
        whole_columns(s, job->picture, top + SIDE == job->picture->height, &from, &to);
        whole_windows(job, oy, from, to);
    }
#endif
    for (int block = 0; block < s->channels; block += LANES) {
        for (int ox = 0; ox < from; ox++)
            border_pixel(job, oy, ox, block);
        for (int ox = to; ox < s->out_width; ox++)
            border_pixel(job, oy, ox, block);
    }
}

static void stem_share(void *data)
{
    const struct stem_job *job = data;
    int n = omp_get_num_threads(), i = omp_get_thread_num(), rows = job->stem->out_height;
    for (int oy = rows * i / n; oy < rows * (i + 1) / n; oy++)
        stem_row(job, oy);
}

void stem_run(const struct compiled *c, const struct step *step)
{
    const struct stem *s = step->stem;
    struct stem_job job = {.stem = s, .picture = c->picture};
    void *out = NULL;
    dnnl_memory_get_data_handle(c->slots[s->slot].memory, &out);
    job.out = out;
    for (int k = 0; k < s->channels; k++) {
        int weights = 0;
        for (int t = 0; t < TAPS; t++)
            weights += s->taps[t * s->channels + k];
        job.factor[k] = s->weight_scale[k] * job.picture->scale / s->dst_scale;
        job.summand[k] = s->bias[k] / s->dst_scale - job.factor[k] * job.picture->mean * (float)weights;
    }
    GOMP_parallel(stem_share, &job, (unsigned)c->engine->threads, 0);
}

static bool applies(const struct build *b, const struct node *node)
{
#ifdef __x86_64__
    const struct window *w = &node->window;
    const struct tensor *k = graph_constant(b->graph, node, 1), *bias = graph_constant(b->graph, node, 2);
    const struct value *out = &b->graph->values[node->out[0]];
    bool relu = !node->n_posts || (node->n_posts == 1 && node->posts[0].type == POST_UNARY &&
                                      node->posts[0].unary == UNARY_RELU); /* codes from nought up are cut off alike */
    return b->pictures && node->in[0] == b->graph->input && graph_uses(b->graph, b->graph->input) == 1 && k->codes &&
           k->codes->type == TENSOR_I8 && k->shape.dims[1] == 3 && k->shape.dims[0] % LANES == 0 &&
           k->shape.dims[0] <= MAX_CHANNELS && w->kernel[0] == SIDE && w->kernel[1] == SIDE && w->dilation[0] == 1 &&
           w->dilation[1] == 1 && w->group == 1 && w->stride[0] <= 16 && w->stride[1] <= 16 && relu &&
           out->code_scale > 0 && out->code_type == TENSOR_U8 && out->shape.dims[0] == 1 &&
           (k->scales->count == 1 || k->scales->count == (size_t)k->shape.dims[0]) &&
           (!bias || bias->type == TENSOR_F32) && dnnl_get_effective_cpu_isa() != dnnl_cpu_isa_avx2_vnni &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

static int fill_stem(struct stem *s, const struct build *b, const struct node *node)
{
    const struct tensor *k = graph_constant(b->graph, node, 1), *bias = graph_constant(b->graph, node, 2);
    const struct value *out = &b->graph->values[node->out[0]];
    s->channels = (int)k->shape.dims[0];
    s->out_height = (int)out->shape.dims[2];
    s->out_width = (int)out->shape.dims[3];
    s->dst_scale = out->code_scale;
    for (int i = 0; i < 2; i++) {
        s->stride[i] = (int)node->window.stride[i];
        s->pad[i] = (int)node->window.pad[i];
    }
    size_t size = (size_t)s->channels / LANES * WORDS * 64;
    s->words = aligned_alloc(64, size);
    if (!s->words)
        return -ENOMEM;
    memset(s->words, 0, size);
    for (int c = 0; c < s->channels; c++) {
        s->weight_scale[c] = k->scales->f32[k->scales->count == 1 ? 0 : c];
        s->bias[c] = bias ? bias->f32[c] : 0;
        for (int t = 0; t < TAPS; t++) { /* the file's order is output channel, input channel, row, column */
            int channel = t % 3, column = t / 3 % SIDE, row = t / (3 * SIDE), byte = column * 3 + channel;
            int8_t code = k->codes->i8[((c * 3 + channel) * SIDE + row) * SIDE + column];
            s->taps[t * s->channels + c] = code;
            s->words[((c / LANES * WORDS + row * 3 + byte / 4) * LANES + c % LANES) * 4 + byte % 4] = code;
        }
    }
    return 0;
}

int build_stem(struct build *b, const struct node *node)
{
    dnnl_memory_desc_t md;
    dnnl_dims_t dims;
    if (!applies(b, node))
        return 1;
    for (int i = 0; i < 4; i++)
        dims[i] = b->graph->values[node->out[0]].shape.dims[i];
    struct stem *s = calloc(1, sizeof *s);
    int r = s ? fill_stem(s, b, node) : -ENOMEM;
    if (r >= 0 && dnnl_memory_desc_init_by_tag(&md, 4, dims, dnnl_u8, dnnl_nhwc) != dnnl_success)
        r = -EIO;
    if (r >= 0)
        r = s->slot = build_result(b, node->out[0], &md);
    struct step *step = r >= 0 ? build_step(b, node->name) : NULL;
    if (!step) {
        stem_destroy(s);
        return r < 0 ? r : -ENOMEM;
    }
    step->stem = s;
    step->flops = onednn_conv_flops(b, node);
    b->c->reads_picture = true;
    return build_arg(step, DNNL_ARG_DST, s->slot);
}
