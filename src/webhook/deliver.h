/* One attempt to deliver one webhook, by libcurl. */
#ifndef OBSCURA_WEBHOOK_DELIVER_H
#define OBSCURA_WEBHOOK_DELIVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "task/store.h"
#include "webhook/sign.h"

struct deliver_options {
    bool allow_private;
    const struct sign_keys *keys; /* NULL: no signature */
    const atomic_bool *stop;      /* an attempt under way is given up */
    int timeout_ms;               /* of the whole attempt, redirects included */
};

enum deliver_outcome {
    DELIVER_SENT,
    DELIVER_RETRY,   /* no answer, or not the one that was hoped for */
    DELIVER_REFUSED, /* another try is no use: the rules forbid the address, or the receiver is gone for good (410) */
    DELIVER_STOPPED,
};

/* `what` gets a line for the record. curl_global_init was called. */
enum deliver_outcome deliver(
    const struct deliver_options *options, const struct task_webhook *webhook, char *what, size_t size);

#endif
