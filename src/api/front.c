/* See api.h. The front process: routes, start, control, stop. */
#include "api/context.h"
#include "base/clock.h"
#include "base/control.h"
#include "base/log.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 511
#define RETIRE_LOOK_MS 100
#define LAST_LOOK_MS 20
#define LAST_ANSWERS_MS 8000   /* less than the supervisor gives a service that was told to stop */
#define FILES_PER_CONNECTION 4 /* its socket, the file that it brings or takes, what its handler waits by */
#define OTHER_FILES 256
#define FRAMING_BYTES (1 << 20) /* what a multipart body may hold beside its file */

static const char
    *const image_query[] = {"download", "quality", "compress-level", NULL},
           *const mask_query[] = {"mask-scale", NULL}, *const frames_query[] = {"start_frame", "end_frame", NULL},
           *const masks_query[] = {"start_frame", "end_frame", "mask-scale", NULL},
           *const list_query[] = {"status", "limit", "offset", NULL}, *const delete_query[] = {"delete-scope", NULL},
           *const delete_all_query[] = {"confirm", "delete-scope", NULL};

static const struct http_route routes[] = {
    {"POST", "/v1/file", upload_post, &upload_body},
    {"GET", "/v1/file/{id}/anonymised", file_anonymised, NULL, image_query},
    {"GET", "/v1/file/{id}/anonymized", file_anonymised, NULL, image_query},
    {"GET", "/v1/file/{id}/binary-mask", file_binary_mask, NULL, mask_query},
    {"GET", "/v1/file/{id}/instance-mask", file_instance_mask, NULL, mask_query},
    {"GET", "/v1/file/{id}/metadata", file_metadata, NULL},
    {"GET", "/v1/file/{id}/video/anonymised", video_anonymised, NULL},
    {"GET", "/v1/file/{id}/video/anonymized", video_anonymised, NULL},
    {"GET", "/v1/file/{id}/video/metadata", video_metadata, NULL, frames_query},
    {"GET", "/v1/file/{id}/video/report", video_report, NULL, frames_query},
    {"GET", "/v1/file/{id}/video/binary-mask", video_binary_mask, NULL, masks_query},
    {"GET", "/v1/file/{id}/video/instance-mask", video_instance_mask, NULL, masks_query},
    {"GET", "/v1/task/list", task_list, NULL, list_query},
    {"DELETE", "/v1/task/list", task_delete_list, NULL, delete_all_query},
    {"GET", "/v1/task/lists", task_list, NULL, list_query},
    {"DELETE", "/v1/task/lists", task_delete_list, NULL, delete_all_query},
    {"GET", "/v1/task/{id}", task_get, NULL},
    {"DELETE", "/v1/task/{id}", task_delete, NULL, delete_query},
    {"GET", "/v1/status", status_get, NULL},
    {"GET", "/health/live", status_live, NULL},
    {"GET", "/health/ready", status_ready, NULL},
    {"GET", "/metrics", status_metrics, NULL},
    {"GET", "/openapi.json", docs_openapi, NULL},
    {"GET", "/docs", docs_page, NULL},
    {"GET", "/", docs_upload_page, NULL},
};

static int listen_at(const struct addrinfo *a, int *ret_fd)
{
    const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, BACKLOG)) {
        int code = -errno;
        close(fd);
        return code;
    }
    *ret_fd = fd;
    return 0;
}

int api_listen(const struct config *config, int *ret_fd, struct error *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port[16];
    snprintf(port, sizeof port, "%lld", (long long)config->port);
    int code = getaddrinfo(config->host, port, &hints, &found);
    if (code)
        return error_set(err, -EINVAL, "host: %s: %s", config->host, gai_strerror(code));
    code = -EADDRNOTAVAIL;
    for (const struct addrinfo *a = found; a && code; a = a->ai_next)
        code = listen_at(a, ret_fd);
    freeaddrinfo(found);
    return code ? error_set(err, code, "cannot listen on %s, port %s: %s", config->host, port, strerror(-code)) : 0;
}

/* "HOST:PORT" of the socket, as it belongs into a URL. */
static void describe_socket(int fd, const char *host, char *out, size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char port[16] = "0";
    if (!getsockname(fd, (struct sockaddr *)&address, &length))
        getnameinfo((struct sockaddr *)&address, length, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    snprintf(out, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* Whether the socket listens on every interface: then no single address is the server's. */
static bool listens_everywhere(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (getsockname(fd, (struct sockaddr *)&address, &length))
        return false;
    memcpy(&in, &address, sizeof in);
    memcpy(&in6, &address, sizeof in6);
    return address.ss_family == AF_INET ? in.sin_addr.s_addr == INADDR_ANY
                                        : address.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
}

static int start(struct api *api, int listen_fd, struct error *err)
{
    const struct config *c = api->config;
    char where[300];
    describe_socket(listen_fd, c->host, where, sizeof where);
    if (c->api_endpoint)
        snprintf(api->endpoint, sizeof api->endpoint, "%s", c->api_endpoint);
    else
        snprintf(api->endpoint, sizeof api->endpoint, "http://%s", where);
    api->endpoint_unknown = !c->api_endpoint && listens_everywhere(listen_fd);
    const struct http_settings settings = {
        .listen_fd = listen_fd,
        .routes = routes,
        .route_count = sizeof routes / sizeof *routes,
        .opaque = api,
        .problem = problem_respond,
        .max_connections = c->max_connections,
        .max_connections_per_client = c->max_connections_per_client,
        .max_body = c->max_upload + FRAMING_BYTES,
    };
    int rc = http_server_start(&settings, &api->server, err);
    if (!rc)
        log_info("listening on http://%s", where);
    if (!rc && api->endpoint_unknown)
        log_warn("--api-endpoint is not given: URLs in answers begin with the address that each request asked for; "
                 "behind a proxy, name the one that clients use");
    return rc;
}

/* Obeys the supervisor until it says stop or is gone, or until nothing is left to do for a front that retires. */
static void obey(struct api *api, int control_fd)
{
    bool retiring = false;
    for (;;) {
        char command;
        struct pollfd p = {.fd = control_fd, .events = POLLIN}; /* the pipe may be non-blocking */
        if (poll(&p, 1, retiring ? RETIRE_LOOK_MS : -1) == 0 && http_server_busy(api->server) == 0)
            return;
        ssize_t n = read(control_fd, &command, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0 || command == CONTROL_STOP)
            return;
        if (command == CONTROL_RETIRE) {
            http_server_retire(api->server);
            retiring = true;
        }
        if (command == CONTROL_DRAIN) {
            atomic_store(&api->draining, true);
            log_info("draining: uploads are refused from now on");
        }
    }
}

/* Lets the answers leave that are under way: libmicrohttpd cuts them when it is stopped. */
static void finish_answers(struct http_server *server)
{
    http_server_retire(server);
    for (int64_t until = clock_mono_ns() + LAST_ANSWERS_MS * 1000000LL;
         http_server_busy(server) > 0 && clock_mono_ns() < until;)
        usleep(LAST_LOOK_MS * 1000);
}

/* As many descriptors as its connections may need; the usual limit of 1,024 is too few for the default ones. */
static void raise_file_limit(const struct config *config)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    rlim_t want = (rlim_t)config->max_connections * FILES_PER_CONNECTION + OTHER_FILES;
    if (files.rlim_cur >= want)
        return;
    files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < want)
        log_warn("%lld connections may need %llu open files, %llu are allowed (ulimit -Hn)",
            (long long)config->max_connections, (unsigned long long)want, (unsigned long long)files.rlim_cur);
}

int api_front_run(
    const struct config *config, const struct wakeup *wakeup, int listen_fd, int control_fd, struct error *err)
{
    struct api api = {.config = config, .wakeup = wakeup, .started_us = clock_wall_us()};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    raise_file_limit(config);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    sem_init(&api.conversions, 0, cores > 1 ? (unsigned)cores : 1);
    int rc = artefact_store_open(config->input, config->output, &api.artefacts, err);
    if (rc)
        return rc;
    rc = stores_open(&api.stores, config->database, err);
    if (rc)
        goto close_artefacts;
    rc = waiters_start(&api.waiters, wakeup);
    if (rc) {
        error_set(err, rc, "cannot start a thread: %s", strerror(-rc));
        goto close_stores;
    }
    rc = start(&api, listen_fd, err);
    if (!rc)
        obey(&api, control_fd);
    atomic_store(&api.draining, true);
    waiters_release(&api.waiters);
    if (!rc)
        finish_answers(api.server);
    http_server_stop(api.server);
    waiters_stop(&api.waiters);
close_stores:
    stores_close(&api.stores);
close_artefacts:
    artefact_store_close(api.artefacts);
    sem_destroy(&api.conversions);
    return rc;
}
