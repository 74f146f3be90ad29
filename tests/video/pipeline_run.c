/* Runs one file through the pipeline without a server: pipeline-run INPUT OUTPUT RESULT [name=value ...]
 *
 * Names: types (comma-separated), method, tracking=0, rate=1 (keep the bit rate), debug=1, codec, preset, data=1 (keep
 * data streams), threads, models, strip=1, cancel=1, every=N (looks). Prints the report as name=value lines; an error
 * goes to standard error as "error CODE TEXT" with exit status 1. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "infer/infer.h"
#include "pipeline/pipeline.h"

static const char *value(int count, char **args, const char *name, const char *otherwise)
{
    size_t len = strlen(name);
    for (int i = 4; i < count; i++)
        if (!strncmp(args[i], name, len) && args[i][len] == '=')
            return args[i] + len + 1;
    return otherwise;
}

static void read_request(int count, char **args, struct request_options *r)
{
    static const char *const methods[] = {"blur", "pixelate", "blacken", "detect"};
    char types[128], *rest = types;
    *r = (struct request_options){.save_instance = true, .save_binary = true, .quality = 90, .compress_level = 5};
    r->threshold[OBJECT_FACE] = r->threshold[OBJECT_LICENSE_PLATE] = 0.5;
    r->threshold[OBJECT_PERSON] = r->threshold[OBJECT_VEHICLE] = 0.4;
    r->gradient_start[OBJECT_FACE] = r->gradient_start[OBJECT_LICENSE_PLATE] = 0.3;
    r->kernel_size[OBJECT_FACE] = 0.35;
    r->kernel_size[OBJECT_LICENSE_PLATE] = 0.5;
    r->kernel_size[OBJECT_PERSON] = 91;
    r->kernel_size[OBJECT_VEHICLE] = 61;
    snprintf(types, sizeof types, "%s", value(count, args, "types", "face,license-plate"));
    for (char *name; (name = strsep(&rest, ","));)
        if (object_type_find(name) >= 0)
            r->types |= OBJECT_BIT((unsigned)object_type_find(name));
    for (int i = 0; i < 4; i++)
        if (!strcmp(methods[i], value(count, args, "method", "blur")))
            r->method = (enum method)i;
    r->no_object_tracking = !atoi(value(count, args, "tracking", "1"));
    r->keep_bit_rate = atoi(value(count, args, "rate", "0"));
    r->debug = r->score = atoi(value(count, args, "debug", "0"));
}

static int cancel(void *opaque, double share)
{
    return -ECANCELED;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s INPUT OUTPUT RESULT [name=value ...]\n", argv[0]);
        return 2;
    }
    infer_process_start(argv);
    struct error err = {0};
    struct request_options request;
    read_request(argc, argv, &request);
    int threads = atoi(value(argc, argv, "threads", "2"));
    struct detector_options options = {
        .models = value(argc, argv, "models", NULL), .types = request.types, .threads = threads};
    struct pipeline p = {.limits = {.max_pixels = 100000000, .max_side = 16384, .max_memory = (int64_t)2 << 30},
        .threads = threads,
        .detect_every = atoi(value(argc, argv, "every", "0")),
        .keep_data_streams = atoi(value(argc, argv, "data", "0")),
        .strip_metadata = atoi(value(argc, argv, "strip", "0")),
        .video_codec = value(argc, argv, "codec", "auto"),
        .video_preset = value(argc, argv, "preset", NULL)};
    struct pipeline_job job = {.input = open(argv[1], O_RDONLY),
        .anonymised = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600),
        .result = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0600),
        .id = "test",
        .request = &request,
        .progress = atoi(value(argc, argv, "cancel", "0")) ? cancel : NULL};
    struct pipeline_report report;
    int r = detector_create(&options, &p.detector, &err);
    if (r == 0)
        r = pipeline_run(&p, &job, &report, &err);
    detector_destroy(p.detector);
    close(job.input);
    close(job.anonymised);
    close(job.result);
    if (r < 0) {
        fprintf(stderr, "error %d %s\n", r, err.text);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("seconds=%.3f\ndecode=%.3f\ndetect=%.3f\nredact=%.3f\nencode=%.3f\npeak_kib=%ld\ncpu=%.3f\n", report.seconds,
        report.stage.decode, report.stage.detect, report.stage.redact, report.stage.encode, usage.ru_maxrss,
        (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6);
    printf("content_type=%s\n", report.content_type);
    for (char *rest = report.warnings, *line; (line = strsep(&rest, "\n")) && *line;)
        printf("warning=%s\n", line);
    return 0;
}
