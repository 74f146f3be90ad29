/* What the resources of the API share (private to api/). */
#ifndef OBSCURA_API_CONTEXT_H
#define OBSCURA_API_CONTEXT_H

#include <semaphore.h>
#include <stdatomic.h>

#include "api/api.h"
#include "api/stores.h"
#include "api/waiters.h"
#include "artefact/artefact.h"
#include "http/server.h"
#include "task/task.h"

#define ENDPOINT_SIZE 512

struct api {
    const struct config *config;
    const struct wakeup *wakeup;
    struct artefact_store *artefacts;
    struct stores stores;
    struct waiters waiters;
    sem_t conversions;            /* bounds how many pictures are decoded and encoded for downloads at a time */
    char endpoint[ENDPOINT_SIZE]; /* base of returned URLs, without trailing slash */
    bool endpoint_unknown; /* nobody named it and the host is a wildcard: the request's own address is the base */
    int64_t started_us;
    struct http_server *server;
    atomic_bool draining; /* no more uploads */
};

/* Loads the task that the path names. -ENOENT for ids that are unknown or no ids at all. */
int api_find_task(struct api *api, const char *id, struct task *ret_task, struct error *err);

/* Removes everything of a task: what workers still do on it is cancelled. keep_record: the record stays as `deleted`.
 */
int api_delete_task(struct api *api, const char *id, bool keep_record, struct error *err);

/* The one place where error codes become statuses. */
void problem_respond(const struct error *err, struct http_response *rs);

/* What a failed task's error_code means for the client that waits for it: everything wrong with the upload becomes
 * -EBADMSG. */
int problem_of_task(int error_code);

/* --- handlers, by resource (http_route.handle) --- */
extern const struct http_body upload_body;
int upload_post(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);

int file_anonymised(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int file_binary_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int file_instance_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int file_metadata(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int video_anonymised(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int video_metadata(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int video_report(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int video_binary_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int video_instance_mask(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);

int task_get(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int task_list(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int task_delete(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int task_delete_list(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);

int status_get(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int status_live(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int status_ready(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int status_metrics(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);

int docs_openapi(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int docs_page(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);
int docs_upload_page(void *opaque, struct http_request *rq, struct http_response *rs, struct error *err);

#endif
