/* Convolutions, transposed convolutions and matrix products. See engine_onednn.h. */
#include "infer/engine_onednn.h"

#include <string.h>

/* A window node with the descriptors that its primitive is made from. */
struct conv {
    const struct node *node;
    bool transpose;
    dnnl_memory_desc_t src, weights, user_weights, bias, dst;
    bool has_bias;
    dnnl_dims_t stride, dilation, pad[2];
};

/* Weights as the file has them: out, in / group, kernel; transposed convolutions have in, out / group. */
static dnnl_status_t weights_md(struct conv *v, const struct shape *w, dnnl_data_type_t type)
{
    int64_t group = v->node->window.group, kh = w->dims[2], kw = w->dims[3], area = kh * kw;
    int64_t first = w->dims[0] / group, second = w->dims[1]; /* within a group */
    int64_t out = v->transpose ? second : first, in = v->transpose ? first : second;
    int64_t out_stride = v->transpose ? area : second * area, in_stride = v->transpose ? second * area : area;
    dnnl_dims_t dims = {group, out, in, kh, kw}, strides = {first * second * area, out_stride, in_stride, kw, 1};
    int n = 5;
    if (group == 1) { /* without groups there is one axis less */
        memmove(dims, dims + 1, 4 * sizeof *dims);
        memmove(strides, strides + 1, 4 * sizeof *strides);
        n = 4;
    }
    dnnl_status_t s = dnnl_memory_desc_init_by_strides(&v->user_weights, n, dims, dnnl_f32, strides);
    return s != dnnl_success ? s : dnnl_memory_desc_init_by_tag(&v->weights, n, dims, type, dnnl_format_tag_any);
}

static int conv_init(struct build *b, const struct node *node, struct conv *v)
{
    const struct window *w = &node->window;
    *v = (struct conv){.node = node, .transpose = node->op == OP_CONV_TRANSPOSE};
    int r = build_any_md(b, node->in[0], b->type, &v->src);
    if (r >= 0) /* outputs are f32 for the reader, whose few numbers decide */
        r = build_any_md(b, node->out[0], b->last_use[node->out[0]] == b->graph->n_nodes ? dnnl_f32 : b->type, &v->dst);
    if (r < 0)
        return r;
    if (node->in[0] == b->graph->input) /* the picture comes in the layout in which pictures are filled in */
        v->src = b->c->slots[b->c->input].md;
    dnnl_status_t s = weights_md(v, &b->graph->values[node->in[1]].shape, b->type);
    v->has_bias = node->n_in > 2 && node->in[2] >= 0;
    dnnl_dims_t channels = {b->graph->values[node->out[0]].shape.dims[1]};
    if (s == dnnl_success)
        s = dnnl_memory_desc_init_by_tag(&v->bias, 1, channels, dnnl_f32, dnnl_a);
    for (int i = 0; i < 2; i++) {
        v->stride[i] = w->stride[i];
        v->dilation[i] = w->dilation[i] - 1;
        v->pad[0][i] = w->pad[i];
        v->pad[1][i] = w->pad[2 + i] - w->output_pad[i];
    }
    return s == dnnl_success ? 0 : onednn_fail(b, s, "weights");
}

static dnnl_status_t conv_pd(
    const struct build *b, const struct conv *v, dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *ret_pd)
{
    dnnl_convolution_desc_t d = {0};
    dnnl_status_t s =
        (v->transpose ? dnnl_dilated_deconvolution_forward_desc_init : dnnl_dilated_convolution_forward_desc_init)(&d,
            dnnl_forward_inference, v->transpose ? dnnl_deconvolution_direct : dnnl_convolution_direct, &v->src,
            &v->weights, v->has_bias ? &v->bias : NULL, &v->dst, v->stride, v->dilation, v->pad[0], v->pad[1]);
    return s == dnnl_success ? dnnl_primitive_desc_create(ret_pd, &d, attr, b->engine->dnnl, NULL) : s;
}

bool onednn_is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return strstr(name, "ref") != NULL;
}

double onednn_conv_flops(const struct build *b, const struct node *node)
{
    const struct shape *w = &b->graph->values[node->in[1]].shape;
    const struct shape *y = &b->graph->values[node->op == OP_CONV ? node->out[0] : node->in[0]].shape;
    double n = 2;
    for (int i = 1; i < 4; i++)
        n *= (double)w->dims[i];
    for (int i = 0; i < 4; i++)
        n *= (double)y->dims[i];
    return n;
}

/* The primitive with its posts, or, where oneDNN has only a slow one with them, without (*ret_apart). */
static int conv_choose(struct build *b, struct conv *v, int src, dnnl_primitive_desc_t *pd, int *ret_sum,
    int summands[NODE_POSTS], bool *ret_apart)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t fused = NULL;
    *ret_sum = -1;
    *ret_apart = false;
    if (!v->node->n_posts)
        return 0;
    int r = build_attr(b, &attr);
    if (r >= 0)
        r = build_posts(b, v->node, &v->dst, src, attr, ret_sum, summands);
    if (r >= 0) {
        dnnl_status_t s = conv_pd(b, v, attr, &fused);
        if (s == dnnl_success && (onednn_is_reference(*pd) || !onednn_is_reference(fused))) {
            dnnl_primitive_desc_destroy(*pd);
            *pd = fused;
        } else {
            dnnl_primitive_desc_destroy(fused);
            *ret_apart = true;
        }
    }
    dnnl_primitive_attr_destroy(attr);
    return r;
}

static int conv_step(
    struct build *b, const struct conv *v, dnnl_primitive_desc_t pd, int src, const int summands[NODE_POSTS], int dst)
{
    const struct node *node = v->node;
    struct step *step;
    const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    int weights = build_weights(b, graph_constant(b->graph, node, 1), &v->user_weights, md), r = weights;
    int bias = v->has_bias && r >= 0 ? build_value(b, node->in[2]) : 0;
    if (r >= 0 && bias < 0)
        r = bias;
    if (r >= 0)
        r = build_primitive(b, pd, &step);
    if (r < 0)
        return r;
    step->flops = onednn_conv_flops(b, node);
    build_arg(step, DNNL_ARG_SRC, src);
    build_arg(step, DNNL_ARG_WEIGHTS, weights);
    if (v->has_bias)
        build_arg(step, DNNL_ARG_BIAS, bias);
    for (int i = 0; summands && i < node->n_posts; i++)
        if (summands[i] >= 0)
            build_arg(step, DNNL_ARG_ATTR_MULTIPLE_POST_OP(i) | DNNL_ARG_SRC_1, summands[i]);
    return build_arg(step, DNNL_ARG_DST, dst);
}

static int build_window(struct build *b, const struct node *node)
{
    struct conv v;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    int src, dst, sum = -1, summands[NODE_POSTS] = {-1, -1, -1, -1};
    bool apart;
    int r = conv_init(b, node, &v);
    if (r >= 0)
        r = build_attr(b, &attr);
    if (r < 0)
        return r;
    dnnl_status_t s = conv_pd(b, &v, attr, &pd);
    if (s != dnnl_success) {
        r = onednn_fail(b, s, "convolution");
        goto out;
    }
    v.src = *dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0);
    v.dst = *dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
    r = src = build_value_as(b, node->in[0], &v.src);
    if (r >= 0)
        r = conv_choose(b, &v, src, &pd, &sum, summands, &apart);
    if (r >= 0)
        r = dst = build_result(b, node->out[0], &v.dst);
    if (r >= 0) {
        b->c->slots[dst].parent = apart ? -1 : sum;
        r = conv_step(b, &v, pd, src, apart ? NULL : summands, dst);
    }
    if (r >= 0 && apart)
        r = build_posts_apart(b, node, dst);
out:
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return r;
}

int build_conv(struct build *b, const struct node *node)
{
    int r = build_stem(b, node);
    if (r == 1)
        r = build_conv_codes(b, node);
    return r == 1 ? build_window(b, node) : r;
}

int build_deconv(struct build *b, const struct node *node)
{
    return build_window(b, node);
}

/* A plain value as a matrix of `rank` axes, leading ones added, perhaps transposed. */
static int matrix(struct build *b, int value, int rank, bool transpose)
{
    int slot = build_value_plain(b, value);
    if (slot < 0)
        return slot;
    const struct shape *s = &b->graph->values[value].shape;
    int64_t dense[TENSOR_RANK];
    kernel_strides(s, dense);
    dnnl_memory_desc_t md;
    dnnl_dims_t dims, strides;
    int shift = rank - s->rank;
    for (int i = 0; i < rank; i++) {
        int from = i - shift;
        if (transpose && i >= rank - 2)
            from = 2 * rank - 3 - i - shift;
        dims[i] = from < 0 ? 1 : s->dims[from];
        strides[i] = from < 0 ? (s->rank ? dense[0] * s->dims[0] : 1) : dense[from];
    }
    dnnl_status_t st = dnnl_memory_desc_init_by_strides(&md, rank, dims, dnnl_f32, strides);
    return st == dnnl_success ? build_alias(b, slot, &md) : onednn_fail(b, st, "layout");
}

/* Gemm's summand is added by a post-op, which broadcasts it. */
static int matmul_posts(struct build *b, const struct node *node, int summand, dnnl_primitive_attr_t attr)
{
    dnnl_post_ops_t ops;
    dnnl_status_t s = dnnl_post_ops_create(&ops);
    if (s != dnnl_success)
        return onednn_fail(b, s, "post-ops");
    if (summand >= 0)
        s = dnnl_post_ops_append_binary(ops, dnnl_binary_add, &b->c->slots[summand].md);
    for (int i = 0; s == dnnl_success && i < node->n_posts; i++)
        if (onednn_append_unary(ops, node->posts[i].unary, node->posts[i].alpha, node->posts[i].beta) < 0)
            s = dnnl_runtime_error;
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_post_ops_destroy(ops);
    return s == dnnl_success ? 0 : onednn_fail(b, s, "post-ops");
}

int build_matmul(struct build *b, const struct node *node)
{
    bool gemm = node->op == OP_GEMM, has_summand = gemm && node->n_in > 2 && node->in[2] >= 0;
    int rank = b->graph->values[node->out[0]].shape.rank, summand = -1, dst = -1;
    dnnl_memory_desc_t md;
    dnnl_matmul_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    struct step *step;
    int a_slot = matrix(b, node->in[0], rank, gemm && node->gemm.trans_a);
    int b_slot = a_slot < 0 ? a_slot : matrix(b, node->in[1], rank, gemm && node->gemm.trans_b);
    if (b_slot >= 0 && has_summand)
        summand = matrix(b, node->in[2], rank, false);
    int r = b_slot < 0 ? b_slot : has_summand && summand < 0 ? summand : build_plain_md(b, node->out[0], &md);
    if (r >= 0)
        r = build_attr(b, &attr);
    if (r >= 0)
        r = matmul_posts(b, node, summand, attr);
    if (r >= 0) {
        dnnl_status_t s = dnnl_matmul_desc_init(&d, &b->c->slots[a_slot].md, &b->c->slots[b_slot].md, NULL, &md);
        if (s == dnnl_success)
            s = dnnl_primitive_desc_create(&pd, &d, attr, b->engine->dnnl, NULL);
        r = s == dnnl_success ? build_primitive(b, pd, &step) : onednn_fail(b, s, "matrix product");
    }
    if (r >= 0)
        r = dst = build_result(b, node->out[0], &md);
    if (r >= 0) {
        build_arg(step, DNNL_ARG_SRC, a_slot);
        build_arg(step, DNNL_ARG_WEIGHTS, b_slot);
        if (summand >= 0)
            build_arg(step, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, summand);
        r = build_arg(step, DNNL_ARG_DST, dst);
    }
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return r;
}
