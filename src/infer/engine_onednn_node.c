/* The other operators: pooling, arithmetic, resizing, concatenation, views; and kernels for the rest. See
 * engine_onednn.h. */
#include "infer/engine_onednn.h"

#include <math.h>
#include <stdlib.h>

/* Ends every builder: the step of `pd` with up to two sources and a destination. Takes over pd and attr. */
static int finish(struct build *b, dnnl_status_t s, dnnl_primitive_desc_t pd, dnnl_primitive_attr_t attr,
    const char *what, int src0, int src1, int dst)
{
    struct step *step;
    int r = s == dnnl_success ? build_primitive(b, pd, &step) : onednn_fail(b, s, what);
    if (r >= 0) {
        build_arg(step, DNNL_ARG_SRC_0, src0);
        if (src1 >= 0)
            build_arg(step, DNNL_ARG_SRC_1, src1);
        r = build_arg(step, DNNL_ARG_DST, dst);
    }
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return r;
}

static int build_kernel(struct build *b, const struct node *node)
{
    int n = node->n_in + node->n_out;
    int *more = malloc((size_t)n * sizeof *more);
    struct view *views = calloc((size_t)n, sizeof *views);
    int r = more && views ? 0 : -ENOMEM;
    for (int i = 0; r >= 0 && i < n; i++) {
        bool in = i < node->n_in;
        int value = in ? node->in[i] : node->out[i - node->n_in];
        dnnl_memory_desc_t md;
        more[i] = -1;
        if (value < 0)
            continue;
        const struct value *v = &b->graph->values[value];
        views[i] = (struct view){.type = v->type, .shape = v->shape};
        if (v->constant) { /* of any type; never in a slot */
            views[i].data = v->constant->data;
            continue;
        }
        if (v->type != TENSOR_F32)
            r = error_set(
                b->err, -EOPNOTSUPP, "node '%s' (%s): its type is not supported here", node->name, op_name(node->op));
        if (r >= 0)
            r = in                                  ? build_value_plain(b, value)
                : build_plain_md(b, value, &md) < 0 ? -EIO
                                                    : build_result(b, value, &md);
        more[i] = r;
    }
    struct step *step = r >= 0 ? build_step(b, node->name) : NULL;
    if (!step) {
        free(more);
        free(views);
        return r < 0 ? r : -ENOMEM;
    }
    step->node = node;
    step->more = more;
    step->views = views;
    step->n_args = n;
    return 0;
}

static int build_pool(struct build *b, const struct node *node)
{
    const struct window *w = &node->window;
    const struct shape *y = &b->graph->values[node->out[0]].shape;
    dnnl_dims_t kernel, stride, dilation, pad[2];
    dnnl_memory_desc_t dst_md;
    dnnl_pooling_v2_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    int src = node->op == OP_MAX_POOL ? build_source(b, node) : build_value(b, node->in[0]), dst = -1;
    int r = src < 0 ? src : build_attr(b, &attr);
    if (r < 0)
        return r;
    for (int i = 0; i < 2; i++) {
        int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1, in = b->graph->values[node->in[0]].shape.dims[2 + i];
        kernel[i] = w->kernel[i];
        stride[i] = w->stride[i];
        dilation[i] = w->dilation[i] - 1;
        pad[0][i] = w->pad[i];
        pad[1][i] = (y->dims[2 + i] - 1) * w->stride[i] + extent - in - w->pad[i]; /* exactly what the windows reach */
    }
    dnnl_alg_kind_t kind = node->op == OP_MAX_POOL ? dnnl_pooling_max
                           : w->count_pad          ? dnnl_pooling_avg_include_padding
                                                   : dnnl_pooling_avg_exclude_padding;
    dnnl_status_t s =
        build_any_md(b, node->out[0], b->c->slots[src].md.data_type, &dst_md) < 0 ? dnnl_runtime_error : dnnl_success;
    if (s == dnnl_success)
        s = dnnl_pooling_v2_forward_desc_init(
            &d, dnnl_forward_inference, kind, &b->c->slots[src].md, &dst_md, stride, kernel, dilation, pad[0], pad[1]);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&pd, &d, attr, b->engine->dnnl, NULL);
    if (s == dnnl_success)
        dst = build_result(b, node->out[0], dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0));
    return finish(b, s, pd, attr, "pooling", src, -1, dst);
}

static int build_unary(struct build *b, const struct node *node)
{
    int src = build_value(b, node->in[0]);
    if (src < 0)
        return src;
    dnnl_memory_desc_t md = b->c->slots[src].md;
    int dst = build_result(b, node->out[0], &md);
    if (dst < 0)
        return dst;
    if (build_may_overwrite(b, node->in[0], src))
        b->c->slots[dst].parent = src;
    return build_unary_step(b, node->unary.kind, node->unary.alpha, node->unary.beta, src, dst);
}

/* The second source: in the first one's layout where the shapes agree, else plain, with leading ones. */
static int second_source(struct build *b, int value, int first, const struct shape *out)
{
    const struct shape *s = &b->graph->values[value].shape;
    if (shape_equal(s, out)) {
        dnnl_memory_desc_t md = b->c->slots[first].md;
        return build_value_as(b, value, &md);
    }
    static const dnnl_format_tag_t tags[] = {dnnl_a, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde, dnnl_abcdef};
    dnnl_memory_desc_t md;
    dnnl_dims_t dims;
    for (int i = 0; i < out->rank; i++)
        dims[i] = i < out->rank - s->rank ? 1 : s->dims[i - out->rank + s->rank];
    dnnl_status_t st = dnnl_memory_desc_init_by_tag(&md, out->rank, dims, dnnl_f32, tags[out->rank]);
    int slot = st == dnnl_success ? build_value_plain(b, value) : onednn_fail(b, st, "layout");
    return slot < 0 ? slot : build_alias(b, slot, &md);
}

static int build_binary(struct build *b, const struct node *node)
{
    static const dnnl_alg_kind_t kinds[] = {[BINARY_ADD] = dnnl_binary_add,
        [BINARY_SUB] = dnnl_binary_sub,
        [BINARY_MUL] = dnnl_binary_mul,
        [BINARY_DIV] = dnnl_binary_div};
    const struct shape *out = &b->graph->values[node->out[0]].shape;
    bool commutes = node->binary == BINARY_ADD || node->binary == BINARY_MUL;
    bool full[2] = {
        shape_equal(&b->graph->values[node->in[0]].shape, out), shape_equal(&b->graph->values[node->in[1]].shape, out)};
    /* The first source has to have the result's shape; better one that has been computed, whose layout then rules. */
    int first = full[0] && !(commutes && full[1] && b->graph->values[node->in[0]].constant) ? 0
                : commutes && full[1]                                                       ? 1
                                                                                            : -1;
    if (first < 0 || out->rank == 0)
        return build_kernel(b, node);
    dnnl_binary_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_post_ops_t ops = NULL;
    int src0 = build_value(b, node->in[first]), src1 = src0 < 0 ? src0 : second_source(b, node->in[!first], src0, out);
    int r = src1 < 0 ? src1 : build_attr(b, &attr);
    if (r < 0)
        return r;
    dnnl_memory_desc_t md = b->c->slots[src0].md;
    dnnl_status_t s = dnnl_post_ops_create(&ops);
    for (int i = 0; s == dnnl_success && i < node->n_posts; i++)
        if (onednn_append_unary(ops, node->posts[i].unary, node->posts[i].alpha, node->posts[i].beta) < 0)
            s = dnnl_runtime_error;
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_post_ops(attr, ops);
    if (s == dnnl_success)
        s = dnnl_binary_desc_init(&d, kinds[node->binary], &md, &b->c->slots[src1].md, &md);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&pd, &d, attr, b->engine->dnnl, NULL);
    dnnl_post_ops_destroy(ops);
    int dst = build_result(b, node->out[0], &md);
    return finish(b, s, pd, attr, "arithmetic", src0, src1, dst);
}

static bool is_whole_enlargement(const struct node *node)
{
    for (int i = 0; i < 2; i++)
        if (node->resize.scale[i] < 1 || node->resize.scale[i] != floorf(node->resize.scale[i]))
            return false;
    return true;
}

/* oneDNN resamples at half-pixel positions; enlarging by whole factors, the nearest neighbours of those are the same as
 * of asymmetric ones rounded down. */
static bool resamples_alike(const struct node *node)
{
    bool half = node->resize.coords == COORDS_HALF_PIXEL, whole = is_whole_enlargement(node);
    if (node->resize.mode == RESIZE_LINEAR)
        return half && whole;
    if (half) /* a position in the middle between two is never met, so either rounding will do */
        return whole && (node->resize.nearest == NEAREST_ROUND_PREFER_FLOOR ||
                            node->resize.nearest == NEAREST_ROUND_PREFER_CEIL);
    return whole && node->resize.coords == COORDS_ASYMMETRIC && node->resize.nearest == NEAREST_FLOOR;
}

static int build_resize(struct build *b, const struct node *node)
{
    if (!resamples_alike(node))
        return build_kernel(b, node);
    dnnl_memory_desc_t md;
    dnnl_resampling_desc_t d;
    dnnl_primitive_attr_t attr = NULL, plain = NULL;
    dnnl_primitive_desc_t pd = NULL;
    int sum = -1, summands[NODE_POSTS] = {-1, -1, -1, -1}, dst = -1;
    int src = node->resize.mode == RESIZE_NEAREST ? build_source(b, node) : build_value(b, node->in[0]);
    int r = src < 0 ? src : build_attr(b, &attr);
    if (r >= 0)
        r = build_attr(b, &plain);
    if (r < 0)
        goto out;
    dnnl_alg_kind_t kind = node->resize.mode == RESIZE_LINEAR ? dnnl_resampling_linear : dnnl_resampling_nearest;
    dnnl_status_t s =
        build_any_md(b, node->out[0], b->c->slots[src].md.data_type, &md) < 0 ? dnnl_runtime_error : dnnl_success;
    if (s == dnnl_success)
        s = dnnl_resampling_forward_desc_init(&d, dnnl_forward_inference, kind, NULL, &b->c->slots[src].md, &md);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&pd, &d, plain, b->engine->dnnl, NULL);
    if (s != dnnl_success) {
        r = onednn_fail(b, s, "resize");
        goto out;
    }
    md = *dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
    dnnl_primitive_desc_destroy(pd);
    pd = NULL;
    r = build_posts(b, node, &md, src, attr, &sum, summands);
    if (r < 0)
        goto out;
    /* Only a sum is fused: oneDNN 2.6 adds the wrong elements in post-ops behind an activation here. */
    bool apart = sum < 0 || node->n_posts > 1;
    s = dnnl_resampling_forward_desc_init(&d, dnnl_forward_inference, kind, NULL, &b->c->slots[src].md, &md);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&pd, &d, apart ? plain : attr, b->engine->dnnl, NULL);
    dst = build_result(b, node->out[0], &md);
    if (dst >= 0 && !apart)
        b->c->slots[dst].parent = sum;
    r = finish(b, s, pd, NULL, "resize", src, -1, dst);
    pd = NULL;
    if (r >= 0 && apart)
        r = build_posts_apart(b, node, dst);
out:
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    dnnl_primitive_attr_destroy(plain);
    return r;
}

/* Inputs of a concatenation as they are where they have one type, else all in that of the values between layers. */
static int concat_sources(struct build *b, const struct node *node, int *ret_slots, dnnl_memory_desc_t *ret_mds)
{
    bool alike = true;
    for (int i = 0; i < node->n_in; i++) {
        int slot = ret_slots[i] = build_value(b, node->in[i]);
        if (slot < 0)
            return slot;
        ret_mds[i] = b->c->slots[slot].md;
        alike &= ret_mds[i].data_type == ret_mds[0].data_type;
    }
    for (int i = 0; !alike && i < node->n_in; i++) {
        ret_mds[i].data_type = b->type;
        ret_slots[i] = build_value_as(b, node->in[i], &ret_mds[i]);
        if (ret_slots[i] < 0)
            return ret_slots[i];
    }
    return 0;
}

static int build_concat(struct build *b, const struct node *node)
{
    int n = node->n_in, r = 0;
    int *more = malloc(((size_t)n + 1) * sizeof *more);
    dnnl_memory_desc_t *mds = calloc((size_t)n, sizeof *mds);
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    struct step *step;
    if (!more || !mds)
        r = -ENOMEM;
    if (r >= 0)
        r = concat_sources(b, node, more, mds);
    if (r >= 0)
        r = build_attr(b, &attr);
    if (r < 0)
        goto out;
    dnnl_status_t s = dnnl_concat_primitive_desc_create(&pd, NULL, n, (int)node->axis.axis, mds, attr, b->engine->dnnl);
    r = s == dnnl_success ? build_primitive(b, pd, &step) : onednn_fail(b, s, "concatenation");
    if (r < 0)
        goto out;
    r = more[n] = build_result(b, node->out[0], dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0));
    step->wide = calloc((size_t)n + 2, sizeof *step->wide);
    step->more = more;
    step->n_args = n + 1;
    more = NULL;
    if (!step->wide)
        r = -ENOMEM;
out:
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    free(more);
    free(mds);
    return r;
}

static int build_view(struct build *b, const struct node *node)
{
    dnnl_memory_desc_t md;
    int r = build_plain_md(b, node->out[0], &md), from = r < 0 ? r : build_value_plain(b, node->in[0]);
    r = from < 0 ? from : build_alias(b, from, &md);
    if (r >= 0)
        b->slot_of[node->out[0]] = r;
    return r;
}

int build_other(struct build *b, const struct node *node)
{
    switch (node->op) {
    case OP_MAX_POOL:
    case OP_AVERAGE_POOL:
        return build_pool(b, node);
    case OP_UNARY:
        return b->graph->values[node->out[0]].shape.rank ? build_unary(b, node) : build_kernel(b, node);
    case OP_BINARY:
        return build_binary(b, node);
    case OP_RESIZE:
        return build_resize(b, node);
    case OP_CONCAT:
        return build_concat(b, node);
    case OP_VIEW:
        return build_view(b, node);
    default:
        return build_kernel(b, node);
    }
}
