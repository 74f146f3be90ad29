/* Shapes of operators that move elements without changing them. See graph_shape.h. */
#include "infer/graph_shape.h"

static enum tensor_type type_of(const struct shaping *s, int i)
{
    return s->graph->values[s->node->in[i]].type;
}

/* The same elements in another shape. */
static int become_view(const struct shaping *s, const struct shape *shape)
{
    size_t before = 0, after = 0;
    int r = shape_count(shaping_in(s, 0), &before);
    if (r >= 0)
        r = shape_count(shape, &after);
    if (r < 0 || before != after)
        return shaping_refuse(s, -EINVAL, "the new shape has another number of elements");
    s->node->op = OP_VIEW;
    s->node->n_in = 1;
    return shaping_out(s, 0, shape, type_of(s, 0));
}

static int shape_reshape(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    struct shape out = {0};
    int wild = -1, r = shaping_numbers(s, 1, out.dims, &out.rank);
    if (r < 0)
        return r;
    int64_t known = 1, total = 1;
    for (int i = 0; i < x->rank; i++)
        total *= x->dims[i];
    for (int i = 0; i < out.rank; i++) {
        if (out.dims[i] == 0 && !s->node->reshape.allow_zero)
            out.dims[i] = i < x->rank ? x->dims[i] : -2;
        if (out.dims[i] == -1 && wild < 0)
            wild = i;
        else if (out.dims[i] < 0 || out.dims[i] > TENSOR_ELEMENTS || (known *= out.dims[i]) > TENSOR_ELEMENTS)
            return shaping_refuse(s, -EINVAL, "an impossible shape");
    }
    if (wild >= 0)
        out.dims[wild] = known ? total / known : 0;
    return become_view(s, &out);
}

static int shape_flatten(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    int64_t axis = s->node->axis.axis < 0 ? s->node->axis.axis + x->rank : s->node->axis.axis;
    if (axis < 0 || axis > x->rank)
        return shaping_refuse(s, -EINVAL, "axis %lld of a value with %d", (long long)axis, x->rank);
    struct shape out = {.rank = 2, .dims = {1, 1}};
    for (int i = 0; i < x->rank; i++)
        out.dims[i >= axis] *= x->dims[i];
    return become_view(s, &out);
}

/* Axes of size 1 that come or go. */
static int shape_squeeze(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    bool insert = s->node->op == OP_UNSQUEEZE, chosen[TENSOR_RANK] = {false};
    int64_t axes[TENSOR_RANK];
    int n, r = shaping_numbers(s, 1, axes, &n);
    if (r < 0)
        return r;
    int rank = insert ? x->rank + n : x->rank;
    if ((insert && n < 0) || rank > TENSOR_RANK)
        return shaping_refuse(s, -EOPNOTSUPP, "axes are missing or too many");
    for (int i = 0; n < 0 && i < rank; i++)
        chosen[i] = x->dims[i] == 1;
    for (int i = 0; i < n; i++) {
        int axis;
        if ((r = shaping_axis(s, axes[i], rank, &axis)) < 0)
            return r;
        if (chosen[axis] || (!insert && x->dims[axis] != 1))
            return shaping_refuse(s, -EINVAL, "axis %d cannot be chosen", axis);
        chosen[axis] = true;
    }
    struct shape out = {0};
    for (int i = 0, from = 0; i < rank; i++) {
        if (insert)
            out.dims[out.rank++] = chosen[i] ? 1 : x->dims[from++];
        else if (!chosen[i])
            out.dims[out.rank++] = x->dims[i];
    }
    return become_view(s, &out);
}

static int shape_concat(const struct shaping *s)
{
    struct shape out = *shaping_in(s, 0);
    int axis, r = shaping_axis(s, s->node->axis.axis, out.rank, &axis);
    if (r < 0)
        return r;
    s->node->axis.axis = axis;
    for (int i = 1; i < s->node->n_in; i++) {
        const struct shape *x = shaping_in(s, i);
        if (!x || x->rank != out.rank || type_of(s, i) != type_of(s, 0))
            return shaping_refuse(s, -EINVAL, "the inputs differ in kind");
        for (int k = 0; k < out.rank; k++)
            if (k != axis && x->dims[k] != out.dims[k])
                return shaping_refuse(
                    s, -EINVAL, "sizes %lld and %lld differ", (long long)x->dims[k], (long long)out.dims[k]);
        out.dims[axis] += x->dims[axis];
        if (out.dims[axis] > TENSOR_ELEMENTS)
            return shaping_refuse(s, -EFBIG, "the result is too large");
    }
    return shaping_out(s, 0, &out, type_of(s, 0));
}

static int shape_split(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    int axis, n = s->node->n_out, r = shaping_axis(s, s->node->axis.axis, x->rank, &axis);
    if (r < 0)
        return r;
    const struct tensor *sizes = graph_constant(s->graph, s->node, 1);
    if (shaping_in(s, 1) && (!sizes || sizes->type != TENSOR_I64 || sizes->count != (size_t)n))
        return shaping_refuse(s, -EOPNOTSUPP, "constant sizes, one for each output, are needed");
    s->node->axis.axis = axis;
    int64_t rest = x->dims[axis], even = (rest + n - 1) / n;
    for (int i = 0; i < n; i++) {
        struct shape out = *x;
        out.dims[axis] = sizes ? sizes->i64[i] : i == n - 1 ? rest : even;
        if (out.dims[axis] < 0 || out.dims[axis] > rest)
            return shaping_refuse(s, -EINVAL, "the sizes do not add up");
        rest -= out.dims[axis];
        if ((r = shaping_out(s, i, &out, type_of(s, 0))) < 0)
            return r;
    }
    s->node->n_in = 1;
    return rest ? shaping_refuse(s, -EINVAL, "the sizes do not add up") : 0;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int shape_slice(const struct shaping *s)
{
    struct shape out = *shaping_in(s, 0);
    int64_t start[TENSOR_RANK], end[TENSOR_RANK], axes[TENSOR_RANK], step[TENSOR_RANK];
    int n, n_end, n_axes, n_step, r;
    if ((r = shaping_numbers(s, 1, start, &n)) < 0 || (r = shaping_numbers(s, 2, end, &n_end)) < 0 ||
        (r = shaping_numbers(s, 3, axes, &n_axes)) < 0 || (r = shaping_numbers(s, 4, step, &n_step)) < 0)
        return r;
    if (n < 0 || n_end != n || (n_axes >= 0 && n_axes != n) || (n_step >= 0 && n_step != n) ||
        (n_axes < 0 && n > out.rank))
        return shaping_refuse(s, -EINVAL, "starts, ends, axes and steps differ in number");
    for (int i = 0; i < TENSOR_RANK; i++) {
        s->node->slice.start[i] = 0;
        s->node->slice.step[i] = 1;
    }
    for (int i = 0; i < n; i++) {
        int axis;
        if ((r = shaping_axis(s, n_axes < 0 ? i : axes[i], out.rank, &axis)) < 0)
            return r;
        int64_t size = shaping_in(s, 0)->dims[axis], by = n_step < 0 ? 1 : step[i];
        if (by == 0 || by < -TENSOR_ELEMENTS || by > TENSOR_ELEMENTS)
            return shaping_refuse(s, -EINVAL, "a step of %lld", (long long)by);
        /* Clamping as in the operator's definition: a backward slice may end before element 0. */
        int64_t from = start[i] < 0 ? clamp(start[i], -TENSOR_ELEMENTS, -1) + size : start[i];
        int64_t to = end[i] < 0 ? clamp(end[i], -2LL * TENSOR_ELEMENTS, -1) + size : end[i];
        from = by > 0 ? clamp(from, 0, size) : clamp(from, 0, size - 1);
        to = by > 0 ? clamp(to, 0, size) : clamp(to, -1, size - 1);
        int64_t count = by > 0 ? (to - from + by - 1) / by : (from - to - by - 1) / -by;
        out.dims[axis] = count > 0 && size > 0 ? count : 0;
        s->node->slice.start[axis] = from;
        s->node->slice.step[axis] = by;
    }
    s->node->n_in = 1;
    return shaping_out(s, 0, &out, type_of(s, 0));
}

static int shape_transpose(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    struct shape out = {.rank = x->rank};
    if (s->node->perm.n && s->node->perm.n != x->rank)
        return shaping_refuse(s, -EINVAL, "perm has %d axes, the value %d", s->node->perm.n, x->rank);
    for (int i = 0; i < x->rank; i++) {
        if (!s->node->perm.n)
            s->node->perm.v[i] = x->rank - 1 - i;
        out.dims[i] = x->dims[s->node->perm.v[i]];
    }
    s->node->perm.n = x->rank;
    return shaping_out(s, 0, &out, type_of(s, 0));
}

static int shape_gather(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0), *index = shaping_in(s, 1);
    int axis, r = shaping_axis(s, s->node->axis.axis, x->rank, &axis);
    if (r < 0)
        return r;
    if (type_of(s, 1) != TENSOR_I64 || !graph_constant(s->graph, s->node, 1))
        return shaping_refuse(s, -EOPNOTSUPP, "indices have to be constant whole numbers");
    if (x->rank - 1 + index->rank > TENSOR_RANK)
        return shaping_refuse(s, -EOPNOTSUPP, "more than %d axes", TENSOR_RANK);
    s->node->axis.axis = axis;
    struct shape out = {0};
    for (int i = 0; i < x->rank; i++) {
        if (i != axis)
            out.dims[out.rank++] = x->dims[i];
        for (int k = 0; i == axis && k < index->rank; k++)
            out.dims[out.rank++] = index->dims[k];
    }
    return shaping_out(s, 0, &out, type_of(s, 0));
}

static int shape_shape(const struct shaping *s)
{
    int64_t rank = shaping_in(s, 0)->rank, start = s->node->shape.start, end = s->node->shape.end;
    start = clamp(start < 0 ? start + rank : start, 0, rank);
    end = clamp(end < 0 ? end + rank : end, 0, rank);
    s->node->shape.start = start;
    s->node->shape.end = end;
    return shaping_out(s, 0, &(struct shape){.rank = 1, .dims = {end > start ? end - start : 0}}, TENSOR_I64);
}

int shape_move_node(const struct shaping *s)
{
    switch (s->node->op) {
    case OP_RESHAPE:
        return shape_reshape(s);
    case OP_FLATTEN:
        return shape_flatten(s);
    case OP_SQUEEZE:
    case OP_UNSQUEEZE:
        return shape_squeeze(s);
    case OP_CONCAT:
        return shape_concat(s);
    case OP_SPLIT:
        return shape_split(s);
    case OP_SLICE:
        return shape_slice(s);
    case OP_TRANSPOSE:
        return shape_transpose(s);
    case OP_GATHER:
        return shape_gather(s);
    case OP_SHAPE:
        return shape_shape(s);
    default: /* OP_IDENTITY */
        return shaping_out(s, 0, shaping_in(s, 0), type_of(s, 0));
    }
}
