/* See child.h. */
#include "worker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void child_follow(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* It may have died before the signal was armed. */
    if (getppid() != parent)
        _exit(1);
}

pid_t child_fork(void)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        child_follow(parent);
    return pid;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void child_keep_fds(int *keep, int count)
{
    unsigned next = STDERR_FILENO + 1;
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    qsort(keep, (size_t)count, sizeof *keep, compare);
    for (int i = 0; i < count; i++) {
        if (keep[i] > (int)next)
            close_range(next, (unsigned)keep[i] - 1, 0);
        if (keep[i] >= (int)next)
            next = (unsigned)keep[i] + 1;
    }
    close_range(next, ~0U, 0);
}

const char *child_describe(int status, char *text, int size)
{
    if (!WIFSIGNALED(status)) {
        snprintf(text, (size_t)size, "ended with status %d", WEXITSTATUS(status));
        return text;
    }
    int signal = WTERMSIG(status);
    const char *name = sigabbrev_np(signal);
    const char *what = signal == SIGKILL || signal == SIGTERM ? "was killed" : "crashed";
    const char *hint = signal == SIGKILL ? " (perhaps for want of memory)" : "";
    snprintf(text, (size_t)size, "%s: SIG%s%s", what, name ? name : "?", hint);
    return text;
}
