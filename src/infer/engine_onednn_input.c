/* Pictures and tensors into the first layer's layout, in one pass. */
#include "infer/engine_onednn.h"

#include <string.h>

/* The input slot is f32 NHWC: a picture's bytes keep their order and are only scaled. */
static void fill_picture(float *to, const struct infer_picture *p)
{
    float factor = p->scale, summand = -p->mean * p->scale;
    size_t row = (size_t)p->width * 3;
    for (int y = 0; y < p->height; y++, to += row) {
        const uint8_t *from = p->rgb + y * p->stride;
        for (size_t i = 0; i < row; i++)
            to[i] = (float)from[i] * factor + summand;
    }
}

static void fill_tensor(float *to, const float *from, const dnnl_dim_t dims[4])
{
    dnnl_dim_t plane = dims[2] * dims[3];
    for (dnnl_dim_t n = 0; n < dims[0]; n++, from += dims[1] * plane)
        for (dnnl_dim_t i = 0; i < plane; i++)
            for (dnnl_dim_t c = 0; c < dims[1]; c++)
                *to++ = from[c * plane + i];
}

int compiled_fill(struct compiled *c, const struct engine_input *input)
{
    const struct slot *slot = &c->slots[c->input];
    void *data = NULL;
    dnnl_memory_get_data_handle(slot->memory, &data);
    if (input->tensor) {
        fill_tensor(data, input->tensor, slot->md.dims);
        return 0;
    }
    const struct infer_picture *p = input->picture;
    if (slot->md.dims[0] != 1 || slot->md.dims[1] != 3 || slot->md.dims[2] != p->height || slot->md.dims[3] != p->width)
        return -EINVAL;
    fill_picture(data, p);
    return 0;
}
