/* See channel.h. */
#include "worker/channel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define JOB_FDS 3

int channel_create(int ret_pair[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_pair) < 0 ? -errno : 0;
}

static int send_message(int fd, const void *data, size_t len)
{
    ssize_t n;
    do
        n = send(fd, data, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int channel_send_job(int fd, const struct channel_job *job)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(JOB_FDS * sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec parts[] = {
        {(void *)(uintptr_t)job->id, sizeof job->id},
        {(void *)(uintptr_t)job->parameters, strlen(job->parameters) + 1},
    };
    struct msghdr message = {
        .msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control.space};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(JOB_FDS * sizeof(int));
    memcpy(CMSG_DATA(c), (int[]){job->input, job->anonymised, job->result}, JOB_FDS * sizeof(int));
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int channel_send_cancel(int fd)
{
    return send_message(fd, "c", 1);
}

/* A message longer than one byte is a job. */
static int take_fds(struct msghdr *message, struct channel_job *job)
{
    int fds[JOB_FDS];
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof fds))
        return -EPROTO;
    memcpy(fds, CMSG_DATA(c), sizeof fds);
    job->input = fds[0];
    job->anonymised = fds[1];
    job->result = fds[2];
    return 0;
}

int channel_receive_job(int fd, struct channel_job *job)
{
    for (;;) {
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(JOB_FDS * sizeof(int))];
        } control;
        struct iovec parts[] = {{job->id, sizeof job->id}, {job->parameters, sizeof job->parameters - 1}};
        struct msghdr message = {
            .msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control.space};
        ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n <= (ssize_t)sizeof job->id)
            continue;
        job->id[UUID_SIZE - 1] = '\0';
        job->parameters[n - (ssize_t)sizeof job->id] = '\0';
        int r = take_fds(&message, job);
        return r < 0 ? r : 1;
    }
}

int channel_cancelled(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

int channel_send_report(int fd, const struct channel_report *report)
{
    return send_message(fd, report, sizeof *report);
}

/* Ends a text within its field and replaces control characters and everything beyond ASCII that is not well-formed
 * UTF-8, so that it can be stored and printed. Newlines stay where `lines`. */
static void clean_text(char *text, size_t size, int lines)
{
    text[size - 1] = '\0';
    for (unsigned char *p = (unsigned char *)text; *p;) {
        int more = *p >= 0xc2 && *p < 0xe0                 ? 1
                   : *p >= 0xe1 && *p < 0xf0 && *p != 0xed ? 2
                   : *p >= 0xf1 && *p < 0xf4               ? 3
                                                           : 0;
        int good = (*p >= 0x20 && *p < 0x7f) || (lines && *p == '\n');
        for (int i = 1; more && i <= more; i++)
            good = (i == 1 || good) && (p[i] & 0xc0) == 0x80;
        if (!good) {
            *p++ = '?';
            continue;
        }
        p += 1 + more;
    }
}

int channel_receive_report(int fd, struct channel_report *report)
{
    ssize_t n = recv(fd, report, sizeof *report, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? -EAGAIN : errno == ECONNRESET ? 0 : -errno;
    if (n != sizeof *report)
        return n == 0 ? 0 : -EPROTO;
    if (!(report->progress >= 0 && report->progress <= 1))
        report->progress = 0;
    clean_text(report->error.text, sizeof report->error.text, 0);
    clean_text(report->report.content_type, sizeof report->report.content_type, 0);
    clean_text(report->report.warnings, sizeof report->report.warnings, 1);
    if (report->kind == CHANNEL_FAILED && (report->error.code >= 0 || report->error.code < -4095))
        report->error.code = -EIO;
    return 1;
}
