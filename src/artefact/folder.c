/* Artefacts as files in two folders: uploads as INPUT/ID.original, results as OUTPUT/ID.anonymised and
 * OUTPUT/ID.result. Temporaries are ".ID.kind.NUMBER" beside them. Sweeping is in sweep.c.
 */
#include "artefact/artefact.h"

#include "artefact/folder.h"
#include "base/path.h"
#include "base/uuid.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static const char *const kind_names[ARTEFACT_KINDS] = {"original", "anonymised", "result"};

#define OWNER_FILE ".task-store" /* in both folders: the id of the task store whose files they hold */

static int make_folder(const char *path)
{
    path_make_parents(path); /* failure shows here */
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_folder(const char *path, int *ret_fd, struct error *err)
{
    int r = make_folder(path);
    if (r < 0)
        return error_set(err, r, "cannot make the folder %s: %s", path, strerror(-r));
    *ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0 || faccessat(*ret_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return error_set(err, -errno, "cannot use the folder %s: %s", path, strerror(errno));
    return 0;
}

int artefact_store_open(const char *input, const char *output, struct artefact_store **ret_store, struct error *err)
{
    struct artefact_store *s = malloc(sizeof *s);
    if (!s)
        return error_set(err, -ENOMEM, "out of memory");
    *s = (struct artefact_store){.input = -1, .output = -1, .lock = -1};
    int r = open_folder(input, &s->input, err);
    if (r == 0)
        r = open_folder(output, &s->output, err);
    if (r < 0) {
        artefact_store_close(s);
        return r;
    }
    *ret_store = s;
    return 0;
}

void artefact_store_close(struct artefact_store *s)
{
    if (!s)
        return;
    for (int i = 0; i < 3; i++) {
        int fd = i == 0 ? s->input : i == 1 ? s->output : s->lock;
        if (fd >= 0)
            close(fd);
    }
    free(s);
}

int artefact_store_lock(struct artefact_store *s, int timeout_ms)
{
    /* A description of its own: the lock belongs to it, and children share it. */
    if (s->lock < 0)
        s->lock = openat(s->output, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->lock < 0)
        return 0;
    for (; timeout_ms >= 0; timeout_ms -= 20) {
        if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
            return 1;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    flock(s->lock, LOCK_SH | LOCK_NB);
    return 0;
}

void artefact_store_share(struct artefact_store *s)
{
    if (s->lock >= 0)
        flock(s->lock, LOCK_SH);
}

/* Where there is no id yet, or one cut off by a crash, `owner` is written. */
static int own_folder(int folder, const char *owner, const char *name, struct error *err)
{
    char text[UUID_SIZE] = "";
    int fd = openat(folder, OWNER_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), r = 0;
    ssize_t n = fd < 0 ? -1 : read(fd, text, UUID_SIZE - 1);
    if (n < 0)
        r = error_set(err, -errno, "%s: cannot use %s: %s", name, OWNER_FILE, strerror(errno));
    else if (n == UUID_SIZE - 1 && strcmp(text, owner) != 0)
        r = error_set(err, -EEXIST,
            "%s: this folder holds the files of another database, which would be deleted as leftovers; give the "
            "database that belongs to it, or another folder, or remove %s from it to let them go",
            name, OWNER_FILE);
    else if (n < UUID_SIZE - 1 && (pwrite(fd, owner, UUID_SIZE - 1, 0) != UUID_SIZE - 1 || fsync(fd) < 0))
        r = error_set(err, -EIO, "%s: cannot write %s", name, OWNER_FILE);
    if (fd >= 0)
        close(fd);
    return r;
}

int artefact_store_own(struct artefact_store *s, const char *owner, struct error *err)
{
    int r = own_folder(s->input, owner, "input", err);
    return r < 0 ? r : own_folder(s->output, owner, "output", err);
}

int artefact_folder_of(const struct artefact_store *s, enum artefact_kind kind)
{
    return kind == ARTEFACT_ORIGINAL ? s->input : s->output;
}

int artefact_name_parse(const char *name, char ret_id[UUID_SIZE])
{
    if (strlen(name) <= UUID_SIZE || name[UUID_SIZE - 1] != '.')
        return -1;
    memcpy(ret_id, name, UUID_SIZE - 1);
    ret_id[UUID_SIZE - 1] = '\0';
    if (!uuid_valid(ret_id))
        return -1;
    for (int kind = 0; kind < ARTEFACT_KINDS; kind++) {
        size_t length = strlen(kind_names[kind]);
        const char *rest = name + UUID_SIZE;
        if (strncmp(rest, kind_names[kind], length) == 0 && (rest[length] == '\0' || rest[length] == '.'))
            return kind;
    }
    return -1;
}

static int name_of(const char *id, enum artefact_kind kind, char name[64], struct error *err)
{
    if (!uuid_valid(id))
        return error_set(err, -EINVAL, "not an id: %.36s", id);
    snprintf(name, 64, "%s.%s", id, kind_names[kind]);
    return 0;
}

static int disk_error(struct error *err, const char *what, int code)
{
    if (code == -EDQUOT)
        code = -ENOSPC;
    return error_set(err, code, "%s: %s", what, strerror(-code));
}

/* Between creating and locking, a sweep may take the file for a dead one and remove it: then it has no name any more.
 */
static int create_locked(struct artefact_writer *w, int folder)
{
    for (int tries = 0; tries < 8; tries++) {
        uint32_t number = 0;
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return -EIO;
        size_t used = strlen(w->temporary);
        snprintf(w->temporary + used, sizeof w->temporary - used, ".%08x", number);
        w->fd = openat(folder, w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        struct stat st;
        if (w->fd >= 0 && flock(w->fd, LOCK_EX | LOCK_NB) == 0 && fstat(w->fd, &st) == 0 && st.st_nlink == 1)
            return 0;
        int code = -errno;
        w->temporary[used] = '\0';
        if (w->fd < 0 && code != -EEXIST)
            return code;
        if (w->fd >= 0)
            close(w->fd);
    }
    return -EBUSY;
}

int artefact_create(struct artefact_store *s, const char *id, enum artefact_kind kind,
    struct artefact_writer *ret_writer, struct error *err)
{
    struct artefact_writer *w = ret_writer;
    *w = (struct artefact_writer){.fd = -1};
    char name[64];
    int r = name_of(id, kind, name, err);
    if (r < 0)
        return r;
    snprintf(w->temporary, sizeof w->temporary, ".%.50s", name);
    if ((r = create_locked(w, artefact_folder_of(s, kind))) < 0) {
        *w = (struct artefact_writer){.fd = -1};
        return disk_error(err, "cannot create a file", r);
    }
    memcpy(w->id, id, UUID_SIZE);
    w->kind = kind;
    w->store = s;
    return 0;
}

static int rename_to_name(const struct artefact_writer *w, struct error *err)
{
    char name[64];
    int folder = artefact_folder_of(w->store, w->kind), r = name_of(w->id, w->kind, name, err);
    if (r == 0 && renameat(folder, w->temporary, folder, name) < 0)
        r = disk_error(err, "cannot store a file", -errno);
    return r;
}

int artefact_commit(struct artefact_writer *writers, int count, struct error *err)
{
    int folder = -1, r = 0;
    for (int i = 0; i < count && r == 0; i++)
        if (writers[i].store && fdatasync(writers[i].fd) < 0)
            r = disk_error(err, "cannot store a file", -errno);
    for (int i = 0; i < count; i++) {
        struct artefact_writer *w = &writers[i];
        if (w->store && r == 0 && (r = rename_to_name(w, err)) == 0) {
            folder = artefact_folder_of(w->store, w->kind);
            close(w->fd);
            *w = (struct artefact_writer){.fd = -1};
        }
        artefact_abort(w);
    }
    if (folder >= 0 && fsync(folder) < 0 && r == 0)
        r = disk_error(err, "cannot store a file", -errno);
    return r;
}

void artefact_abort(struct artefact_writer *w)
{
    if (!w || !w->store)
        return;
    unlinkat(artefact_folder_of(w->store, w->kind), w->temporary, 0);
    close(w->fd);
    w->fd = -1;
    w->store = NULL;
}

int artefact_open(struct artefact_store *s, const char *id, enum artefact_kind kind, int *ret_fd, int64_t *ret_size,
    struct error *err)
{
    char name[64];
    struct stat st;
    int r = name_of(id, kind, name, err);
    if (r < 0)
        return r;
    int fd = openat(artefact_folder_of(s, kind), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0) {
        r = error_set(err, -errno, "cannot open the %s file of %s: %s", kind_names[kind], id, strerror(errno));
        if (fd >= 0)
            close(fd);
        return r;
    }
    *ret_fd = fd;
    if (ret_size)
        *ret_size = st.st_size;
    return 0;
}

int artefact_delete(struct artefact_store *s, const char *id, enum artefact_kind kind, struct error *err)
{
    char name[64];
    int r = name_of(id, kind, name, err);
    if (r == 0 && unlinkat(artefact_folder_of(s, kind), name, 0) < 0 && errno != ENOENT)
        r = disk_error(err, "cannot delete a file", -errno);
    return r;
}

int artefact_delete_all(struct artefact_store *s, const char *id, struct error *err)
{
    int r = 0;
    for (int kind = 0; kind < ARTEFACT_KINDS; kind++) {
        int one = artefact_delete(s, id, kind, err);
        r = r < 0 ? r : one;
    }
    return r;
}

static int64_t free_of(int folder)
{
    struct statvfs st;
    return fstatvfs(folder, &st) < 0 ? -errno : (int64_t)(st.f_bavail * st.f_frsize);
}

int64_t artefact_free_bytes(struct artefact_store *s)
{
    int64_t in = free_of(s->input), out = free_of(s->output);
    return in < out ? in : out;
}
