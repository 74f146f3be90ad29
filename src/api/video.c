/* Downloads of videos: GET /v1/file/{id}/video/... */
#include "api/file.h"
#include "api/names.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_video(struct api *api, struct http_request *rq, struct file *f, struct error *err)
{
    int rc = file_open_task(api, rq, true, f, err);
    if (rc == -ENOENT)
        error_set(err, rc, "%.100s: there is no such file. Upload a video file at v1/file before using this endpoint.",
            rq->capture);
    return rc;
}

int video_anonymised(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct api *api = opaque;
    struct file f;
    int64_t size;
    int fd, rc = open_video(api, rq, &f, err);
    if (rc)
        return rc;
    rc = file_open_artefact(api, &f, ARTEFACT_ANONYMISED, &fd, &size, err);
    if (!rc) {
        char etag[128];
        snprintf(etag, sizeof etag, "\"%s-v\"", f.task.id);
        names_set_disposition(rs, &f.task, "anonymised", names_extension(f.task.content_type));
        if (file_unchanged(rq, rs, etag)) {
            close(fd);
        } else {
            http_respond_fd(rs, 200, f.task.content_type, fd, size);
            snprintf(rs->etag, sizeof rs->etag, "%s", etag);
        }
    }
    file_close(&f);
    return rc;
}

int video_metadata(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct file f;
    int rc = open_video(opaque, rq, &f, err);
    if (rc == -EINVAL)
        return error_set(err, rc, "You can receive anonymised video metadata only after video upload");
    if (rc)
        return rc;
    file_close(&f);
    return error_set(err, -ENOSYS, "metadata of videos is not there yet");
}
