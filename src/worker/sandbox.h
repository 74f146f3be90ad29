/* The engine's sandbox, in two steps.
 *
 * sandbox_enter, before the engine has a second thread or has read anything: no new privileges, not dumpable, limits,
 * and Landlock (which holds for threads made later only): nothing can be written, only the models and what libraries
 * read about the machine can be opened.
 * sandbox_close, when the models are loaded and kernels compiled: drops root, then seccomp for all threads. From then
 * on nothing can be opened, connected to, executed or traced; there are only the descriptors that the worker hands
 * over. Memory may still be made executable, because oneDNN compiles kernels for the shapes it meets.
 */
#ifndef OBSCURA_WORKER_SANDBOX_H
#define OBSCURA_WORKER_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Parts that the kernel or the rights of this process did not allow. */
enum sandbox_part {
    SANDBOX_LANDLOCK = 1,
    SANDBOX_SECCOMP = 2,
    SANDBOX_ACCOUNT = 4, /* root could not be given up */
};

/* `models`: folder to be read, or NULL. `memory`: bytes of address space, 0: no limit. Adds missing parts to *missing.
 */
int sandbox_enter(const char *models, int64_t memory, unsigned *missing, struct error *err);
int sandbox_close(pid_t parent, unsigned *missing, struct error *err); /* parent: see child_follow */

/* The limit on memory alone, for --sandbox=off. */
int sandbox_limit(int64_t memory, struct error *err);

/* "Landlock, seccomp": a text for the log, of static strings. */
void sandbox_describe(unsigned missing, char *text, int size);

#endif
