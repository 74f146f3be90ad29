/* Shared by folder.c and sweep.c only. */
#ifndef OBSCURA_ARTEFACT_FOLDER_H
#define OBSCURA_ARTEFACT_FOLDER_H

#include "artefact/artefact.h"
#include "base/uuid.h"

struct artefact_store {
    int input, output; /* descriptors of the folders */
    int lock;          /* of the output folder, -1 until it is taken */
};

int artefact_folder_of(const struct artefact_store *s, enum artefact_kind kind);

/* The kind and id of "ID.kind" or "ID.kind.anything"; -1 where the name is not one of ours. */
int artefact_name_parse(const char *name, char ret_id[UUID_SIZE]);

#endif
