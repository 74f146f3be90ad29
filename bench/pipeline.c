/* The whole path of files through the pipeline in one process, without server or queue: time by stage, peak memory.
 *
 *   build/bench/pipeline [--runs N] [--threads N] [--json] [--out FOLDER] [PARAMETER=VALUE]... FILE...
 *
 * PARAMETERs are an upload's query parameters. With --out the anonymised files and results are left in FOLDER (to be
 * looked at). Prints one line a file: medians over the runs (after one that warms up), in ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/heap.h"
#include "config.h"
#include "infer/infer.h"
#include "pipeline/pipeline.h"

#define MAX_RUNS 101

struct settings {
    int runs, threads;
    bool json;
    const char *out;
    struct config_request request;
    struct config config;
};

enum { TOTAL, DECODE, DETECT, REDACT, ENCODE, COLUMNS };

static int compare(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[n / 2];
}

static int open_output(const struct settings *s, const char *file, const char *suffix)
{
    char path[4096], *name = strdup(file);
    if (!name)
        return -ENOMEM;
    snprintf(path, sizeof path, "%s/%s%s", s->out ? s->out : "/tmp", basename(name), suffix);
    free(name);
    int fd = s->out ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
                    : open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

static int run_once(
    const struct settings *s, struct pipeline *p, const char *file, struct pipeline_report *report, struct error *err)
{
    struct pipeline_job job = {
        .id = "bench", .request = &s->request.options, .input = open(file, O_RDONLY | O_CLOEXEC)};
    job.anonymised = open_output(s, file, "");
    job.result = open_output(s, file, ".result.json");
    int r = job.input < 0 || job.anonymised < 0 || job.result < 0
                ? error_set(err, -EIO, "cannot open the file or its outputs")
                : pipeline_run(p, &job, report, err);
    heap_settle();
    close(job.input);
    close(job.anonymised);
    close(job.result);
    return r;
}

static int measure(const struct settings *s, struct pipeline *p, const char *file)
{
    double column[COLUMNS][MAX_RUNS];
    struct pipeline_report report;
    struct error err = {0};
    for (int i = -(s->runs > 1); i < s->runs; i++) {
        if (run_once(s, p, file, &report, &err) < 0) {
            fprintf(stderr, "%s: %s\n", file, err.text);
            return 1;
        }
        int at = i < 0 ? 0 : i;
        const double seconds[COLUMNS] = {
            report.seconds, report.stage.decode, report.stage.detect, report.stage.redact, report.stage.encode};
        for (int c = 0; c < COLUMNS; c++)
            column[c][at] = seconds[c] * 1000;
    }
    double ms[COLUMNS];
    for (int c = 0; c < COLUMNS; c++)
        ms[c] = median(column[c], s->runs);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(s->json
               ? "{\"file\": \"%s\", \"total_ms\": %.1f, \"decode_ms\": %.1f, \"detect_ms\": %.1f, \"redact_ms\": "
                 "%.1f, \"encode_ms\": %.1f, \"peak_mib\": %ld}\n"
               : "%-50s total %7.1f  decode %6.1f  detect %6.1f  redact %6.1f  encode %6.1f ms  peak so far %ld MiB\n",
        file, ms[TOTAL], ms[DECODE], ms[DETECT], ms[REDACT], ms[ENCODE], usage.ru_maxrss / 1024);
    fflush(stdout);
    return 0;
}

/* Takes one argument, or returns 0 where it is a file. */
static int take_argument(struct settings *s, char **argv, struct error *err)
{
    if (strcmp(argv[0], "--json") == 0)
        return s->json = true;
    if (argv[1] && strcmp(argv[0], "--runs") == 0)
        return (s->runs = atoi(argv[1])) >= 1 && s->runs <= MAX_RUNS
                   ? 2
                   : error_set(err, -EINVAL, "--runs: 1 to %d", MAX_RUNS);
    if (argv[1] && strcmp(argv[0], "--threads") == 0)
        return (s->threads = atoi(argv[1])) >= 1 ? 2 : error_set(err, -EINVAL, "--threads: at least 1");
    if (argv[1] && strcmp(argv[0], "--out") == 0)
        return s->out = argv[1], 2;
    char *equals = strchr(argv[0], '=');
    if (!equals || access(argv[0], F_OK) == 0)
        return 0;
    *equals = 0;
    int r = config_request_add(&s->request, argv[0], equals + 1, err);
    return r < 0 ? r : 1;
}

static int start(struct settings *s, struct pipeline *p, struct error *err)
{
    const struct config *c = &s->config;
    int r = config_request_end(&s->request, c, err);
    if (r < 0)
        return r;
    struct detector_options options = {
        .types = c->types, .threads = s->threads, .precision = c->precision, .models = c->models};
    *p = (struct pipeline){
        .limits = {.max_pixels = c->max_pixels, .max_side = (int)c->max_side, .max_memory = c->max_memory},
        .threads = s->threads,
        .video_codec = "auto"};
    return detector_create(&options, &p->detector, err);
}

int main(int argc, char **argv)
{
    infer_process_start(argv);
    struct settings s = {.runs = 1, .threads = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    struct error err = {0};
    struct pipeline p = {0};
    enum config_action action;
    int failures = 0, files = 0, used;
    heap_keep_large();
    if (config_load(&s.config, 1, argv, &action, &err) < 0)
        goto fail;
    config_request_begin(&s.request, &s.config);
    for (int i = 1; i < argc; i += used ? used : 1) {
        if ((used = take_argument(&s, argv + i, &err)) < 0)
            goto fail;
        if (!used)
            argv[++files] = argv[i];
    }
    if (start(&s, &p, &err) < 0)
        goto fail;
    for (int i = 1; i <= files; i++)
        failures += measure(&s, &p, argv[i]);
    detector_destroy(p.detector);
    config_finish(&s.config);
    return failures ? 1 : 0;
fail:
    fprintf(stderr, "pipeline: %s\n", err.text);
    return 2;
}
