/* Convolutions of 8-bit codes by 8-bit weights, summed in 32 bits. See engine_onednn.h.
 *
 * A code stands for the real number code * scale. The convolution's sum of products times (input scale * weight scale
 * of the channel) is the real result; the posts work on that in f32, and what is stored is its codes again. Posts need
 * not count in real numbers, though: the result may stand in any unit, so the scales are chosen such that as little as
 * possible is multiplied. oneDNN adds the bias before its output scales, and other values in their codes. */
#include "infer/engine_onednn.h"

#include <math.h>
#include <stdlib.h>

struct codes {
    const struct node *node;
    const struct tensor *weights, *scales; /* s8 as the file has them; one scale, or one for each output channel */
    int src, channels;
    float src_scale, dst_scale; /* dst_scale 1: real numbers come out */
    float unit;                 /* what a one stands for behind the output scales */
    dnnl_memory_desc_t dst;
    int sum; /* slot that the result is written over; -1 */
    struct {
        int slot, place; /* among the post-ops; slot -1: none */
    } summands[NODE_POSTS];
};

static bool scales_freely(enum unary kind)
{
    return kind == UNARY_RELU || kind == UNARY_LEAKY_RELU || kind == UNARY_CLIP;
}

static float post_scale(const struct build *b, const struct node *node, const struct post *post)
{
    float scale = b->graph->values[node->in[post->input]].code_scale;
    return build_codes(b, node->in[post->input]) >= 0 ? scale : 1;
}

/* The unit in which the first post that is particular about it wants its input; else that of the result. */
static float first_unit(const struct build *b, const struct codes *c)
{
    for (int i = 0; i < c->node->n_posts; i++) {
        const struct post *post = &c->node->posts[i];
        if (post->type == POST_ADD)
            return post_scale(b, c->node, post);
        if (!scales_freely(post->unary))
            return 1;
    }
    return c->dst_scale;
}

static dnnl_status_t change_unit(dnnl_post_ops_t ops, float *unit, float to)
{
    float factor = *unit / to;
    *unit = to;
    return factor == 1 ? dnnl_success : dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_linear, factor, 0);
}

static dnnl_status_t append_activation(dnnl_post_ops_t ops, const struct post *post, float *unit)
{
    float alpha = post->alpha, beta = post->beta;
    dnnl_status_t s = scales_freely(post->unary) ? dnnl_success : change_unit(ops, unit, 1);
    if (post->unary == UNARY_CLIP) {
        alpha /= *unit;
        beta /= *unit;
    }
    return s == dnnl_success && onednn_append_unary(ops, post->unary, alpha, beta) < 0 ? dnnl_runtime_error : s;
}

/* A negative errno, or 0 with *ret_status. */
static int append_addition(
    struct build *b, struct codes *c, dnnl_post_ops_t ops, int i, float *unit, dnnl_status_t *ret_status)
{
    int value = c->node->in[c->node->posts[i].input], slot = build_codes(b, value);
    float scale = post_scale(b, c->node, &c->node->posts[i]);
    if (slot < 0) {
        dnnl_memory_desc_t md;
        if (dnnl_memory_desc_init_by_tag(&md, 4, c->dst.dims, b->type, dnnl_nhwc) != dnnl_success)
            return -EIO;
        slot = build_value_as(b, value, &md);
    }
    if (slot < 0)
        return slot;
    const struct slot *s = &b->c->slots[slot];
    /* A sum is written over its summand. */
    if (c->sum < 0 && slot != c->src && s->md.data_type == c->dst.data_type && onednn_added_once(c->node, i) &&
        build_may_overwrite(b, value, slot)) {
        c->sum = slot;
        *ret_status = dnnl_post_ops_append_sum(ops, scale / *unit);
        return 0;
    }
    c->summands[i].slot = slot;
    *ret_status = change_unit(ops, unit, scale);
    if (*ret_status == dnnl_success)
        *ret_status = dnnl_post_ops_append_binary(ops, dnnl_binary_add, &s->md);
    c->summands[i].place = dnnl_post_ops_len(ops) - 1;
    return 0;
}

static int append_posts(struct build *b, struct codes *c, dnnl_primitive_attr_t attr)
{
    dnnl_post_ops_t ops;
    dnnl_status_t s = dnnl_post_ops_create(&ops);
    float unit = c->unit;
    int r = 0;
    for (int i = 0; r >= 0 && s == dnnl_success && i < c->node->n_posts; i++) {
        const struct post *post = &c->node->posts[i];
        c->summands[i].slot = -1;
        if (post->type == POST_UNARY)
            s = append_activation(ops, post, &unit);
        else
            r = append_addition(b, c, ops, i, &unit, &s);
    }
    if (r >= 0 && s == dnnl_success)
        s = change_unit(ops, &unit, c->dst_scale);
    if (r >= 0 && s == dnnl_success)
        s = dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_post_ops_destroy(ops);
    return r < 0 ? r : s == dnnl_success ? 0 : onednn_fail(b, s, "post-ops");
}

/* The channel's sum of products times this is the result in c->unit. */
static float output_scale(const struct codes *c, int channel)
{
    return c->src_scale * c->scales->f32[c->scales->count == 1 ? 0 : channel] / c->unit;
}

static int build_attributes(struct build *b, struct codes *c, dnnl_primitive_attr_t *ret_attr)
{
    int r = build_attr(b, ret_attr);
    float *scales = malloc((size_t)c->channels * sizeof *scales);
    if (!scales)
        r = -ENOMEM;
    c->unit = first_unit(b, c);
    for (int i = 0; scales && i < c->channels; i++)
        scales[i] = output_scale(c, i);
    if (r >= 0 && dnnl_primitive_attr_set_output_scales(*ret_attr, c->channels, 2, scales) != dnnl_success)
        r = -EIO;
    free(scales);
    return r < 0 ? r : append_posts(b, c, *ret_attr);
}

/* The channel's bias in units of the sums. */
static float sum_bias(const struct codes *c, const struct tensor *bias, int channel)
{
    return bias->f32[channel] / (c->src_scale * c->scales->f32[c->scales->count == 1 ? 0 : channel]);
}

/* A slot with the bias in units of the sums. */
static int build_bias(struct build *b, const struct codes *c, const dnnl_memory_desc_t *md)
{
    const struct tensor *bias = graph_constant(b->graph, c->node, 2);
    float *scaled = malloc((size_t)c->channels * sizeof *scaled);
    int slot = scaled ? build_slot(b, md) : -ENOMEM;
    if (slot < 0) {
        free(scaled);
        return slot;
    }
    for (int i = 0; i < c->channels; i++)
        scaled[i] = sum_bias(c, bias, i);
    b->c->slots[slot].constant = b->c->slots[slot].owned = scaled;
    return slot;
}

static dnnl_status_t weights_md(const struct codes *c, dnnl_memory_desc_t *ret_user, dnnl_memory_desc_t *ret_any)
{
    const int64_t *w = c->weights->shape.dims;
    int64_t group = c->node->window.group, area = w[2] * w[3];
    dnnl_dims_t dims = {group, w[0] / group, w[1], w[2], w[3]};
    dnnl_dims_t strides = {w[0] / group * w[1] * area, w[1] * area, area, w[3], 1};
    int skip = group == 1; /* without groups there is one axis less */
    dnnl_status_t s = dnnl_memory_desc_init_by_strides(ret_user, 5 - skip, dims + skip, dnnl_s8, strides + skip);
    return s != dnnl_success
               ? s
               : dnnl_memory_desc_init_by_tag(ret_any, 5 - skip, dims + skip, dnnl_s8, dnnl_format_tag_any);
}

static dnnl_status_t make_pd(const struct build *b, const struct codes *c, const dnnl_memory_desc_t *weights,
    const dnnl_memory_desc_t *bias, dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *ret_pd)
{
    const struct window *w = &c->node->window;
    dnnl_dims_t dilation = {w->dilation[0] - 1, w->dilation[1] - 1}, stride = {w->stride[0], w->stride[1]};
    dnnl_dims_t before = {w->pad[0], w->pad[1]}, after = {w->pad[2], w->pad[3]};
    dnnl_convolution_desc_t d;
    dnnl_status_t s = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_inference, dnnl_convolution_direct,
        &b->c->slots[c->src].md, weights, bias, &c->dst, stride, dilation, before, after);
    return s == dnnl_success ? dnnl_primitive_desc_create(ret_pd, &d, attr, b->engine->dnnl, NULL) : s;
}

/* Whether every channel's bias can be added to its sum: where the weights are nought or nearly, their scale is no unit
 * for it. */
static bool bias_fits(const struct codes *c, const struct tensor *bias)
{
    for (int i = 0; bias && i < c->channels; i++)
        if (!(fabsf(sum_bias(c, bias, i)) < 1e30f)) /* nor not a number */
            return false;
    return true;
}

static bool applies(const struct build *b, const struct node *node, struct codes *c)
{
    const struct tensor *w = graph_constant(b->graph, node, 1), *bias = graph_constant(b->graph, node, 2);
    const struct shape *y = &b->graph->values[node->out[0]].shape;
    *c = (struct codes){.node = node, .sum = -1, .src = build_codes(b, node->in[0]), .channels = (int)y->dims[1]};
    if (c->src < 0 || !w->codes || (node->n_in > 2 && node->in[2] >= 0 && bias->type != TENSOR_F32))
        return false;
    c->weights = w->codes;
    c->scales = w->scales;
    c->src_scale = b->c->slots[c->src].scale;
    return c->weights->type == TENSOR_I8 && (c->scales->count == 1 || c->scales->count == (size_t)c->channels) &&
           bias_fits(c, bias);
}

static int dst_md(const struct build *b, struct codes *c)
{
    const struct value *v = &b->graph->values[c->node->out[0]];
    dnnl_dims_t dims;
    for (int i = 0; i < 4; i++)
        dims[i] = v->shape.dims[i];
    bool output = b->last_use[c->node->out[0]] == b->graph->n_nodes;
    dnnl_data_type_t type = v->code_scale > 0 ? v->code_type == TENSOR_U8 ? dnnl_u8 : dnnl_s8
                            : output          ? dnnl_f32
                                              : b->type;
    c->dst_scale = v->code_scale > 0 ? v->code_scale : 1;
    return dnnl_memory_desc_init_by_tag(&c->dst, 4, dims, type, dnnl_nhwc) == dnnl_success ? 0 : -EIO;
}

static int build_codes_step(struct build *b, const struct codes *c, dnnl_primitive_desc_t pd,
    const dnnl_memory_desc_t *user, const dnnl_memory_desc_t *bias_md)
{
    struct step *step;
    int weights = build_weights(b, c->weights, user, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
    int bias = weights < 0 || !bias_md ? 0 : build_bias(b, c, bias_md);
    int dst = weights < 0 ? weights : bias < 0 ? bias : build_result(b, c->node->out[0], &c->dst);
    int r = dst < 0 ? dst : build_primitive(b, pd, &step);
    if (r < 0)
        return r;
    b->c->slots[dst].parent = c->sum;
    step->flops = onednn_conv_flops(b, c->node);
    build_arg(step, DNNL_ARG_SRC, c->src);
    build_arg(step, DNNL_ARG_WEIGHTS, weights);
    if (bias_md)
        build_arg(step, DNNL_ARG_BIAS, bias);
    for (int i = 0; i < c->node->n_posts; i++)
        if (c->summands[i].slot >= 0)
            build_arg(step, DNNL_ARG_ATTR_MULTIPLE_POST_OP(c->summands[i].place) | DNNL_ARG_SRC_1, c->summands[i].slot);
    return build_arg(step, DNNL_ARG_DST, dst);
}

int build_conv_codes(struct build *b, const struct node *node)
{
    struct codes c;
    dnnl_memory_desc_t user, weights, bias;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    if (!applies(b, node, &c))
        return 1;
    bool has_bias = node->n_in > 2 && node->in[2] >= 0;
    dnnl_dims_t channels = {c.channels};
    int r = dst_md(b, &c);
    if (r >= 0)
        r = build_attributes(b, &c, &attr);
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(&bias, 1, channels, dnnl_f32, dnnl_a);
    if (r >= 0 && s == dnnl_success)
        s = weights_md(&c, &user, &weights);
    if (r >= 0 && s == dnnl_success)
        s = make_pd(b, &c, &weights, has_bias ? &bias : NULL, attr, &pd);
    if (r >= 0 && (s == dnnl_unimplemented || (s == dnnl_success && onednn_is_reference(pd))))
        r = 1;
    else if (r >= 0)
        r = s == dnnl_success ? build_codes_step(b, &c, pd, &user, has_bias ? &bias : NULL)
                              : onednn_fail(b, s, "convolution");
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return r;
}
