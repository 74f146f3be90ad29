/* What the program finds: the four types of objects, their names and their numbers in the API. */
#ifndef OBSCURA_BASE_OBJECT_H
#define OBSCURA_BASE_OBJECT_H

enum object_type { OBJECT_FACE, OBJECT_LICENSE_PLATE, OBJECT_PERSON, OBJECT_VEHICLE, OBJECT_TYPES };

/* Sets of types are bit masks of OBJECT_BIT. */
#define OBJECT_BIT(type) (1u << (type))
#define OBJECT_ALL ((1u << OBJECT_TYPES) - 1)

struct object_info {
    const char *name; /* as in the API: "face", "license-plate", "person", "vehicle" */
    int code;         /* `type` in the metadata: 103, 101, 102, 104 */
    unsigned mask;    /* the type's bit in the instance mask: 32, 64, 128, 16 */
};

const struct object_info *object_info(enum object_type type);

/* The type by its name, `_` taken for `-`; -1 where there is none. */
int object_type_find(const char *name);

#endif
