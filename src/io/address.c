/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses to text and back. Targets, which may be names, are target.c. */
#include "io/address.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <uv.h>

_Static_assert(sizeof(struct sockaddr_un) <= sizeof(((io_address *)0)->u.bytes),
               "an io_address holds any socket address");

/* Copies instead of casts: the bytes have no type of their own. */
#define LOAD(address, type, name) \
    type name; \
    memcpy(&name, (address)->u.bytes, sizeof name)

void address_from_sockaddr(io_address *out, const void *sockaddr, size_t size)
{
    memset(out, 0, sizeof *out);
    out->size = (unsigned)(size < sizeof out->u.bytes ? size : sizeof out->u.bytes);
    bytes_copy(out->u.bytes, sockaddr, out->size);
}

static int family_of(const io_address *address)
{
    return address->size < sizeof(sa_family_t) ? AF_UNSPEC : address_sockaddr(address)->sa_family;
}

void address_set_port(io_address *address, int port)
{
    in_port_t be = htons((in_port_t)port);
    size_t offset = family_of(address) == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_port)
                                                   : offsetof(struct sockaddr_in, sin_port);
    memcpy(address->u.bytes + offset, &be, sizeof be);
}

bool io_address_is_loopback(const io_address *address)
{
    switch (family_of(address)) {
    case AF_UNIX: return true;
    case AF_INET: {
        LOAD(address, struct sockaddr_in, in);
        return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    case AF_INET6: {
        LOAD(address, struct sockaddr_in6, in6);
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) && in6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
    }
    default: return address->size >= sizeof(sa_family_t); /* a pipe */
    }
}

void io_pipe_address(io_address *out)
{
    *out = (io_address){ .size = sizeof(sa_family_t) };
}

static const char *write_v4(const void *v4, in_port_t be_port, const char *prefix, char *out, size_t size)
{
    char text[INET_ADDRSTRLEN];
    snprintf(out, size, "%s%s:%u", prefix, inet_ntop(AF_INET, v4, text, sizeof text), ntohs(be_port));
    return out;
}

static void write_v6(const io_address *address, bool is_prefixed, char *out, size_t size)
{
    LOAD(address, struct sockaddr_in6, in6);
    /* What a dual-stack listener accepts is an IPv4 peer to everybody else. */
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        write_v4(&in6.sin6_addr.s6_addr[12], in6.sin6_port, is_prefixed ? "ipv4:" : "", out, size);
        return;
    }
    char text[INET6_ADDRSTRLEN], zone[IF_NAMESIZE + 1] = "";
    if (in6.sin6_scope_id && if_indextoname(in6.sin6_scope_id, zone + 1))
        zone[0] = '%';
    inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
    snprintf(out, size, "%s[%s%s]:%u", is_prefixed ? "ipv6:" : "", text, zone, ntohs(in6.sin6_port));
}

static void write_unix(const io_address *address, char *out, size_t size)
{
    LOAD(address, struct sockaddr_un, un);
    size_t header = offsetof(struct sockaddr_un, sun_path);
    size_t path_size = address->size > header ? address->size - header : 0;
    if (path_size > 0 && un.sun_path[0] == '\0')
        snprintf(out, size, "unix-abstract:%.*s", (int)(path_size - 1), un.sun_path + 1);
    else
        snprintf(out, size, "unix:%.*s", (int)strnlen(un.sun_path, path_size), un.sun_path);
}

static void write_address(const io_address *address, bool is_prefixed, char *out, size_t size)
{
    switch (family_of(address)) {
    case AF_INET: {
        LOAD(address, struct sockaddr_in, in);
        write_v4(&in.sin_addr, in.sin_port, is_prefixed ? "ipv4:" : "", out, size);
        break;
    }
    case AF_INET6: write_v6(address, is_prefixed, out, size); break;
    case AF_UNIX: write_unix(address, out, size); break;
    default: snprintf(out, size, address->size < sizeof(sa_family_t) ? "unknown:" : "inproc:"); break;
    }
}

void io_address_format(const io_address *address, char *out, size_t size)
{
    write_address(address, true, out, size);
}

void io_address_text(const io_address *address, char *out, size_t size)
{
    write_address(address, false, out, size);
}

proa_err address_error(proa_error *error, proa_err code, const io_address *address, int system_error)
{
    char where[160], why[80];
    io_address_text(address, where, sizeof where);
    uv_strerror_r(uv_translate_sys_error(system_error), why, sizeof why);
    return error_set(error, code, "%s: %s", where, why);
}

static bool is_ip(const io_address *address)
{
    return family_of(address) == AF_INET || family_of(address) == AF_INET6;
}

int io_address_port(const io_address *address)
{
    in_port_t be;
    if (!is_ip(address))
        return -1;
    size_t offset = family_of(address) == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_port)
                                                   : offsetof(struct sockaddr_in, sin_port);
    memcpy(&be, address->u.bytes + offset, sizeof be);
    return ntohs(be);
}

void io_address_set_port(io_address *address, int port)
{
    if (is_ip(address))
        address_set_port(address, port);
}

bool io_address_is_equal(const io_address *a, const io_address *b)
{
    return a->size == b->size && memcmp(a->u.bytes, b->u.bytes, a->size) == 0;
}

bool io_address_is_v6(const io_address *address)
{
    if (family_of(address) != AF_INET6)
        return false;
    LOAD(address, struct sockaddr_in6, in6);
    return !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
}
