/* The body of an upload: the part `fileobject` goes straight to disk. */
#include "api/upload.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

#define DISK_CHECK_BYTES (INT64_C(16) << 20)

int upload_check_disk(struct upload *u, int64_t more, struct error *err)
{
    int64_t available = artefact_free_bytes(u->api->artefacts), reserve = u->api->config->disk_reserve;
    if (available < 0 || available - reserve >= more)
        return 0; /* where the figure cannot be had, writing will show */
    return error_set(err, -ENOSPC, "the disk is full: %lld MiB are free, and %lld MiB are kept in reserve",
        (long long)(available >> 20), (long long)(reserve >> 20));
}

static int on_part(void *opaque, const struct multipart_part *part, struct error *err)
{
    struct upload *u = opaque;
    if (strcmp(part->name, "fileobject")) {
        upload_warn(u, "form field '%.60s' is ignored; parameters belong into the query", part->name);
        return 0;
    }
    if (u->have_file)
        return error_set(err, -EINVAL, "fileobject: there are two parts of this name, want one file");
    char name[NAMES_SIZE];
    names_clean(part->filename ? part->filename : "", name);
    int rc = task_set(&u->task.filename, name);
    if (rc)
        return error_set(err, rc, "out of memory");
    rc = artefact_create(u->api->artefacts, u->task.id, ARTEFACT_ORIGINAL, &u->writer, err);
    if (rc)
        return rc;
    u->in_file = u->have_file = true;
    return 0;
}

/* Decides what the file is once its first bytes are there. */
static int sniff(struct upload *u, struct error *err)
{
    const char *type = sniff_type(u->head, u->head_len, &u->task.is_video);
    const char *foreign = type ? NULL : sniff_foreign(u->head, u->head_len);
    if (foreign)
        return error_set(err, -EBADMSG, "fileobject: this is %s; send JPEG or PNG, or a video", foreign);
    if (!type)
        return error_set(err, -EBADMSG, "fileobject: %s",
            u->head_len ? "the file is neither an image (JPEG, PNG) nor a video that can be decoded"
                        : "the file is empty");
    int rc = task_set(&u->task.content_type, type);
    return rc ? error_set(err, rc, "out of memory") : 0;
}

static int on_data(void *opaque, const uint8_t *data, size_t len, struct error *err)
{
    struct upload *u = opaque;
    if (!u->in_file)
        return 0;
    if (u->head_len < sizeof u->head) {
        size_t n = sizeof u->head - u->head_len < len ? sizeof u->head - u->head_len : len;
        memcpy(u->head + u->head_len, data, n);
        u->head_len += n;
        int rc = u->head_len == sizeof u->head ? sniff(u, err) : 0;
        if (rc)
            return rc;
    }
    u->task.size += (int64_t)len;
    if (u->task.size > u->api->config->max_upload)
        return error_set(err, -EFBIG,
            "fileobject: the file is larger than %lld bytes, the most that is allowed (--max-upload)",
            (long long)u->api->config->max_upload);
    if (u->task.size - u->checked_at >= DISK_CHECK_BYTES) {
        u->checked_at = u->task.size;
        int rc = upload_check_disk(u, 0, err);
        if (rc)
            return rc;
    }
    if (u->hashing)
        sha256_update(&u->digest, data, len);
    int rc = file_write(u->writer.fd, data, len);
    return rc ? error_set(err, rc, "the upload cannot be stored: %s", strerror(-rc)) : 0;
}

static int on_end(void *opaque, struct error *err)
{
    struct upload *u = opaque;
    bool in_file = u->in_file;
    u->in_file = false;
    return in_file && u->head_len < sizeof u->head ? sniff(u, err) : 0;
}

const struct multipart_handler upload_parts = {on_part, on_data, on_end};
