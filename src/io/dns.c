/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups of names by c-ares, on the loop's own descriptors and timers. c-ares may answer inside the question (hosts
 * files) and cannot drop one question alone: so answers always go through a task, and a cancelled lookup lives on
 * without its owner until c-ares lets go of it. */
#define CARES_NO_DEPRECATED
#include "io/dns.h"
#include "io/address.h"
#include "io/loop.h"
#include <ares.h>
#include <netinet/in.h>
#include <sys/time.h>

typedef struct dns {
    io_loop *loop;
    ares_channel channel;
    io_timer timer;
    list watches;
} dns;

/* A descriptor of c-ares. */
typedef struct dns_watch {
    uv_poll_t poll;
    list_node node;
    dns *dns;
    int fd;
} dns_watch;

struct io_lookup {
    io_task task;
    void (*on_done)(void *owner, const io_addresses *addresses, const proa_error *error); /* NULL: cancelled */
    void *owner;
    io_loop *loop;
    bool is_asking; /* c-ares holds it */
    int port;
    io_addresses addresses;
    proa_error error;
    char host[sizeof((io_target *)0)->host];
};

/* ---- c-ares and the loop */

/* c-ares counts its timeouts from now on each time that it is used. */
static void update_timer(dns *dns)
{
    struct timeval room;
    const struct timeval *next = ares_timeout(dns->channel, NULL, &room);
    if (!next) {
        io_timer_stop(dns->loop, &dns->timer);
        return;
    }
    int64_t ns = (int64_t)next->tv_sec * PROA_SECOND + (int64_t)next->tv_usec * 1000;
    io_timer_start(dns->loop, &dns->timer, io_loop_now(dns->loop) + ns);
}

static void on_timer(io_timer *timer)
{
    dns *dns = CONTAINER_OF(timer, struct dns, timer);
    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    update_timer(dns);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    dns_watch *watch = poll->data;
    dns *dns = watch->dns;
    loop_note_event(dns->loop);
    if (status < 0) /* let it find out by itself */
        events = UV_READABLE | UV_WRITABLE;
    ares_process_fd(dns->channel, events & UV_READABLE ? watch->fd : ARES_SOCKET_BAD,
                    events & UV_WRITABLE ? watch->fd : ARES_SOCKET_BAD);
    update_timer(dns);
}

static void on_watch_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static dns_watch *find_watch(dns *dns, int fd)
{
    for (list_node *node = list_first(&dns->watches); node; node = list_next(&dns->watches, node)) {
        dns_watch *watch = CONTAINER_OF(node, dns_watch, node);
        if (watch->fd == fd)
            return watch;
    }
    return NULL;
}

/* NULL: the query times out, which is the answer then. */
static dns_watch *new_watch(dns *dns, int fd)
{
    dns_watch *watch = memory_new(sizeof *watch);
    if (!watch)
        return NULL;
    if (uv_poll_init(&dns->loop->uv, &watch->poll, fd)) {
        memory_free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->dns = dns;
    watch->fd = fd;
    list_push(&dns->watches, &watch->node);
    return watch;
}

static void on_socket_state(void *data, ares_socket_t fd, int is_readable, int is_writable)
{
    dns *dns = data;
    dns_watch *watch = find_watch(dns, fd);
    dns->loop->is_changed = true;
    if (!is_readable && !is_writable) {
        if (watch) {
            list_remove(&watch->node);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return;
    }
    if (!watch)
        watch = new_watch(dns, fd);
    if (watch)
        uv_poll_start(&watch->poll, (is_readable ? UV_READABLE : 0) | (is_writable ? UV_WRITABLE : 0), on_poll);
}

static dns *dns_new(io_loop *loop)
{
    dns *made = memory_new(sizeof *made);
    if (!made)
        return NULL;
    made->loop = loop;
    made->timer.fire = on_timer;
    list_init(&made->watches);
    struct ares_options options = { .sock_state_cb = on_socket_state, .sock_state_cb_data = made };
    if (ares_init_options(&made->channel, &options, ARES_OPT_SOCK_STATE_CB)) {
        memory_free(made);
        return NULL;
    }
    return made;
}

proa_err io_lookup_servers(io_loop *loop, const char *servers)
{
    if (!loop->dns)
        loop->dns = dns_new(loop);
    if (!loop->dns)
        return PROA_ERR_NOMEM;
    return ares_set_servers_ports_csv(loop->dns->channel, servers) ? PROA_ERR_ADDRESS : PROA_ERR_NONE;
}

void dns_free(struct dns *dns)
{
    if (!dns)
        return;
    ares_destroy(dns->channel);
    io_timer_stop(dns->loop, &dns->timer);
    memory_free(dns);
}

/* ---- Lookups */

static void on_task(io_task *task)
{
    io_lookup *lookup = CONTAINER_OF(task, io_lookup, task);
    lookup->on_done(lookup->owner, &lookup->addresses, &lookup->error);
    memory_free(lookup);
}

static void add_node(io_lookup *lookup, const struct ares_addrinfo_node *node)
{
    io_addresses *all = &lookup->addresses;
    if (all->count == IO_ADDRESSES_MAX || (node->ai_family != AF_INET && node->ai_family != AF_INET6))
        return;
    io_address *address = &all->items[all->count++];
    address_from_sockaddr(address, node->ai_addr, (size_t)node->ai_addrlen);
    address_set_port(address, lookup->port);
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    io_lookup *lookup = data;
    (void)timeouts;
    lookup->is_asking = false;
    if (lookup->on_done) {
        for (const struct ares_addrinfo_node *node = result ? result->nodes : NULL; node; node = node->ai_next)
            add_node(lookup, node);
        if (status != ARES_SUCCESS)
            error_set(&lookup->error, status == ARES_ENOMEM ? PROA_ERR_NOMEM : PROA_ERR_ADDRESS,
                      "looking up \"%s\": %s", lookup->host, ares_strerror(status));
        else if (lookup->addresses.count == 0)
            error_set(&lookup->error, PROA_ERR_ADDRESS, "looking up \"%s\": no address", lookup->host);
        io_loop_defer(lookup->loop, &lookup->task, IO_DISPATCH);
    } else {
        memory_free(lookup);
    }
    if (result)
        ares_freeaddrinfo(result);
}

static void ask(io_lookup *lookup)
{
    io_loop *loop = lookup->loop;
    if (!loop->dns)
        loop->dns = dns_new(loop);
    if (!loop->dns) {
        error_set(&lookup->error, PROA_ERR_NOMEM, "looking up \"%s\": out of memory", lookup->host);
        io_loop_defer(loop, &lookup->task, IO_DISPATCH);
        return;
    }
    const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    lookup->is_asking = true;
    ares_getaddrinfo(loop->dns->channel, lookup->host, NULL, &hints, on_answer, lookup);
    update_timer(loop->dns);
}

io_lookup *io_lookup_start(io_loop *loop, const io_target *target,
                           void (*on_done)(void *owner, const io_addresses *addresses, const proa_error *error),
                           void *owner)
{
    io_lookup *lookup = memory_new(sizeof *lookup);
    if (!lookup)
        return NULL;
    lookup->task.run = on_task;
    lookup->on_done = on_done;
    lookup->owner = owner;
    lookup->loop = loop;
    lookup->port = target->port;
    memcpy(lookup->host, target->host, sizeof lookup->host);
    if (target->addresses.count) {
        lookup->addresses = target->addresses;
        io_loop_defer(loop, &lookup->task, IO_DISPATCH);
    } else {
        ask(lookup);
    }
    return lookup;
}

void io_lookup_cancel(io_lookup *lookup)
{
    if (!lookup)
        return;
    io_task_cancel(&lookup->task);
    lookup->on_done = NULL;
    if (!lookup->is_asking)
        memory_free(lookup);
}
