/* SPDX-License-Identifier: Apache-2.0 */
/* What a user writes for a place to listen on or to connect to. Says what is wrong with it, never guesses a name.
 *
 *     host[:port]  1.2.3.4[:port]  [v6][:port]  unix:path  unix-abstract:name
 *     dns:[///]host[:port]  ipv4:a[:port],…  ipv6:[a][:port],…                    (gRPC doc/naming.md) */
#include "io/address.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

typedef struct reader {
    const char *text; /* the whole, for messages */
    int port_default;
    io_target *out;
    proa_error *error;
} reader;

#define FAIL(r, ...) error_set((r)->error, PROA_ERR_ADDRESS, __VA_ARGS__)

/* "80" of size bytes, or a number over 65535, or nothing: -1. */
static int port_of(const char *text, size_t size)
{
    int port = 0;
    if (size == 0 || size > 5)
        return -1;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        port = port * 10 + (text[i] - '0');
    }
    return port <= 65535 ? port : -1;
}

static proa_err read_port(reader *r, const char *text, size_t size, int *port)
{
    *port = port_of(text, size);
    if (*port < 0)
        return FAIL(r, "\"%s\": the port \"%.*s\" is not a number from 0 to 65535", r->text, (int)size, text);
    return PROA_ERR_NONE;
}

static proa_err add_address(reader *r, const void *sockaddr, size_t size)
{
    io_addresses *all = &r->out->addresses;
    if (all->count == IO_ADDRESSES_MAX)
        return FAIL(r, "\"%s\": more than %d addresses", r->text, IO_ADDRESSES_MAX);
    address_from_sockaddr(&all->items[all->count++], sockaddr, size);
    return PROA_ERR_NONE;
}

static bool parse_v4(const char *host, int port, struct sockaddr_in *out)
{
    *out = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((in_port_t)port) };
    return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

/* With or without a zone: "fe80::1%eth0". */
static bool parse_v6(const char *host, int port, struct sockaddr_in6 *out)
{
    char address[INET6_ADDRSTRLEN];
    *out = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port) };
    size_t size = strcspn(host, "%");
    if (size >= sizeof address)
        return false;
    memcpy(address, host, size);
    address[size] = '\0';
    if (host[size] == '%') {
        out->sin6_scope_id = if_nametoindex(host + size + 1);
        if (out->sin6_scope_id == 0)
            return false;
    }
    return inet_pton(AF_INET6, address, &out->sin6_addr) == 1;
}

/* A name as DNS and hosts files have them; underscores occur in container networks. */
static proa_err check_name(reader *r, const char *name)
{
    if (strlen(name) > 253)
        return FAIL(r, "\"%s\": a host name has at most 253 characters", r->text);
    bool is_digits_only = true;
    for (const char *p = name; *p; p++) {
        char c = *p;
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        bool is_digit = (c >= '0' && c <= '9') || c == '.';
        if (!is_letter && !is_digit) {
            char shown[16];
            return FAIL(r, "\"%s\": %s does not belong in a host name", r->text,
                        trace_escape((proa_bytes){ &c, 1 }, shown, sizeof shown));
        }
        if (c == '.' && (p == name || p[1] == '.'))
            return FAIL(r, "\"%s\": an empty label in the host name", r->text);
        is_digits_only = is_digits_only && is_digit;
    }
    if (is_digits_only)
        return FAIL(r, "\"%s\": neither an IPv4 address nor a host name", r->text);
    return PROA_ERR_NONE;
}

static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    for (size_t i = 0; i < sizeof name - 1; i++)
        if ((host[i] | 0x20) != name[i])
            return false;
    const char *rest = host + sizeof name - 1;
    return rest[0] == '\0' || (rest[0] == '.' && rest[1] == '\0');
}

/* RFC 6761 6.3: localhost is the loopback, whatever a resolver says. */
static proa_err add_localhost(reader *r, int port)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port) };
    v6.sin6_addr = in6addr_loopback;
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((in_port_t)port) };
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    proa_err err = add_address(r, &v6, sizeof v6);
    return err ? err : add_address(r, &v4, sizeof v4);
}

/* Splits "host:port", "[v6]:port", "v6", "host". *port is -1 where there is none. */
static proa_err split(reader *r, const char *text, size_t size, char *host, size_t host_size, int *port)
{
    const char *end = text + size, *host_end = end;
    const char *colon = memchr(text, ':', size);
    *port = -1;
    if (size && text[0] == '[') {
        host_end = memchr(text, ']', size);
        if (!host_end)
            return FAIL(r, "\"%s\": a ] is missing", r->text);
        text++;
        colon = host_end + 1 < end ? host_end + 1 : NULL;
        if (colon && *colon != ':')
            return FAIL(r, "\"%s\": after ] comes :port", r->text);
    } else if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1))) {
        colon = NULL; /* two colons: a bare IPv6 address, which has no port */
    } else if (colon) {
        host_end = colon;
    }
    if (colon) {
        proa_err err = read_port(r, colon + 1, (size_t)(end - colon - 1), port);
        if (err)
            return err;
    }
    size_t length = (size_t)(host_end - text);
    if (length == 0)
        return FAIL(r, "\"%s\": the host is missing", r->text);
    if (length >= host_size)
        return FAIL(r, "\"%.64s...\": a host name has at most 253 characters", r->text);
    memcpy(host, text, length);
    host[length] = '\0';
    return PROA_ERR_NONE;
}

static proa_err read_host(reader *r, const char *text, size_t size, int family)
{
    char host[sizeof r->out->host];
    int port;
    proa_err err = split(r, text, size, host, sizeof host, &port);
    if (err)
        return err;
    port = port < 0 ? r->port_default : port;
    if (port < 0)
        return FAIL(r, "\"%s\": the port is missing", r->text);
    if (r->out->addresses.count == 0) {
        memcpy(r->out->host, host, sizeof host);
        r->out->port = port;
    }
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    bool is_v6 = text[0] == '[' || strchr(host, ':') != NULL;
    if (family != AF_INET6 && !is_v6 && parse_v4(host, port, &v4)) {
        r->out->is_numeric = true;
        return add_address(r, &v4, sizeof v4);
    }
    if (family != AF_INET && is_v6 && parse_v6(host, port, &v6)) {
        r->out->is_numeric = true;
        return add_address(r, &v6, sizeof v6);
    }
    if (is_v6 || family != AF_UNSPEC)
        return FAIL(r, "\"%s\": \"%s\" is not an %s address", r->text, host, family == AF_INET ? "IPv4" : "IPv6");
    return is_localhost(host) ? add_localhost(r, port) : check_name(r, host);
}

/* "a:1,b:2" */
static proa_err read_list(reader *r, const char *text, int family)
{
    for (;;) {
        size_t size = strcspn(text, ",");
        proa_err err = read_host(r, text, size, family);
        if (err || text[size] == '\0')
            return err;
        text += size + 1;
    }
}

static proa_err read_unix(reader *r, const char *path, bool is_abstract)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t size = strlen(path);
    if (size == 0)
        return FAIL(r, "\"%s\": the %s is missing", r->text, is_abstract ? "name" : "path");
    if (size >= sizeof un.sun_path)
        return FAIL(r, "\"%.64s...\": longer than the %zu bytes of a Unix socket's %s", r->text, sizeof un.sun_path - 1,
                    is_abstract ? "name" : "path");
    memcpy(un.sun_path + is_abstract, path, size);
    memcpy(r->out->host, path, size + 1);
    r->out->is_unix = true;
    /* An abstract name has no NUL; a path has. */
    return add_address(r, &un, offsetof(struct sockaddr_un, sun_path) + size + 1);
}

static const char *after(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

static proa_err read_dns(reader *r, const char *rest)
{
    const char *host = after(rest, "///");
    if (!host && after(rest, "//"))
        return FAIL(r, "\"%s\": a DNS server of its own is not supported; write dns:///host:port", r->text);
    host = host ? host : rest;
    return read_host(r, host, strlen(host), AF_UNSPEC);
}

static proa_err read_target(reader *r)
{
    const char *text = r->text, *rest;
    if ((rest = after(text, "unix-abstract:")))
        return read_unix(r, rest, true);
    if ((rest = after(text, "unix:"))) {
        /* "unix:///absolute": an empty authority and an absolute path. */
        if (after(rest, "//") && rest[2] != '/')
            return FAIL(r, "\"%s\": write unix:path or unix:///absolute/path", r->text);
        return read_unix(r, after(rest, "//") ? rest + 2 : rest, false);
    }
    if ((rest = after(text, "dns:")) && port_of(rest, strlen(rest)) < 0)
        return read_dns(r, rest);
    if ((rest = after(text, "ipv4:")) && port_of(rest, strlen(rest)) < 0)
        return read_list(r, rest, AF_INET);
    if ((rest = after(text, "ipv6:")) && port_of(rest, strlen(rest)) < 0)
        return read_list(r, rest, AF_INET6);
    rest = strstr(text, "://");
    if (rest)
        return FAIL(r, "\"%s\": \"%.*s\" is not a known scheme; write host:port", r->text, (int)(rest - text), text);
    return read_host(r, text, strlen(text), AF_UNSPEC);
}

proa_err io_target_parse(const char *text, int port_default, io_target *out, proa_error *error)
{
    io_target target;
    memset(&target, 0, sizeof target);
    if (!text || !*text)
        return error_set(error, PROA_ERR_ADDRESS, "the address is empty");
    reader r = { text, port_default, &target, error };
    proa_err err = read_target(&r);
    if (err)
        return err;
    *out = target;
    return PROA_ERR_NONE;
}
