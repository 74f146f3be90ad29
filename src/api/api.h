/* The front: the process that speaks HTTP. It stores uploads, queues tasks, waits for them on behalf of synchronous
 * clients and serves what came out.
 *
 * The supervisor opens the listening socket before it forks, so that a front that dies is replaced without losing the
 * port or the waiting connections.
 */
#ifndef OBSCURA_API_API_H
#define OBSCURA_API_API_H

#include "base/error.h"
#include "config.h"
#include "task/wakeup.h"

/* Opens the socket for config->host and config->port (0: any free one). -EADDRINUSE, -EACCES, ... with one line for the
 * operator. */
int api_listen(const struct config *config, int *ret_fd, struct error *err);

/* Runs the front until it is told to stop (base/control.h): CONTROL_DRAIN fails readiness and refuses uploads,
 * CONTROL_STOP answers whoever still waits, CONTROL_RETIRE the requests that are there; call it in a process of its
 * own. Borrows everything; listen_fd stays open. Ignores SIGINT, SIGTERM and SIGPIPE: a terminal or a service manager
 * signals the whole group, and the supervisor decides about the order. Logs "listening on http://HOST:PORT". */
int api_front_run(
    const struct config *config, const struct wakeup *wakeup, int listen_fd, int control_fd, struct error *err);

#endif
