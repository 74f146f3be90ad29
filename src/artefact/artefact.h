/* Files of a task: the upload and what was made of it. Written under a temporary name, fsynced, then renamed: a name
 * that exists holds a whole file.
 *
 * A temporary is locked (flock) for as long as anybody has it open, so that a sweep can tell a file being written from
 * one whose writer is dead.
 */
#ifndef OBSCURA_ARTEFACT_ARTEFACT_H
#define OBSCURA_ARTEFACT_ARTEFACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum artefact_kind { ARTEFACT_ORIGINAL, ARTEFACT_ANONYMISED, ARTEFACT_RESULT, ARTEFACT_KINDS };

struct artefact_store;

/* Folders are created where they are missing (mode 0700). Handles may be shared by threads. */
int artefact_store_open(const char *input, const char *output, struct artefact_store **ret_store, struct error *err);
void artefact_store_close(struct artefact_store *s);

/* Notes in both folders whose files they hold: `owner` is the task store's id. -EEXIST: another one's; whoever sweeps
 * would find none of them in its store. */
int artefact_store_own(struct artefact_store *s, const char *owner, struct error *err);

/* Takes the folder's shared lock for this process and all it forks later. 1: nobody else held it, so whatever looks
 * unfinished was left by the dead (then it is held exclusively until artefact_store_share); 0: another server works in
 * the same folder, or the file system has no locks. Waits up to timeout_ms for a dead server's last children. */
int artefact_store_lock(struct artefact_store *s, int timeout_ms);
void artefact_store_share(struct artefact_store *s); /* lets other servers in */

/* A file being written. */
struct artefact_writer {
    int fd; /* owned by the writer: seekable, empty, read and write */
    struct artefact_store *store;
    char id[37];
    enum artefact_kind kind;
    char temporary[64];
};
int artefact_create(struct artefact_store *s, const char *id, enum artefact_kind kind,
    struct artefact_writer *ret_writer, struct error *err);

/* Syncs `count` files, renames them, syncs their folder, which has to be the same for all, and closes them; writers
 * that were aborted are passed over. On failure (-ENOSPC, -EIO) what has no name yet is removed; the rest is the
 * caller's. */
int artefact_commit(struct artefact_writer *writers, int count, struct error *err);
void artefact_abort(struct artefact_writer *w); /* removes what was written; safe after commit and on a zeroed writer */

int artefact_open(struct artefact_store *s, const char *id, enum artefact_kind kind, int *ret_fd, int64_t *ret_size,
    struct error *err); /* read-only; -ENOENT */
int artefact_delete(
    struct artefact_store *s, const char *id, enum artefact_kind kind, struct error *err); /* absent is fine */
int artefact_delete_all(struct artefact_store *s, const char *id, struct error *err);

/* Removes temporaries that nobody writes to, and the files that wanted() does not want; age_s is since the last write.
 * An upload is stored before its task is inserted: young files of unknown ids are wanted, unless the caller is alone
 * (artefact_store_lock). Returns how many, or a negative code. */
int artefact_sweep(struct artefact_store *s,
    bool (*wanted)(void *opaque, const char *id, enum artefact_kind kind, int64_t age_s), void *opaque,
    struct error *err);

int64_t artefact_free_bytes(struct artefact_store *s); /* on the fuller of the two file systems */

#endif
