/* Nodes of ONNX files: one row of a table for each operator, with the function that reads its attributes.
 *
 * Semantics: https://github.com/onnx/onnx/blob/main/docs/Operators.md, all versions of the default domain up to
 * operator set 21.
 */
#include "infer/onnx_parts.h"

#include <string.h>

struct source { /* what a reading function works on */
    struct graph *graph;
    const Onnx__NodeProto *proto;
    int64_t opset;
    struct error *err;
};

static const Onnx__AttributeProto *attribute(const Onnx__NodeProto *proto, const char *name)
{
    for (size_t i = 0; i < proto->n_attribute; i++)
        if (proto->attribute[i]->name && !strcmp(proto->attribute[i]->name, name))
            return proto->attribute[i];
    return NULL;
}

static int64_t whole(const struct source *s, const char *name, int64_t otherwise)
{
    const Onnx__AttributeProto *a = attribute(s->proto, name);
    return a ? a->i : otherwise;
}

static float real(const struct source *s, const char *name, float otherwise)
{
    const Onnx__AttributeProto *a = attribute(s->proto, name);
    return a && a->has_f ? a->f : otherwise;
}

/* Whether the text attribute is `text`; `otherwise` stands for an absent one. */
static bool is_text(const struct source *s, const char *name, const char *text, const char *otherwise)
{
    const Onnx__AttributeProto *a = attribute(s->proto, name);
    if (!a || !a->has_s)
        return !strcmp(text, otherwise);
    return a->s.len == strlen(text) && !memcmp(a->s.data, text, a->s.len);
}

static int refuse(const struct source *s, int code, const char *what)
{
    return error_set(s->err, code, "node '%s' (%s): %s", s->proto->name ? s->proto->name : "", s->proto->op_type, what);
}

/* Exactly n whole numbers, each in [low, high]; an absent attribute leaves `ret` as it is. */
static int numbers(const struct source *s, const char *name, int n, int64_t low, int64_t high, int64_t *ret)
{
    const Onnx__AttributeProto *a = attribute(s->proto, name);
    if (!a || !a->n_ints)
        return 0;
    if (a->n_ints != (size_t)n)
        return refuse(s, -EOPNOTSUPP, "only two-dimensional windows are supported");
    for (int i = 0; i < n; i++) {
        if (a->ints[i] < low || a->ints[i] > high)
            return refuse(s, -EINVAL, "a window's numbers are out of range");
        ret[i] = a->ints[i];
    }
    return 0;
}

/* Makes input `index` of the node the constant that an older operator set gave as an attribute. */
static int constant_input(const struct source *s, struct node *node, int index, enum tensor_type type, const void *data,
    size_t n, bool scalar)
{
    if (n > TENSOR_RANK * 1024)
        return refuse(s, -EINVAL, "an attribute's list is too long");
    struct tensor *t;
    int r = tensor_create(type, &(struct shape){.rank = scalar ? 0 : 1, .dims = {(int64_t)n}}, &t, s->err);
    if (r < 0)
        return r;
    if (n)
        memcpy(t->data, data, n * tensor_type_size(type));
    int value = graph_add_constant(s->graph, NULL, t);
    if (value < 0)
        return value;
    while (node->n_in <= index)
        if (node_add_input(node, -1) < 0)
            return -ENOMEM;
    node->in[index] = value;
    return 0;
}

static int ints_input(const struct source *s, struct node *node, int index, const char *name)
{
    const Onnx__AttributeProto *a = attribute(s->proto, name);
    if (!a || (index < node->n_in && node->in[index] >= 0))
        return 0;
    return constant_input(s, node, index, TENSOR_I64, a->ints, a->n_ints, false);
}

static int floats_input(const struct source *s, struct node *node, int index, const char *name)
{
    const Onnx__AttributeProto *a = attribute(s->proto, name);
    if (!a || (index < node->n_in && node->in[index] >= 0))
        return 0;
    if (a->n_floats)
        return constant_input(s, node, index, TENSOR_F32, a->floats, a->n_floats, false);
    return constant_input(s, node, index, TENSOR_F32, &a->f, 1, true);
}

static int read_window(const struct source *s, struct node *node)
{
    struct window *w = &node->window;
    *w = (struct window){.stride = {1, 1}, .dilation = {1, 1}};
    int r;
    if ((r = numbers(s, "kernel_shape", 2, 1, 4096, w->kernel)) < 0 ||
        (r = numbers(s, "strides", 2, 1, 4096, w->stride)) < 0 ||
        (r = numbers(s, "dilations", 2, 1, 4096, w->dilation)) < 0 ||
        (r = numbers(s, "pads", 4, 0, 4096, w->pad)) < 0 ||
        (r = numbers(s, "output_padding", 2, 0, 4096, w->output_pad)) < 0)
        return r;
    w->group = whole(s, "group", 1);
    if (w->group < 1 || w->group > 65536)
        return refuse(s, -EINVAL, "group is out of range");
    w->ceil = whole(s, "ceil_mode", 0) != 0;
    w->count_pad = whole(s, "count_include_pad", 0) != 0;
    w->auto_pad = is_text(s, "auto_pad", "SAME_UPPER", "")   ? PAD_SAME_UPPER
                  : is_text(s, "auto_pad", "SAME_LOWER", "") ? PAD_SAME_LOWER
                  : is_text(s, "auto_pad", "VALID", "")      ? PAD_VALID
                                                             : PAD_GIVEN;
    if (node->op == OP_CONV_TRANSPOSE && attribute(s->proto, "output_shape"))
        return refuse(s, -EOPNOTSUPP, "output_shape is not supported");
    if ((node->op == OP_MAX_POOL || node->op == OP_AVERAGE_POOL) && !w->kernel[0])
        return refuse(s, -EINVAL, "kernel_shape is missing");
    return 0;
}

static int read_batch_norm(const struct source *s, struct node *node)
{
    if (whole(s, "training_mode", 0))
        return refuse(s, -EOPNOTSUPP, "training mode is not supported");
    node->epsilon = real(s, "epsilon", 1e-5f);
    return 0;
}

static int read_unary(const struct source *s, struct node *node)
{
    static const struct {
        const char *name;
        enum unary kind;
        float alpha, beta;
    } kinds[] = {{"Relu", UNARY_RELU, 0, 0}, {"LeakyRelu", UNARY_LEAKY_RELU, 0.01f, 0},
        {"Sigmoid", UNARY_SIGMOID, 0, 0}, {"HardSigmoid", UNARY_HARD_SIGMOID, 0.2f, 0.5f},
        {"HardSwish", UNARY_HARD_SWISH, 0, 0}, {"Exp", UNARY_EXP, 0, 0}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(s->proto->op_type, kinds[i].name)) {
            node->unary.kind = kinds[i].kind;
            node->unary.alpha = real(s, "alpha", kinds[i].alpha);
            node->unary.beta = real(s, "beta", kinds[i].beta);
        }
    return 0;
}

static int read_binary(const struct source *s, struct node *node)
{
    static const char *const names[] = {
        [BINARY_ADD] = "Add", [BINARY_SUB] = "Sub", [BINARY_MUL] = "Mul", [BINARY_DIV] = "Div"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(s->proto->op_type, names[i]))
            node->binary = (enum binary)i;
    return 0;
}

static int read_clip(const struct source *s, struct node *node)
{
    int r = floats_input(s, node, 1, "min");
    return r < 0 ? r : floats_input(s, node, 2, "max");
}

static int read_axis(const struct source *s, struct node *node)
{
    int64_t otherwise = node->op == OP_SOFTMAX ? (s->opset < 13 ? 1 : -1)
                        : node->op == OP_FLATTEN || node->op == OP_QUANTIZE || node->op == OP_DEQUANTIZE ? 1
                                                                                                         : 0;
    node->axis.axis = whole(s, "axis", otherwise);
    node->axis.old = s->opset < 13;
    return node->op == OP_SPLIT ? ints_input(s, node, 1, "split") : 0;
}

/* A zero point of the type that newer sets may give as an attribute instead. */
static int read_quantize(const struct source *s, struct node *node)
{
    int64_t type = whole(s, "output_dtype", 0);
    const struct tensor *scale = graph_constant(s->graph, node, 1);
    struct tensor *zero;
    int r = read_axis(s, node);
    if (r < 0 || !type || (node->n_in > 2 && node->in[2] >= 0))
        return r;
    if ((type != ONNX_UINT8 && type != ONNX_INT8) || !scale)
        return refuse(s, -EOPNOTSUPP, "this output_dtype is not supported, or not with a scale that is computed");
    r = tensor_create((enum tensor_type)onnx_type((int)type), &scale->shape, &zero, s->err);
    int value = r < 0 ? r : graph_add_constant(s->graph, NULL, zero);
    if (value < 0)
        return value;
    while (node->n_in < 3)
        if (node_add_input(node, -1) < 0)
            return -ENOMEM;
    node->in[2] = value;
    return 0;
}

static int read_slice(const struct source *s, struct node *node)
{
    int r;
    if ((r = ints_input(s, node, 1, "starts")) < 0 || (r = ints_input(s, node, 2, "ends")) < 0)
        return r;
    return ints_input(s, node, 3, "axes");
}

static int read_axes(const struct source *s, struct node *node)
{
    if (node->op == OP_REDUCE_MEAN) {
        node->reduce.keep = whole(s, "keepdims", 1) != 0;
        node->reduce.noop = whole(s, "noop_with_empty_axes", 0) != 0;
    }
    return ints_input(s, node, 1, "axes");
}

/* What newer sets can ask for beyond the ways of resizing that there are. */
static int refuse_resize(const struct source *s)
{
    if (whole(s, "antialias", 0))
        return refuse(s, -EOPNOTSUPP, "antialias is not supported");
    if (whole(s, "exclude_outside", 0))
        return refuse(s, -EOPNOTSUPP, "exclude_outside is not supported");
    if (attribute(s->proto, "axes"))
        return refuse(s, -EOPNOTSUPP, "axes are not supported");
    if (!is_text(s, "keep_aspect_ratio_policy", "stretch", "stretch"))
        return refuse(s, -EOPNOTSUPP, "keep_aspect_ratio_policy other than stretch is not supported");
    return 0;
}

static int read_resize(const struct source *s, struct node *node)
{
    bool upsample = !strcmp(s->proto->op_type, "Upsample"), old = upsample || s->opset < 11;
    if (is_text(s, "mode", "nearest", "nearest"))
        node->resize.mode = RESIZE_NEAREST;
    else if (is_text(s, "mode", "linear", "") || is_text(s, "mode", "bilinear", ""))
        node->resize.mode = RESIZE_LINEAR;
    else
        return refuse(s, -EOPNOTSUPP, "only nearest and linear are supported");
    if (old) { /* X, scales: scales move to where newer sets have them */
        node->resize.coords = COORDS_ASYMMETRIC;
        node->resize.nearest = NEAREST_FLOOR;
        int r = floats_input(s, node, 1, "scales");
        if (r < 0 || node->n_in < 2)
            return r < 0 ? r : refuse(s, -EINVAL, "scales are missing");
        if (node->n_in == 2 && node_add_input(node, -1) < 0)
            return -ENOMEM;
        node->in[2] = node->in[1];
        node->in[1] = -1;
        return 0;
    }
    static const char *const coords[] = {[COORDS_HALF_PIXEL] = "half_pixel",
        [COORDS_PYTORCH_HALF_PIXEL] = "pytorch_half_pixel",
        [COORDS_ASYMMETRIC] = "asymmetric",
        [COORDS_ALIGN_CORNERS] = "align_corners"};
    static const char *const nearest[] = {[NEAREST_ROUND_PREFER_FLOOR] = "round_prefer_floor",
        [NEAREST_ROUND_PREFER_CEIL] = "round_prefer_ceil",
        [NEAREST_FLOOR] = "floor",
        [NEAREST_CEIL] = "ceil"};
    int found_coords = -1, found_nearest = -1, r = refuse_resize(s);
    if (r < 0)
        return r;
    for (int i = 0; i < 4; i++) {
        if (is_text(s, "coordinate_transformation_mode", coords[i], coords[COORDS_HALF_PIXEL]))
            found_coords = i;
        if (is_text(s, "nearest_mode", nearest[i], nearest[NEAREST_ROUND_PREFER_FLOOR]))
            found_nearest = i;
    }
    if (found_coords < 0 || found_nearest < 0)
        return refuse(s, -EOPNOTSUPP, "this coordinate_transformation_mode or nearest_mode is not supported");
    node->resize.coords = (enum resize_coords)found_coords;
    node->resize.nearest = (enum resize_nearest)found_nearest;
    return 0;
}

static int read_transpose(const struct source *s, struct node *node)
{
    const Onnx__AttributeProto *a = attribute(s->proto, "perm");
    if (!a)
        return 0;
    if (a->n_ints > TENSOR_RANK)
        return refuse(s, -EOPNOTSUPP, "too many axes");
    unsigned seen = 0;
    node->perm.n = (int)a->n_ints;
    for (int i = 0; i < node->perm.n; i++) {
        if (a->ints[i] < 0 || a->ints[i] >= node->perm.n || seen & 1u << a->ints[i])
            return refuse(s, -EINVAL, "perm is no permutation");
        seen |= 1u << a->ints[i];
        node->perm.v[i] = a->ints[i];
    }
    return 0;
}

static int read_gemm(const struct source *s, struct node *node)
{
    node->gemm.trans_a = whole(s, "transA", 0) != 0;
    node->gemm.trans_b = whole(s, "transB", 0) != 0;
    node->gemm.alpha = real(s, "alpha", 1);
    node->gemm.beta = real(s, "beta", 1);
    return 0;
}

static int read_reshape(const struct source *s, struct node *node)
{
    node->reshape.allow_zero = whole(s, "allowzero", 0) != 0;
    return 0;
}

static int read_cast(const struct source *s, struct node *node)
{
    int type = onnx_type((int)whole(s, "to", 1));
    if (type < 0)
        return refuse(s, -EOPNOTSUPP, "this element type is not supported");
    node->cast.type = (enum tensor_type)type;
    node->cast.truth = whole(s, "to", 1) == ONNX_BOOL;
    return 0;
}

static int read_shape(const struct source *s, struct node *node)
{
    node->shape.start = whole(s, "start", 0);
    node->shape.end = whole(s, "end", INT64_MAX);
    return 0;
}

static int read_nothing(const struct source *s, struct node *node)
{
    return 0;
}

static const struct row {
    const char *name;
    enum op op;
    int min_in, max_in, max_out;
    int (*read)(const struct source *s, struct node *node);
} rows[] = {
    {"Conv", OP_CONV, 2, 3, 1, read_window},
    {"ConvTranspose", OP_CONV_TRANSPOSE, 2, 3, 1, read_window},
    {"BatchNormalization", OP_BATCH_NORM, 5, 5, 1, read_batch_norm},
    {"Relu", OP_UNARY, 1, 1, 1, read_unary},
    {"LeakyRelu", OP_UNARY, 1, 1, 1, read_unary},
    {"Sigmoid", OP_UNARY, 1, 1, 1, read_unary},
    {"HardSigmoid", OP_UNARY, 1, 1, 1, read_unary},
    {"HardSwish", OP_UNARY, 1, 1, 1, read_unary},
    {"Exp", OP_UNARY, 1, 1, 1, read_unary},
    {"Clip", OP_CLIP, 1, 3, 1, read_clip},
    {"Add", OP_BINARY, 2, 2, 1, read_binary},
    {"Sub", OP_BINARY, 2, 2, 1, read_binary},
    {"Mul", OP_BINARY, 2, 2, 1, read_binary},
    {"Div", OP_BINARY, 2, 2, 1, read_binary},
    {"Concat", OP_CONCAT, 1, 1024, 1, read_axis},
    {"Split", OP_SPLIT, 1, 2, 1024, read_axis},
    {"Slice", OP_SLICE, 1, 5, 1, read_slice},
    {"MaxPool", OP_MAX_POOL, 1, 1, 1, read_window},
    {"AveragePool", OP_AVERAGE_POOL, 1, 1, 1, read_window},
    {"GlobalAveragePool", OP_GLOBAL_AVERAGE_POOL, 1, 1, 1, read_nothing},
    {"Resize", OP_RESIZE, 1, 4, 1, read_resize},
    {"Upsample", OP_RESIZE, 1, 2, 1, read_resize},
    {"Transpose", OP_TRANSPOSE, 1, 1, 1, read_transpose},
    {"Reshape", OP_RESHAPE, 2, 2, 1, read_reshape},
    {"Flatten", OP_FLATTEN, 1, 1, 1, read_axis},
    {"Squeeze", OP_SQUEEZE, 1, 2, 1, read_axes},
    {"Unsqueeze", OP_UNSQUEEZE, 1, 2, 1, read_axes},
    {"Softmax", OP_SOFTMAX, 1, 1, 1, read_axis},
    {"MatMul", OP_MATMUL, 2, 2, 1, read_nothing},
    {"Gemm", OP_GEMM, 2, 3, 1, read_gemm},
    {"ReduceMean", OP_REDUCE_MEAN, 1, 2, 1, read_axes},
    {"Identity", OP_IDENTITY, 1, 1, 1, read_nothing},
    {"Shape", OP_SHAPE, 1, 1, 1, read_shape},
    {"Gather", OP_GATHER, 2, 2, 1, read_axis},
    {"Cast", OP_CAST, 1, 1, 1, read_cast},
    {"QuantizeLinear", OP_QUANTIZE, 2, 3, 1, read_quantize},
    {"DequantizeLinear", OP_DEQUANTIZE, 2, 3, 1, read_axis},
};

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

int onnx_node_check(const Onnx__NodeProto *proto, enum op *ret_op, struct error *err)
{
    const char *name = proto->name ? proto->name : "", *type = proto->op_type ? proto->op_type : "";
    bool foreign = proto->domain && *proto->domain && strcmp(proto->domain, "ai.onnx") != 0;
    const struct row *row = foreign ? NULL : find_row(type);
    if (!row)
        return error_set(err, -EOPNOTSUPP, "node '%s': the operator %s%s%s is not supported", name,
            foreign ? proto->domain : "", foreign ? "." : "", type);
    if (proto->n_input < (size_t)row->min_in || proto->n_input > (size_t)row->max_in)
        return error_set(err, -EINVAL, "node '%s' (%s) has %zu inputs", name, type, proto->n_input);
    size_t outputs = proto->n_output;
    while (outputs && !*proto->output[outputs - 1]) /* optional outputs left away */
        outputs--;
    if (outputs < 1)
        return error_set(err, -EINVAL, "node '%s' (%s) has no output", name, type);
    if (outputs > (size_t)row->max_out)
        return error_set(
            err, -EOPNOTSUPP, "node '%s' (%s) has %zu outputs; %d are supported", name, type, outputs, row->max_out);
    for (int i = 0; i < row->min_in; i++)
        if (!*proto->input[i])
            return error_set(err, -EINVAL, "node '%s' (%s) lacks its input %d", name, type, i);
    *ret_op = row->op;
    return 0;
}

int onnx_node_read(
    struct graph *graph, const Onnx__NodeProto *proto, int64_t opset, struct node *node, struct error *err)
{
    struct source s = {.graph = graph, .proto = proto, .opset = opset, .err = err};
    return find_row(proto->op_type)->read(&s, node);
}

int onnx_constant_read(const Onnx__NodeProto *proto, struct tensor **ret_tensor, struct error *err)
{
    const Onnx__AttributeProto *a;
    Onnx__TensorProto t = ONNX__TENSOR_PROTO__INIT;
    int64_t n;
    t.name = proto->name;
    t.dims = &n;
    if ((a = attribute(proto, "value")) && a->t)
        return onnx_tensor_read(a->t, ret_tensor, err);
    if ((a = attribute(proto, "value_float")) || (a = attribute(proto, "value_floats"))) {
        t.data_type = 1;
        t.n_dims = !a->has_f;
        n = (int64_t)a->n_floats;
        t.n_float_data = a->has_f ? 1 : a->n_floats;
        t.float_data = a->has_f ? (float *)&a->f : a->floats;
        return onnx_tensor_read(&t, ret_tensor, err);
    }
    if ((a = attribute(proto, "value_int")) || (a = attribute(proto, "value_ints"))) {
        t.data_type = 7;
        t.n_dims = !a->has_i;
        n = (int64_t)a->n_ints;
        t.n_int64_data = a->has_i ? 1 : a->n_ints;
        t.int64_data = a->has_i ? (int64_t *)&a->i : a->ints;
        return onnx_tensor_read(&t, ret_tensor, err);
    }
    return error_set(
        err, -EOPNOTSUPP, "node '%s' (Constant) has no value of a supported kind", proto->name ? proto->name : "");
}
