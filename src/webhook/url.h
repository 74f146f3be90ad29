/* What can be said of a webhook's URL before anything is sent. */
#ifndef OBSCURA_WEBHOOK_URL_H
#define OBSCURA_WEBHOOK_URL_H

#include <stdbool.h>

#include "base/error.h"

/* -EINVAL where no attempt could ever deliver to it: it cannot be parsed, its port is impossible, or its host is
 * literally an address that is not public (and allow_private is not set). A name is not looked up: where it leads is
 * checked when it is connected to. */
int webhook_url_check(const char *url, bool allow_private, struct error *err);

#endif
