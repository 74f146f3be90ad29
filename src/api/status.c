/* Is it well? GET /v1/status as the reference has it, /health/live and /health/ready for orchestrators, /metrics for
 * Prometheus. */
#include "api/context.h"
#include "base/buffer.h"
#include "base/clock.h"

#include <string.h>

/* Counts the tasks of a status (-1: all). */
static int64_t count_tasks(struct api *api, int status, struct error *err)
{
    struct task_store *store;
    int rc = stores_take(&api->stores, &store, err);
    if (rc)
        return rc;
    int64_t count = task_store_count(store, status, err);
    stores_give(&api->stores, store);
    return count;
}

int status_get(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    char now[CLOCK_ISO_SIZE];
    int64_t queued = count_tasks(opaque, TASK_QUEUED, err);
    if (queued < 0)
        return error_set(err, -EIO, "down: the task store does not answer");
    clock_format_iso(clock_wall_us(), now);
    http_respond_json(rs, 200, json_pack("{ss ss ss}", "ts", now, "api_version", "v1", "status", "RUNNING"));
    return 0;
}

int status_live(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    http_respond_json(rs, 200, json_pack("{ss}", "status", "live"));
    return 0;
}

int status_ready(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct api *api = opaque;
    if (atomic_load(&api->draining))
        return error_set(err, -ESHUTDOWN, "not ready: the server is stopping");
    int64_t queued = count_tasks(api, TASK_QUEUED, err);
    if (queued < 0)
        return error_set(err, -EAGAIN, "not ready: the task store does not answer");
    if (api->config->max_queue && queued >= api->config->max_queue)
        return error_set(err, -EAGAIN, "not ready: the queue is full");
    http_respond_json(rs, 200, json_pack("{ss sI}", "status", "ready", "queued", (json_int_t)queued));
    return 0;
}

int status_metrics(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct api *api = opaque;
    struct buffer text = BUFFER_INIT(65536);
    int rc = buffer_printf(&text, "# HELP obscura_tasks Tasks in the store by status.\n# TYPE obscura_tasks gauge\n");
    for (int status = TASK_QUEUED; !rc && status <= TASK_DELETED; status++) {
        int64_t count = count_tasks(api, status, err);
        rc = count < 0 ? (int)count
                       : buffer_printf(&text, "obscura_tasks{status=\"%s\"} %lld\n",
                             task_status_name((enum task_status)status), (long long)count);
    }
    if (!rc)
        rc = buffer_printf(&text,
            "# HELP obscura_http_requests_total Requests answered since the front started.\n# TYPE "
            "obscura_http_requests_total counter\n"
            "obscura_http_requests_total %lld\n"
            "# HELP obscura_uptime_seconds Time since the front started.\n# TYPE obscura_uptime_seconds "
            "gauge\nobscura_uptime_seconds %.3f\n"
            "# HELP obscura_disk_free_bytes Free space where uploads and results are kept.\n# TYPE "
            "obscura_disk_free_bytes gauge\n"
            "obscura_disk_free_bytes %lld\n",
            (long long)http_server_requests(api->server), (double)(clock_wall_us() - api->started_us) / 1e6,
            (long long)artefact_free_bytes(api->artefacts));
    if (rc) {
        buffer_finish(&text);
        return error_set(err, -EIO, "the task store does not answer");
    }
    http_respond_owned(rs, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, (int64_t)text.len);
    return 0;
}
