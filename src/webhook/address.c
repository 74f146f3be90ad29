/* See address.h. The ranges are those of IANA's special-purpose registries (RFC 6890 and successors). */
#include "webhook/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

static bool ipv4_is_public(uint32_t a)
{
    static const struct {
        uint32_t network;
        int bits;
    } special[] = {
        {0x00000000, 8},  /* 0.0.0.0: this host */
        {0x0a000000, 8},  /* 10.0.0.0: private */
        {0x64400000, 10}, /* 100.64.0.0: shared by carriers */
        {0x7f000000, 8},  /* 127.0.0.0: loopback */
        {0xa9fe0000, 16}, /* 169.254.0.0: link-local, cloud metadata */
        {0xac100000, 12}, /* 172.16.0.0: private */
        {0xc0000000, 24}, /* 192.0.0.0: protocol assignments */
        {0xc0000200, 24}, /* 192.0.2.0: documentation */
        {0xc0a80000, 16}, /* 192.168.0.0: private */
        {0xc6120000, 15}, /* 198.18.0.0: benchmarks */
        {0xc6336400, 24}, /* 198.51.100.0: documentation */
        {0xcb007100, 24}, /* 203.0.113.0: documentation */
        {0xe0000000, 3},  /* 224.0.0.0: multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if ((a ^ special[i].network) >> (32 - special[i].bits) == 0)
            return false;
    return true;
}

static bool ipv6_is_public(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, zero[12];
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
        return ipv4_is_public(bytes_be32(a + 12));
    if (memcmp(a, zero, 12) == 0) /* unspecified, loopback, compatible */
        return false;
    if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
        return ipv4_is_public(bytes_be32(a + 2));
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 2) /* Teredo and other protocol assignments */
        return false;
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) /* documentation */
        return false;
    return (a[0] & 0xe0) == 0x20; /* only 2000::/3 is global unicast: leaves out fc00::/7, fe80::/10, ff00::/8 */
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return ipv4_is_public(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return ipv6_is_public(in.sin6_addr.s6_addr);
    }
    return false;
}
