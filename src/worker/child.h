/* Forking processes that do not outlive the one that made them. */
#ifndef OBSCURA_WORKER_CHILD_H
#define OBSCURA_WORKER_CHILD_H

#include <sys/types.h>

/* fork(), in the child with SIGKILL on the parent's death. The parent must have one thread: the kernel watches the
 * thread that forked. Answers as fork does, or a negative errno. */
pid_t child_fork(void);

/* Arms the death signal once more, as after a change of account, which clears it. `parent` is the parent's id; ends the
 * process where it is gone already. */
void child_follow(pid_t parent);

/* Closes every descriptor but standard error and the `count` given ones, in any order. */
void child_keep_fds(int *keep, int count);

/* How a process ended, for people: "crashed: SIGSEGV", "was killed: SIGKILL (perhaps for memory)", "ended with status
 * 3". Writes to text and returns it. */
const char *child_describe(int status, char *text, int size);

#endif
