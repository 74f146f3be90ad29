/* Telling receivers that a task ended: takes entries from the task store's outbox and posts them, in a process of its
 * own. An entry is tried with growing pauses for a day; a restart changes nothing about that.
 *
 * POST URL, content-type application/json, the client's own header if it gave one, webhook-id (the same in every
 * attempt, for receivers that want each event once) and, where a secret is configured, webhook-timestamp and
 * webhook-signature (https://www.standardwebhooks.com). Any 2xx is delivered. Up to three redirects are followed; the
 * client's header and the signature do not go to another host.
 */
#ifndef OBSCURA_WEBHOOK_WEBHOOK_H
#define OBSCURA_WEBHOOK_WEBHOOK_H

#include "config.h"

/* Runs until control_fd says CONTROL_STOP or ends; see base/control.h. 0 or a negative code; logs. */
int webhook_run(const struct config *config, int control_fd);

#endif
