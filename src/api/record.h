/* Tasks as the API shows them. */
#ifndef OBSCURA_API_RECORD_H
#define OBSCURA_API_RECORD_H

#include <jansson.h>

#include "api/context.h"

/* The base of the URLs in the answer to rq. */
void record_endpoint(const struct api *api, const struct http_request *rq, char out[ENDPOINT_SIZE]);

/* The answer to an upload. NULL: out of memory (like record_task). The object is the caller's. */
json_t *record_upload(const char *endpoint, const struct task *t);

/* The task's record. `deliveries`: JSON text of the webhook's attempts, may be NULL. */
json_t *record_task(const char *endpoint, const struct task *t, const char *deliveries);

#endif
