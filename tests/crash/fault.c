/* Stands before the real pipeline (the linker's --wrap) and does what a broken decoder might, where an upload's last
 * bytes ask for it: "FAULT:crash", "FAULT:hang", "FAULT:spin", "FAULT:memory", "FAULT:exit", "FAULT:probe".
 * And before fdatasync: in workers it takes $OBSCURA_TEST_SYNC_S seconds longer.
 */
#include "pipeline/pipeline.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

int __real_pipeline_run(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *report, struct error *err);
int __wrap_pipeline_run(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *report, struct error *err);

static int eat_memory(struct error *err)
{
    while (malloc(1 << 20))
        ;
    return error_set(err, -ENOMEM, "out of memory");
}

/* Says what an engine can do that it should not; always fails, so that the text reaches the test. */
static int probe(struct error *err)
{
    char *const arguments[] = {(char[]){"true"}, NULL};
    bool opened = open("/etc/passwd", O_RDONLY) >= 0, connected = socket(AF_INET, SOCK_STREAM, 0) >= 0;
    bool traced = ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0, forked = fork() >= 0, root = geteuid() == 0;
    execv("/bin/true", arguments);
    return error_set(
        err, -EBADMSG, "probe: open %d socket %d ptrace %d fork %d root %d", opened, connected, traced, forked, root);
}

static int misbehave(const char *fault, const struct pipeline_job *job, struct error *err)
{
    if (strcmp(fault, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(fault, "exit") == 0)
        _exit(7);
    if (strcmp(fault, "memory") == 0)
        return eat_memory(err);
    if (strcmp(fault, "probe") == 0)
        return probe(err);
    if (strcmp(fault, "hang") == 0)
        for (;;)
            sleep(1); /* pause() is not on the list of the sandbox */
    for (int r;;)     /* "spin": makes progress, but never ends */
        if ((r = job->progress(job->opaque, 0.1)) < 0)
            return r;
}

int __wrap_pipeline_run(
    struct pipeline *p, const struct pipeline_job *job, struct pipeline_report *report, struct error *err)
{
    char tail[33] = "";
    off_t size = lseek(job->input, 0, SEEK_END);
    ssize_t n = pread(job->input, tail, sizeof tail - 1, size > 32 ? size - 32 : 0);
    lseek(job->input, 0, SEEK_SET);
    const char *fault = n > 6 ? memmem(tail, (size_t)n, "FAULT:", 6) : NULL;
    return fault ? misbehave(fault + 6, job, err) : __real_pipeline_run(p, job, report, err);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
    char name[16] = "";
    const char *longer = getenv("OBSCURA_TEST_SYNC_S");
    prctl(PR_GET_NAME, name);
    if (longer && strncmp(name, "worker", 6) == 0)
        sleep((unsigned)atoi(longer));
    return __real_fdatasync(fd);
}
