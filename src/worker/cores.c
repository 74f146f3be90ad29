/* See cores.h. */
#include "worker/cores.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* "max 100000" or "250000 100000"; 0: none */
static int read_quota(const char *path)
{
    long long quota, period;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int found = fscanf(file, "%lld %lld", &quota, &period);
    fclose(file);
    if (found != 2 || quota <= 0 || period <= 0)
        return 0;
    return (int)((quota + period - 1) / period);
}

/* Every group above has its say as well. */
int cores_of_cgroup(const char *cgroup_root, const char *group)
{
    char path[4096], name[2048];
    int least = 0;
    snprintf(name, sizeof name, "%s", group);
    for (;;) {
        snprintf(path, sizeof path, "%s%s/cpu.max", cgroup_root, name);
        int cores = read_quota(path);
        if (cores > 0 && (least == 0 || cores < least))
            least = cores;
        char *slash = strrchr(name, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* The line of the unified hierarchy: "0::/group". */
static void read_group(char *group, size_t size)
{
    char line[2048];
    FILE *file = fopen("/proc/self/cgroup", "re");
    *group = '\0';
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "0::", 3) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(group, size, "%s", strcmp(line + 3, "/") == 0 ? "" : line + 3);
        }
    if (file)
        fclose(file);
}

int cores_available(void)
{
    cpu_set_t set;
    char group[2048];
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    read_group(group, sizeof group);
    int quota = cores_of_cgroup("/sys/fs/cgroup", group);
    if (quota > 0 && quota < cores)
        cores = quota;
    return cores > 0 ? cores : 1;
}

/* Decoding and encoding keep one core busy, networks scale to a few: two threads a worker, so that while one worker
 * encodes another one detects. */
void cores_share(int cores, int *workers, int *threads)
{
    if (*workers <= 0 && *threads <= 0)
        *workers = cores > 2 ? (cores + 1) / 2 : cores;
    else if (*workers <= 0)
        *workers = cores / *threads > 0 ? cores / *threads : 1;
    if (*threads <= 0)
        *threads = cores / *workers > 0 ? cores / *workers : 1;
}
