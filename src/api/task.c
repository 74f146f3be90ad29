/* Tasks: GET and DELETE of /v1/task/{id} and /v1/task/list. */
#include "api/record.h"
#include "base/buffer.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELETE_BATCH 256           /* tasks in one transaction */
#define LIST_MAX ((size_t)1 << 28) /* bytes of the list as JSON */

int api_find_task(struct api *api, const char *id, struct task *ret_task, struct error *err)
{
    struct task_store *store;
    if (!uuid_valid(id))
        return error_set(err, -ENOENT, "%.100s: there is no such file or task", id);
    int rc = stores_take(&api->stores, &store, err);
    if (rc)
        return rc;
    rc = task_store_get(store, id, ret_task, err);
    stores_give(&api->stores, store);
    return rc == -ENOENT ? error_set(err, rc, "%.100s: there is no such file or task", id) : rc;
}

/* Goes on past one that cannot be deleted; 0 or the first failure. */
static int delete_files(struct api *api, char (*ids)[UUID_SIZE], int count, struct error *err)
{
    int rc = 0;
    for (int i = 0; i < count; i++) {
        struct error why;
        int one = artefact_delete_all(api->artefacts, ids[i], &why);
        if (one < 0 && rc == 0) {
            rc = one;
            *err = why;
        }
    }
    return rc;
}

/* Returns how many there were. */
static int delete_tasks(struct api *api, char (*ids)[UUID_SIZE], int count, bool keep_record, struct error *err)
{
    struct task_store *store;
    int rc = stores_take(&api->stores, &store, err);
    if (rc)
        return rc;
    /* The records first: a worker that still writes learns from them that its work is not wanted. */
    rc = task_store_delete(store, ids, count, keep_record, err);
    /* On a full disk their room is what the change of the records needs. */
    if (rc == -ENOSPC && delete_files(api, ids, count, err) == 0)
        rc = task_store_delete(store, ids, count, keep_record, err);
    stores_give(&api->stores, store);
    if (rc < 0)
        return rc;
    int files = delete_files(api, ids, count, err);
    return files < 0 ? files : rc;
}

int api_delete_task(struct api *api, const char *id, bool keep_record, struct error *err)
{
    char one[1][UUID_SIZE];
    snprintf(one[0], UUID_SIZE, "%s", id);
    int rc = delete_tasks(api, one, 1, keep_record, err);
    return rc == 0 ? error_set(err, -ENOENT, "%.100s: there is no such file or task", id) : rc < 0 ? rc : 0;
}

int task_get(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct api *api = opaque;
    struct task t;
    struct task_store *store;
    char *deliveries = NULL, endpoint[ENDPOINT_SIZE];
    int rc = api_find_task(api, rq->capture, &t, err);
    if (rc)
        return rc;
    if (t.webhook_url[0]) {
        rc = stores_take(&api->stores, &store, err);
        if (!rc)
            rc = task_store_webhook_log(store, t.id, &deliveries, err);
        stores_give(&api->stores, store);
    }
    record_endpoint(api, rq, endpoint);
    if (!rc)
        http_respond_json(rs, 200, record_task(endpoint, &t, deliveries));
    free(deliveries);
    task_finish(&t);
    return rc;
}

/* A whole number that is at least 0; absent or empty leaves *value. */
static int read_count(const struct http_request *rq, const char *name, int64_t low, int64_t *value, struct error *err)
{
    const char *text = http_request_query(rq, name);
    if (text && *text && (text_int(text, value) || *value < low))
        return error_set(
            err, -EINVAL, "%s: '%.100s' is not allowed, want a whole number from %lld", name, text, (long long)low);
    return 0;
}

static int read_filter(const struct http_request *rq, struct task_filter *filter, struct error *err)
{
    const char *status = http_request_query(rq, "status");
    *filter = (struct task_filter){.status = -1};
    if (status && *status) {
        filter->status = task_status_find(status);
        if (filter->status < 0)
            return error_set(err, -EINVAL,
                "status: '%.100s' is not allowed, want queued, processing, done, failed or deleted", status);
    }
    int rc = read_count(rq, "limit", 1, &filter->limit, err);
    return rc ? rc : read_count(rq, "offset", 0, &filter->offset, err);
}

struct listing {
    char endpoint[ENDPOINT_SIZE];
    struct buffer json;
};

static int append_record(void *opaque, const struct task *t)
{
    struct listing *l = opaque;
    json_t *record = record_task(l->endpoint, t, NULL);
    char *text = record ? json_dumps(record, JSON_INDENT(2) | JSON_REAL_PRECISION(HTTP_JSON_DIGITS)) : NULL;
    int rc = text ? buffer_printf(&l->json, "%s%s", l->json.len > 1 ? ",\n" : "", text) : -ENOMEM;
    json_decref(record);
    free(text);
    return rc;
}

int task_list(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct api *api = opaque;
    struct listing list = {.json = BUFFER_INIT(LIST_MAX)};
    struct task_filter filter;
    struct task_store *store;
    int rc = read_filter(rq, &filter, err);
    if (rc)
        return rc;
    rc = stores_take(&api->stores, &store, err);
    if (rc)
        return rc;
    record_endpoint(api, rq, list.endpoint);
    buffer_printf(&list.json, "[");
    rc = task_store_list(store, &filter, append_record, &list, err);
    stores_give(&api->stores, store);
    if (rc == -EFBIG)
        rc = error_set(
            err, -EINVAL, "limit: the list is too long to be sent at once; ask for parts of it with limit and offset");
    if (!rc)
        rc = buffer_printf(&list.json, "]\n");
    if (rc) {
        buffer_finish(&list.json);
        return err->code ? err->code : error_set(err, rc, "the list cannot be made");
    }
    http_respond_owned(rs, 200, "application/json", list.json.data, (int64_t)list.json.len);
    return 0;
}

static int read_scope(const struct http_request *rq, bool *ret_keep_record, struct error *err)
{
    const char *scope = http_request_query(rq, "delete-scope");
    *ret_keep_record = false;
    if (!scope || !*scope || text_name_equal(scope, "task-and-files"))
        return 0;
    if (!text_name_equal(scope, "only-files"))
        return error_set(
            err, -EINVAL, "delete-scope: '%.100s' is not allowed, want task-and-files or only-files", scope);
    *ret_keep_record = true;
    return 0;
}

int task_delete(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    bool keep_record;
    int rc = read_scope(rq, &keep_record, err);
    if (!rc && !uuid_valid(rq->capture))
        rc = error_set(err, -ENOENT, "%.100s: there is no such file or task", rq->capture);
    if (!rc)
        rc = api_delete_task(opaque, rq->capture, keep_record, err);
    if (!rc)
        http_respond_json(rs, 200,
            json_pack("{ss ss ss}", "result", "success", "message",
                keep_record ? "The task's files are deleted, its record is kept."
                            : "The task and its files are deleted.",
                "id", rq->capture));
    return rc;
}

static int append_id(void *opaque, const struct task *t)
{
    return buffer_append(opaque, t->id, UUID_SIZE);
}

/* Deletes the tasks that are there now; those that come meanwhile stay. */
static int delete_all(struct api *api, bool keep_record, int *ret_count, struct error *err)
{
    struct buffer ids = BUFFER_INIT(LIST_MAX);
    const struct task_filter filter = {.status = -1};
    struct task_store *store;
    int rc = stores_take(&api->stores, &store, err);
    if (rc)
        return rc;
    rc = task_store_list(store, &filter, append_id, &ids, err);
    stores_give(&api->stores, store);
    *ret_count = 0;
    const int all = (int)(ids.len / UUID_SIZE);
    for (int at = 0; rc >= 0 && at < all; at += DELETE_BATCH) {
        char(*batch)[UUID_SIZE] = (char(*)[UUID_SIZE])ids.data + at;
        rc = delete_tasks(api, batch, all - at < DELETE_BATCH ? all - at : DELETE_BATCH, keep_record, err);
        *ret_count += rc > 0 ? rc : 0;
    }
    buffer_finish(&ids);
    return rc < 0 ? rc : 0;
}

int task_delete_list(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    const char *text = http_request_query(rq, "confirm");
    bool confirmed = false, keep_record;
    int count, rc = read_scope(rq, &keep_record, err);
    if (rc)
        return rc;
    if (text && *text && text_bool(text, &confirmed))
        return error_set(err, -EINVAL, "confirm: '%.100s' is not allowed, want true", text);
    if (!confirmed)
        return error_set(
            err, -EINVAL, "confirm: missing; this deletes the files of all tasks, send confirm=true to do that");
    rc = delete_all(opaque, keep_record, &count, err);
    if (rc)
        return rc;
    char message[128];
    snprintf(message, sizeof message, "%d task%s deleted%s.", count, count == 1 ? "" : "s",
        keep_record ? " (files only; the records are kept)" : " with all files");
    http_respond_json(rs, 200, json_pack("{ss ss}", "result", "success", "message", message));
    return 0;
}
