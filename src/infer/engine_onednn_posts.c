/* What fused nodes do to their results, as oneDNN post-ops or, where a primitive does not take them, as steps of their
 * own. */
#include "infer/engine_onednn.h"

int onednn_eltwise(enum unary kind, float alpha, float beta, struct eltwise ret[2])
{
    switch (kind) {
    case UNARY_RELU:
        ret[0] = (struct eltwise){dnnl_eltwise_relu, 0, 0};
        return 1;
    case UNARY_LEAKY_RELU:
        ret[0] = (struct eltwise){dnnl_eltwise_relu, alpha, 0};
        return 1;
    case UNARY_CLIP:
        ret[0] = (struct eltwise){dnnl_eltwise_clip, alpha, beta};
        return 1;
    case UNARY_SIGMOID:
        ret[0] = (struct eltwise){dnnl_eltwise_logistic, 0, 0};
        return 1;
    case UNARY_HARD_SIGMOID:
        ret[0] = (struct eltwise){dnnl_eltwise_linear, alpha, beta};
        ret[1] = (struct eltwise){dnnl_eltwise_clip, 0, 1};
        return 2;
    case UNARY_HARD_SWISH:
        ret[0] = (struct eltwise){dnnl_eltwise_hardswish, 0, 0};
        return 1;
    case UNARY_EXP:
        ret[0] = (struct eltwise){dnnl_eltwise_exp, 0, 0};
        return 1;
    case UNARY_SWISH:
        ret[0] = (struct eltwise){dnnl_eltwise_swish, 1, 0};
        return 1;
    }
    return 0;
}

int onednn_append_unary(dnnl_post_ops_t ops, enum unary kind, float alpha, float beta)
{
    struct eltwise e[2];
    int n = onednn_eltwise(kind, alpha, beta, e);
    for (int i = 0; i < n; i++)
        if (dnnl_post_ops_append_eltwise(ops, 1, e[i].kind, e[i].alpha, e[i].beta) != dnnl_success)
            return -EIO;
    return 0;
}

bool onednn_added_once(const struct node *node, int post)
{
    for (int i = 0; i < node->n_posts; i++)
        if (i != post && node->posts[i].type == POST_ADD &&
            node->in[node->posts[i].input] == node->in[node->posts[post].input])
            return false;
    return true;
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
        } else if (i == 0 && slot != src && onednn_added_once(node, i) &&
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

int build_unary_step(struct build *b, enum unary kind, float alpha, float beta, int src, int dst)
{
    struct eltwise e[2];
    dnnl_primitive_attr_t attr = NULL;
    int n = onednn_eltwise(kind, alpha, beta, e), r = build_attr(b, &attr);
    for (int i = 0; r >= 0 && i < n; i++, src = dst) {
        dnnl_eltwise_desc_t d;
        dnnl_primitive_desc_t pd = NULL;
        struct step *step;
        const dnnl_memory_desc_t *md = &b->c->slots[dst].md;
        dnnl_status_t s =
            dnnl_eltwise_forward_desc_init(&d, dnnl_forward_inference, e[i].kind, md, e[i].alpha, e[i].beta);
        if (s == dnnl_success)
            s = dnnl_primitive_desc_create(&pd, &d, attr, b->engine->dnnl, NULL);
        r = s == dnnl_success ? build_primitive(b, pd, &step) : onednn_fail(b, s, "activation");
        if (r >= 0) {
            build_arg(step, DNNL_ARG_SRC, src);
            r = build_arg(step, DNNL_ARG_DST, dst);
        }
        dnnl_primitive_desc_destroy(pd);
    }
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
        r = node->posts[i].type == POST_UNARY
                ? build_unary_step(b, node->posts[i].unary, node->posts[i].alpha, node->posts[i].beta, slot, slot)
                : add_apart(b, node, &node->posts[i], slot);
    return r;
}
