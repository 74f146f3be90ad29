/* See object.h. */
#include "base/object.h"
#include "base/text.h"

static const struct object_info infos[OBJECT_TYPES] = {
    [OBJECT_FACE] = {"face", 103, 32},
    [OBJECT_LICENSE_PLATE] = {"license-plate", 101, 64},
    [OBJECT_PERSON] = {"person", 102, 128},
    [OBJECT_VEHICLE] = {"vehicle", 104, 16},
};

const struct object_info *object_info(enum object_type type)
{
    return &infos[type];
}

int object_type_find(const char *name)
{
    for (int t = 0; t < OBJECT_TYPES; t++)
        if (text_name_equal(name, infos[t].name))
            return t;
    return -1;
}
