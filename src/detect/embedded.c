/* See embedded.h. The symbols are defined in embedded_models.S, which the build writes (embed.sh). */
#include "detect/embedded.h"

#include <string.h>

extern const char embedded_identity_begin[], embedded_identity_end[], embedded_scene_begin[], embedded_scene_end[];
extern const char embedded_identity_int8_begin[], embedded_identity_int8_end[], embedded_scene_int8_begin[],
    embedded_scene_int8_end[];

const void *embedded_model(const char *name, size_t *ret_len)
{
    const struct {
        const char *name, *begin, *end;
    } models[] = {
        {"identity.onnx", embedded_identity_begin, embedded_identity_end},
        {"scene.onnx", embedded_scene_begin, embedded_scene_end},
        {"identity.int8.onnx", embedded_identity_int8_begin, embedded_identity_int8_end},
        {"scene.int8.onnx", embedded_scene_int8_begin, embedded_scene_int8_end},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, name) == 0) {
            *ret_len = (size_t)(models[i].end - models[i].begin);
            return models[i].begin;
        }
    return NULL;
}
