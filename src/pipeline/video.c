/* The video pipeline. Not built yet: a video is refused by name, anything else as what it is not. */
#include "pipeline/pipeline.h"

#include <string.h>
#include <unistd.h>

/* The containers that are going to be read, by their first bytes. */
static bool is_video(const unsigned char *head, ssize_t n)
{
    static const struct {
        int at;
        const char *bytes;
    } marks[] = {{4, "ftyp"}, {4, "moov"}, {4, "mdat"}, {0, "\x1a\x45\xdf\xa3"}, {8, "AVI "}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (n >= marks[i].at + 4 && memcmp(head + marks[i].at, marks[i].bytes, 4) == 0)
            return true;
    return n > 188 && head[0] == 0x47 && head[188] == 0x47;
}

int pipeline_video(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *report, struct error *err)
{
    unsigned char head[256];
    ssize_t n = pread(job->input, head, sizeof head, 0);
    if (n > 0 && is_video(head, n))
        return error_set(err, -ENOSYS, "videos are not supported yet");
    return error_set(err, -EBADMSG, "neither an image nor a video that can be decoded");
}
