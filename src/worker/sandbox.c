/* See sandbox.h. The list of system calls is in sandbox_seccomp.c. */
#include "worker/sandbox.h"

#include "worker/child.h"
#include "worker/sandbox_seccomp.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534
#define MAX_FILES 256

/* The kernel takes any prefix of this; Debian 12's header knows only the first member. */
struct ruleset {
    uint64_t handled_fs, handled_net, scoped;
};

/* Rights on files by version of the interface; those of later versions exist only where the kernel knows them. */
#define FS_VERSION_1 ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)    /* 2 */
#define FS_TRUNCATE (1ULL << 14) /* 3 */
#define FS_IOCTL (1ULL << 15)    /* 5 */
#define NET_TCP 3ULL             /* 4: bind, connect */
#define SCOPE_ALL 3ULL           /* 6: abstract sockets, signals */

int sandbox_limit(int64_t memory, struct error *err)
{
    struct {
        int resource;
        rlim_t value;
    } limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NOFILE, MAX_FILES},
        {RLIMIT_AS, memory > 0 ? (rlim_t)memory : RLIM_INFINITY},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit now, limit = {limits[i].value, limits[i].value};
        if (getrlimit((__rlimit_resource_t)limits[i].resource, &now) == 0 && now.rlim_max < limit.rlim_max)
            limit.rlim_cur = limit.rlim_max = now.rlim_max;
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
            return error_set(err, -errno, "cannot set a limit: %s", strerror(errno));
    }
    return 0;
}

static void allow_reading(int ruleset, const char *path)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.parent_fd < 0)
        return; /* the engine will say what it misses */
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

static int close_file_system(const char *models)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return -ENOSYS;
    struct ruleset rules = {.handled_fs = FS_VERSION_1};
    size_t size = sizeof rules.handled_fs;
    rules.handled_fs |=
        (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) | (version >= 5 ? FS_IOCTL : 0);
    if (version >= 4) {
        rules.handled_net = NET_TCP;
        size += sizeof rules.handled_net;
    }
    if (version >= 6) {
        rules.scoped = SCOPE_ALL;
        size += sizeof rules.scoped;
    }
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (fd < 0)
        return -errno;
    /* What oneDNN, OpenMP and libc look up about the processor; gone with the second step. */
    allow_reading(fd, "/proc");
    allow_reading(fd, "/sys/devices/system");
    if (models)
        allow_reading(fd, models);
    int r = syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
    close(fd);
    return r;
}

int sandbox_enter(const char *models, int64_t memory, unsigned *missing, struct error *err)
{
    int r = sandbox_limit(memory, err);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_set(err, -errno, "cannot give up privileges: %s", strerror(errno));
    if (close_file_system(models) < 0)
        *missing |= SANDBOX_LANDLOCK;
    return 0;
}

/* An engine needs no account's rights: where it runs as root it becomes nobody. */
static int drop_root(pid_t parent)
{
    if (geteuid() != 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return -errno;
    prctl(PR_SET_DUMPABLE, 0);
    child_follow(parent); /* the change of account disarmed it */
    return 0;
}

int sandbox_close(pid_t parent, unsigned *missing, struct error *err)
{
    if (drop_root(parent) < 0)
        *missing |= SANDBOX_ACCOUNT;
    int r = sandbox_seccomp_load();
    if (r == -ENOMEM)
        return error_set(err, r, "out of memory");
    if (r < 0)
        *missing |= SANDBOX_SECCOMP;
    return 0;
}

void sandbox_describe(unsigned missing, char *text, int size)
{
    static const char *const names[] = {"Landlock", "seccomp", "an unprivileged account"};
    int used = 0;
    *text = '\0';
    for (int i = 0; i < 3; i++)
        if (missing & (1u << i) && used < size)
            used += snprintf(text + used, (size_t)(size - used), "%s%s", used ? ", " : "", names[i]);
}
