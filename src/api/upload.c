/* POST /v1/file. A synchronous upload is an asynchronous one that the front waits for. Whatever goes wrong before the
 * client has its answer, nothing of the upload stays: no file, no task. */
#include "api/record.h"
#include "api/upload.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 1000      /* how often a waiting client's task is looked at without a wake-up */
#define PATIENCE_MS 60000 /* with a store that cannot be asked */

static int check_room(struct upload *u, int64_t length, struct error *err)
{
    struct api *api = u->api;
    if (atomic_load(&api->draining))
        return error_set(err, -EAGAIN, "the server is stopping and takes no uploads");
    int rc = upload_check_disk(u, length > 0 ? length : 0, err);
    if (rc || !api->config->max_queue)
        return rc;
    struct task_store *store;
    rc = stores_take(&api->stores, &store, err);
    if (rc)
        return rc;
    int64_t queued = task_store_count(store, TASK_QUEUED, err);
    stores_give(&api->stores, store);
    if (queued >= api->config->max_queue)
        return error_set(err, -EAGAIN, "the queue is full: %lld tasks wait (--max-queue)", (long long)queued);
    return queued < 0 ? (int)queued : 0;
}

static void destroy(void *state)
{
    struct upload *u = state;
    uint8_t unwanted[SHA256_SIZE];
    if (u->hashing)
        sha256_final(&u->digest, unwanted);
    artefact_abort(&u->writer);
    multipart_destroy(u->multipart);
    buffer_finish(&u->warnings);
    task_finish(&u->task);
    free(u);
}

static int begin(void *opaque, struct http_request *rq, void **ret_state, struct error *err)
{
    struct upload *u = calloc(1, sizeof *u);
    if (!u)
        return error_set(err, -ENOMEM, "out of memory");
    u->api = opaque;
    u->warnings.max = UPLOAD_WARNINGS_MAX;
    task_init(&u->task);
    uuid_make(u->task.id);
    int rc = multipart_create(http_request_header(rq, "Content-Type"), &upload_parts, u, &u->multipart, err);
    if (!rc)
        rc = upload_read_parameters(u, rq, err);
    if (!rc)
        rc = check_room(u, rq->content_length, err);
    if (!rc && u->task.idempotency_key[0]) {
        rc = sha256_init(&u->digest);
        u->hashing = !rc;
    }
    if (rc)
        destroy(u);
    else
        *ret_state = u;
    return rc;
}

static int data(void *state, const uint8_t *bytes, size_t len, struct error *err)
{
    struct upload *u = state;
    return multipart_feed(u->multipart, bytes, len, err);
}

const struct http_body upload_body = {begin, data, destroy};

/* Makes the key under which the store finds the upload again: the client's key with the hash of parameters and file, so
 * that the same key with another body is another task. */
static int seal_key(struct upload *u)
{
    if (!u->hashing)
        return 0;
    uint8_t digest[SHA256_SIZE];
    char key[512];
    sha256_update(&u->digest, u->task.parameters, strlen(u->task.parameters));
    sha256_final(&u->digest, digest);
    u->hashing = false;
    size_t n = (size_t)snprintf(key, sizeof key, "%.255s ", u->task.idempotency_key);
    for (size_t i = 0; i < sizeof digest; i++)
        n += (size_t)snprintf(key + n, sizeof key - n, "%02x", digest[i]);
    return task_set(&u->task.idempotency_key, key);
}

/* Whether a failed insertion has left no task, for sure: a connection that broke at the commit does not say, and the
 * database may still be at it. */
static bool not_queued(struct task_store *store, struct upload *u, int code)
{
    struct error ignored;
    if (code != -EIO && code != -EHOSTDOWN)
        return true;
    int deleted = store ? task_store_delete(store, &u->task.id, 1, false, &ignored) : -1;
    return code == -EHOSTDOWN ? deleted > 0 : deleted >= 0;
}

/* Commits the file and queues the task. On -EEXIST u->task.id becomes that of the first task with the same idempotency
 * key. */
static int queue(struct upload *u, struct error *err)
{
    struct api *api = u->api;
    struct task_store *store = NULL;
    char existing[UUID_SIZE];
    u->task.created_us = clock_wall_us();
    int rc = seal_key(u);
    if (!rc && u->warnings.len)
        rc = task_set(&u->task.warnings, (const char *)u->warnings.data);
    if (rc)
        return error_set(err, rc, "out of memory");
    rc = artefact_commit(&u->writer, 1, err);
    if (rc)
        return rc;
    rc = stores_take(&api->stores, &store, err);
    if (!rc)
        rc = task_store_insert(store, &u->task, api->config->max_queue, existing, err);
    /* Where it may be queued its file stays: for the worker, or for the sweep. */
    if (rc && (!store || not_queued(store, u, rc)))
        artefact_delete_all(api->artefacts, u->task.id, NULL);
    stores_give(&api->stores, store);
    if (rc == -EAGAIN)
        error_set(err, rc, "the queue is full: %lld tasks wait (--max-queue)", (long long)api->config->max_queue);
    if (rc == -EEXIST)
        memcpy(u->task.id, existing, UUID_SIZE);
    if (!rc)
        wakeup_queued(api->wakeup);
    return rc;
}

/* Waits until the task has ended, then fills *t with its record. *ret_abandoned: nobody is left who knows the task. A
 * store that cannot be asked for a while (its server restarts) says nothing of the task. */
static int wait_ended(struct api *api, const struct http_request *rq, struct waiter *w, struct task *t,
    bool *ret_abandoned, struct error *err)
{
    bool stopping = false;
    int64_t asked_ns = clock_mono_ns(); /* when the store last answered */
    for (;;) {
        struct task now;
        int rc = api_find_task(api, w->id, &now, err);
        if (!rc) {
            task_finish(t);
            *t = now;
            asked_ns = clock_mono_ns();
        }
        if (rc == -ENOENT || (!rc && t->status == TASK_DELETED))
            return error_set(err, -ECANCELED, "the task was deleted while it was worked on");
        if (!rc && t->status == TASK_DONE)
            return 0;
        if (rc && clock_mono_ns() - asked_ns > PATIENCE_MS * 1000000LL)
            return rc;
        *ret_abandoned = true;
        if (!rc && t->status == TASK_FAILED)
            return error_set(err, problem_of_task(t->error_code), "%s", t->error);
        if (stopping)
            return error_set(err, -ESHUTDOWN, "the server is stopping; send the file again later");
        rc = waiters_wait(&api->waiters, w, rq->fd, LOOK_MS);
        if (rc == -ECONNRESET)
            return error_set(err, rc, "the client has gone");
        *ret_abandoned = false;
        stopping = rc < 0; /* one more look: the task may have ended meanwhile */
    }
}

/* Finds the task of a repeated idempotency key in the state it is in. */
static int replay(struct upload *u, struct task *t, struct error *err)
{
    struct task first;
    int rc = api_find_task(u->api, u->task.id, &first, err);
    if (rc)
        return rc == -ENOENT ? error_set(err, -EAGAIN, "the task of this Idempotency-Key was just deleted; try again")
                             : rc;
    task_finish(t);
    *t = first;
    return 0;
}

int upload_post(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err)
{
    struct upload *u = opaque;
    struct api *api = u->api;
    struct waiter waiter;
    int rc = multipart_finish(u->multipart, err);
    if (!rc && !u->have_file)
        rc = error_set(err, -EINVAL, "fileobject: the body has no part of this name, want the image or video in one");
    if (rc)
        return rc;
    const bool asynchronous = u->task.asynchronous, keyed = u->task.idempotency_key[0];
    rc = queue(u, err);
    const bool repeated = rc == -EEXIST;
    bool abandoned = false;
    if (repeated)
        rc = replay(u, &u->task, err);
    if (!rc && !asynchronous) {
        rc = waiters_enter(&api->waiters, &waiter, u->task.id);
        if (rc) {
            error_set(err, rc, "cannot wait for the task");
            abandoned = true;
        } else {
            rc = wait_ended(api, rq, &waiter, &u->task, &abandoned, err);
            waiters_leave(&api->waiters, &waiter);
        }
        if (abandoned && !keyed) /* a client with a key can come back for it, and others may have */
            api_delete_task(api, u->task.id, false, NULL);
    }
    if (rc)
        return rc;
    if (repeated)
        http_response_header(rs, "Idempotent-Replayed", "true");
    char endpoint[ENDPOINT_SIZE];
    record_endpoint(api, rq, endpoint);
    http_respond_json(rs, 200, record_upload(endpoint, &u->task));
    return 0;
}
