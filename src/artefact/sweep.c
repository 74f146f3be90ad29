/* Removing what a dead process left: see artefact_sweep. Names that are not ours are never touched. */
#include "artefact/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct sweep {
    bool (*wanted)(void *opaque, const char *id, enum artefact_kind kind, int64_t age_s);
    void *opaque;
};

/* seconds since the last write; -1: not a plain file */
static int64_t age_of(int folder, const char *name)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return -1;
    time_t now = time(NULL);
    return now > st.st_mtime ? now - st.st_mtime : 0;
}

/* 1 removed, 0 somebody still writes to it */
static int remove_temporary(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW), removed = 0;
    if (fd < 0)
        return 0;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        removed = unlinkat(folder, name, 0) == 0;
    close(fd);
    return removed;
}

static int sweep_entry(const struct sweep *sweep, int folder, const char *name)
{
    char id[UUID_SIZE];
    bool temporary = name[0] == '.';
    int kind = artefact_name_parse(name + temporary, id);
    if (kind < 0)
        return 0;
    if (temporary)
        return remove_temporary(folder, name);
    int64_t age_s = age_of(folder, name);
    if (age_s < 0 || sweep->wanted(sweep->opaque, id, (enum artefact_kind)kind, age_s))
        return 0;
    return unlinkat(folder, name, 0) == 0;
}

static int sweep_folder(const struct sweep *sweep, int folder)
{
    int removed = 0, fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        removed += sweep_entry(sweep, folder, entry->d_name);
    closedir(dir);
    return removed;
}

int artefact_sweep(struct artefact_store *s,
    bool (*wanted)(void *opaque, const char *id, enum artefact_kind kind, int64_t age_s), void *opaque,
    struct error *err)
{
    struct sweep sweep = {wanted, opaque};
    int in = sweep_folder(&sweep, s->input), out = sweep_folder(&sweep, s->output);
    if (in < 0 || out < 0)
        return error_set(err, in < 0 ? in : out, "cannot read a folder: %s", strerror(in < 0 ? -in : -out));
    return in + out;
}
