/* SPDX-License-Identifier: Apache-2.0 */
/* What the two targets over an endpoint share: bytes are fed as cut by a seed, a program reacts as told by another, and
 * what must hold of events is checked: one END for each exchange and nothing behind it, CLOSED last. */
#ifndef FUZZ_RPC_FUZZLIB_H
#define FUZZ_RPC_FUZZLIB_H
#include <stdlib.h>
#include <string.h>
#include "rpc/rpc.h"

enum { FUZZ_EXCHANGES = 256 };

typedef struct fuzz_side {
    rpc_endpoint *endpoint;
    int64_t now;
    uint64_t random;
    rpc_exchange *open[FUZZ_EXCHANGES];       /* seen or begun, END not yet taken */
    size_t count;
    bool is_closed;
} fuzz_side;

static uint32_t fuzz_random(fuzz_side *side, uint32_t below)
{
    side->random = side->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((side->random >> 33) % below);
}

/* ---- Used by the targets: begin, add what was begun, feed, end */

static void fuzz_begin(fuzz_side *side, h2_role role, uint64_t seed)
{
    *side = (fuzz_side){ .now = PROA_SECOND, .random = seed };
    rpc_options options = {
        .role = role,
        .authority = PROA_STR("host"),
        .receive_bytes_max = seed & 1 ? 0 : 1000,
        .limits = { .stream_window_bytes = seed & 2 ? 0 : 4096 },
    };
    side->endpoint = rpc_endpoint_new(&options, side->now);
    PROA_ASSERT(side->endpoint, "memory");
}

static void fuzz_add(fuzz_side *side, rpc_exchange *exchange)
{
    PROA_ASSERT(side->count < FUZZ_EXCHANGES, "no more calls run than the limit allows");
    side->open[side->count++] = exchange;
}

static size_t find(const fuzz_side *side, const rpc_exchange *exchange)
{
    size_t i = 0;
    while (i < side->count && side->open[i] != exchange)
        i++;
    PROA_ASSERT(i < side->count, "an event names an exchange that has not ended");
    return i;
}

/* Everything that can be asked at any time is asked. */
static void ask(rpc_exchange *exchange)
{
    proa_arena *arena = proa_arena_new(0);
    (void)rpc_exchange_request_headers(exchange, arena);
    (void)rpc_exchange_reply_headers(exchange, arena);
    (void)rpc_exchange_trailers(exchange, arena);
    if (rpc_exchange_has_ended(exchange)) {
        proa_status status = rpc_exchange_status(exchange, arena);
        PROA_ASSERT(status.code >= PROA_OK && status.code <= PROA_UNAUTHENTICATED, "a status is one of the seventeen");
    }
    proa_arena_free(arena);
}

static void pop_all(rpc_exchange *exchange)
{
    proa_slice slice;
    while (rpc_exchange_has_message(exchange)) {
        bool popped = rpc_exchange_pop(exchange, &slice);
        PROA_ASSERT(popped, "a message that is there can be popped");
        for (size_t i = 0; i < slice.bytes.size + HOLD_SLOP; i += 16)
            (void)*(volatile const char *)(slice.bytes.data + i);
        proa_slice_free(&slice);
    }
}

static void push(fuzz_side *side, rpc_exchange *exchange)
{
    size_t size = fuzz_random(side, 4) ? fuzz_random(side, 40) : fuzz_random(side, 20000);
    char *body = calloc(1, RPC_ENVELOPE_SIZE + size);
    PROA_ASSERT(body, "memory");
    rpc_exchange_push(exchange, body + RPC_ENVELOPE_SIZE, size);
    free(body);
}

/* What a program may do, whatever the state. */
static void react(fuzz_side *side, rpc_exchange *exchange, bool is_server)
{
    static const proa_header custom[] = { { PROA_STR_INIT("x"), PROA_STR_INIT("1") },
                                          { PROA_STR_INIT("y-bin"), PROA_STR_INIT("\xff") } };
    proa_headers headers = { custom, fuzz_random(side, 3) };
    proa_status status = { .code = (proa_code)fuzz_random(side, 17), .message = PROA_STR("why %") };
    switch (fuzz_random(side, 8)) {
    case 0: pop_all(exchange); break;
    case 1: push(side, exchange); break;
    case 2:
        if (is_server)
            (void)rpc_exchange_send_headers(exchange, headers);
        else
            rpc_exchange_end_requests(exchange);
        break;
    case 3:
        if (is_server)
            PROA_ASSERT(!rpc_exchange_finish(exchange, &status, headers), "memory");
        break;
    case 4:
        if (fuzz_random(side, 4) == 0)
            rpc_exchange_cancel(exchange, status.code, "enough");
        break;
    case 5: ask(exchange); break;
    default: break;
    }
}

static void take_events(fuzz_side *side)
{
    rpc_event event;
    while (rpc_endpoint_next_event(side->endpoint, &event)) {
        PROA_ASSERT(!side->is_closed, "CLOSED is the last event");
        if (event.type == RPC_EVENT_CALL)
            fuzz_add(side, event.exchange);
        bool is_server = event.exchange && rpc_exchange_path(event.exchange).data;
        if (event.exchange) {
            size_t i = find(side, event.exchange);
            if (event.type == RPC_EVENT_END)
                side->open[i] = side->open[--side->count];
        }
        if (event.type == RPC_EVENT_MESSAGE)
            PROA_ASSERT(rpc_exchange_has_message(event.exchange), "MESSAGE says that there is one");
        if (event.type == RPC_EVENT_CLOSED) {
            PROA_ASSERT(side->count == 0 && rpc_endpoint_exchanges(side->endpoint) == 0, "CLOSED comes after every END");
            side->is_closed = true;
        }
        if (event.type == RPC_EVENT_END) {
            ask(event.exchange);
            if (fuzz_random(side, 2))
                pop_all(event.exchange);
            rpc_exchange_release(event.exchange);
        } else if (event.exchange) {
            react(side, event.exchange, is_server);
        }
    }
    PROA_ASSERT(side->count == rpc_endpoint_exchanges(side->endpoint), "what runs is what did not end");
}

static void take_output(fuzz_side *side)
{
    h2_output out;
    for (int i = 0; i < 64 && rpc_endpoint_emit(side->endpoint, &out, side->now); i++) {
        size_t size = fuzz_random(side, 4) ? out.size : 1 + fuzz_random(side, (uint32_t)out.size);
        rpc_endpoint_sent(side->endpoint, size);
        take_events(side);
    }
}

/* In pieces, with events, reactions and output between them. */
static void fuzz_feed(fuzz_side *side, proa_bytes bytes)
{
    while (bytes.size) {
        size_t size = fuzz_random(side, 3) ? 1 + fuzz_random(side, 4000) : 1 + fuzz_random(side, 4);
        size = size < bytes.size ? size : bytes.size;
        char *copy = malloc(size);
        PROA_ASSERT(copy, "memory");
        memcpy(copy, bytes.data, size);
        rpc_endpoint_feed(side->endpoint, (proa_bytes){ copy, size }, side->now);
        take_events(side);
        free(copy);
        bytes.data += size;
        bytes.size -= size;
        if (side->count)
            react(side, side->open[fuzz_random(side, (uint32_t)side->count)],
                  rpc_exchange_path(side->open[0]).data != NULL);
        if (fuzz_random(side, 8) == 0) {
            side->now += fuzz_random(side, 50) * PROA_MILLISECOND;
            rpc_endpoint_tick(side->endpoint, side->now);
        }
        take_events(side);
        take_output(side);
    }
}

/* The transport goes: whatever is open must end now. */
static void fuzz_end(fuzz_side *side)
{
    switch (fuzz_random(side, 4)) {
    case 0: rpc_endpoint_stop(side->endpoint); break;
    case 1: rpc_endpoint_drain(side->endpoint); break;
    default: break;
    }
    take_events(side);
    take_output(side);
    if (fuzz_random(side, 8)) {
        rpc_endpoint_lost(side->endpoint, "gone");
        take_events(side);
        PROA_ASSERT(side->is_closed && side->count == 0, "a lost connection ends everything");
    }
    rpc_endpoint_free(side->endpoint);
    for (size_t i = 0; i < side->count; i++) {
        ask(side->open[i]);
        rpc_exchange_release(side->open[i]);
    }
}
#endif
