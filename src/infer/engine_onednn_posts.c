/* What fused nodes do to their results, as oneDNN post-ops or, where a primitive does not take them, as steps of their
 * own. */
#include "infer/engine_onednn.h"

int onednn_append_unary(dnnl_post_ops_t ops, enum unary kind, float alpha, float beta)
{
    dnnl_status_t s = dnnl_success;
    switch (kind) {
    case UNARY_RELU:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0);
        break;
    case UNARY_LEAKY_RELU:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, alpha, 0);
        break;
    case UNARY_CLIP:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_clip, alpha, beta);
        break;
    case UNARY_SIGMOID:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_logistic, 0, 0);
        break;
    case UNARY_HARD_SIGMOID:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_linear, alpha, beta);
        if (s == dnnl_success)
            s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_clip, 0, 1);
        break;
    case UNARY_HARD_SWISH:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_hardswish, 0, 0);
        break;
    case UNARY_EXP:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_exp, 0, 0);
        break;
    case UNARY_SWISH:
        s = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_swish, 1, 0);
        break;
    }
    return s == dnnl_success ? 0 : -EIO;
}

int build_posts(struct build *b, const struct node *node, const dnnl_memory_desc_t *dst, int src,
    dnnl_primitive_attr_t attr, int *ret_sum, int summands[NODE_POSTS])
{
    dnnl_post_ops_t ops;
    *ret_sum = -1;
    dnnl_status_t s = dnnl_post_ops_create(&ops);
    if (s != dnnl_success)
        return onednn_fail(b, s, "post-ops");
    int r = 0;
    for (int i = 0; r >= 0 && i < node->n_posts; i++) {
        const struct post *post = &node->posts[i];
        summands[i] = -1;
        if (post->type == POST_UNARY) {
            r = onednn_append_unary(ops, post->unary, post->alpha, post->beta);
            continue;
        }
        int value = node->in[post->input], slot = build_value_as(b, value, dst);
        if (slot < 0) {
            r = slot;
        } else if (i == 0 && slot != src &&
                   build_may_overwrite(b, value, slot)) { /* kernels take sums in the first place only */
            *ret_sum = slot;
            r = dnnl_post_ops_append_sum(ops, 1) == dnnl_success ? 0 : -EIO;
        } else {
            summands[i] = slot;
            r = dnnl_post_ops_append_binary(ops, dnnl_binary_add, &b->c->slots[slot].md) == dnnl_success ? 0 : -EIO;
        }
    }
    if (r >= 0)
        r = dnnl_primitive_attr_set_post_ops(attr, ops) == dnnl_success ? 0 : -EIO;
    dnnl_post_ops_destroy(ops);
    return r;
}

static int unary_apart(struct build *b, const struct post *post, int slot)
{
    dnnl_eltwise_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_primitive_desc_t pd = NULL;
    struct step *step;
    int r = build_attr(b, &attr);
    if (r < 0)
        return r;
    /* The activation itself is a post-op too, after an identity, so that there is one translation of activations. */
    const dnnl_memory_desc_t *md = &b->c->slots[slot].md;
    dnnl_status_t s = dnnl_post_ops_create(&ops);
    if (s == dnnl_success)
        s = onednn_append_unary(ops, post->unary, post->alpha, post->beta) < 0
                ? dnnl_runtime_error
                : dnnl_primitive_attr_set_post_ops(attr, ops);
    if (s == dnnl_success)
        s = dnnl_eltwise_forward_desc_init(&d, dnnl_forward_inference, dnnl_eltwise_linear, md, 1, 0);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&pd, &d, attr, b->engine->dnnl, NULL);
    r = s == dnnl_success ? build_primitive(b, pd, &step) : onednn_fail(b, s, "activation");
    if (r >= 0) {
        build_arg(step, DNNL_ARG_SRC, slot);
        build_arg(step, DNNL_ARG_DST, slot);
    }
    dnnl_primitive_desc_destroy(pd);
    dnnl_post_ops_destroy(ops);
    dnnl_primitive_attr_destroy(attr);
    return r;
}

static int add_apart(struct build *b, const struct node *node, const struct post *post, int slot)
{
    dnnl_binary_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    struct step *step;
    dnnl_memory_desc_t md = b->c->slots[slot].md;
    int summand = build_value_as(b, node->in[post->input], &md), r = summand < 0 ? summand : build_attr(b, &attr);
    if (r < 0)
        return r;
    dnnl_status_t s = dnnl_binary_desc_init(&d, dnnl_binary_add, &md, &md, &md);
    if (s == dnnl_success)
        s = dnnl_primitive_desc_create(&pd, &d, attr, b->engine->dnnl, NULL);
    r = s == dnnl_success ? build_primitive(b, pd, &step) : onednn_fail(b, s, "addition");
    if (r >= 0) {
        build_arg(step, DNNL_ARG_SRC_0, slot);
        build_arg(step, DNNL_ARG_SRC_1, summand);
        build_arg(step, DNNL_ARG_DST, slot);
    }
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return r;
}

int build_posts_apart(struct build *b, const struct node *node, int slot)
{
    int r = 0;
    for (int i = 0; r >= 0 && i < node->n_posts; i++)
        r = node->posts[i].type == POST_UNARY ? unary_apart(b, &node->posts[i], slot)
                                              : add_apart(b, node, &node->posts[i], slot);
    return r;
}
