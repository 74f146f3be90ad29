/* How many processors the program may really use: affinity and the control groups' quotas (cpu.max), which containers
 * set. */
#ifndef OBSCURA_WORKER_CORES_H
#define OBSCURA_WORKER_CORES_H

int cores_available(void); /* >= 1; a quota of 2.5 processors counts as 3 */

/* The same with another root for the control groups (tests): cgroup_root in place of /sys/fs/cgroup, group as in
 * /proc/self/cgroup ("/a/b"). 0 where there is no quota. */
int cores_of_cgroup(const char *cgroup_root, const char *group);

/* What workers and threads come to where they are 0. */
void cores_share(int cores, int *workers, int *threads);

#endif
