/* Reading ONNX files into graphs. The file is not trusted: whatever it says is checked, and broken files give errors
 * with the place. */
#ifndef OBSCURA_INFER_ONNX_READ_H
#define OBSCURA_INFER_ONNX_READ_H

#include "infer/graph.h"

struct metadata { /* the file's metadata_props */
    struct metadata_item {
        char *key, *value;
    } * items;
    int count;
};

void metadata_finish(struct metadata *metadata);

/* Nothing of `data` is needed afterwards. -EINVAL: not ONNX, or broken; -EOPNOTSUPP: an operator or a form of it that
 * is not supported (the text names node and operator); -EFBIG, -ENOMEM. `metadata` is filled on success only. */
int onnx_read(const void *data, size_t len, struct graph **ret_graph, struct metadata *metadata, struct error *err);

#endif
