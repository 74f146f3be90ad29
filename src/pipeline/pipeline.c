/* Which pipeline an upload goes through is decided by its first bytes alone, never by its name or declared type. */
#include "pipeline/pipeline.h"

#include <string.h>
#include <unistd.h>

int pipeline_run(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *ret_report, struct error *err)
{
    uint8_t head[64];
    ssize_t n = pread(job->input, head, sizeof head, 0);
    if (n < 0)
        return error_set(err, -EIO, "cannot read the upload: %s", strerror(errno));
    if (n == 0)
        return error_set(err, -EBADMSG, "the file is empty");
    *ret_report = (struct pipeline_report){0};
    if (image_probe(head, (size_t)n) != IMAGE_NONE)
        return pipeline_image(p, job, ret_report, err);
    return pipeline_video(p, job, ret_report, err);
}
