/* The models that are part of the program: the .onnx files of models/, put into its read-only data when it was built.
 */
#ifndef OBSCURA_DETECT_EMBEDDED_H
#define OBSCURA_DETECT_EMBEDDED_H

#include <stddef.h>

/* The bytes of a file by its name ("identity.onnx"), NULL where there is none. They live as long as the program. */
const void *embedded_model(const char *name, size_t *ret_len);

#endif
