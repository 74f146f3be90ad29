/* The system calls that an engine may make. */
#ifndef OBSCURA_WORKER_SANDBOX_SECCOMP_H
#define OBSCURA_WORKER_SANDBOX_SECCOMP_H

int sandbox_seccomp_load(void); /* for all threads of the process; negative errno where the kernel refuses */

#endif
