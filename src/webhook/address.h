/* Where a webhook may connect to. */
#ifndef OBSCURA_WEBHOOK_ADDRESS_H
#define OBSCURA_WEBHOOK_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for loopback, link-local, private, shared, multicast, reserved and unspecified addresses, also where an IPv6
 * address carries such an IPv4 one; and for anything but IPv4 and IPv6. */
bool address_is_public(const struct sockaddr *address);

#endif
