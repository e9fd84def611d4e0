/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of rpc share: a raw HTTP/2 peer that is scripted frame by frame and sees frames as text, a pair of
 * endpoints back to back, and logs of events as text. Bytes travel whole, one by one, or cut at seeded places. */
#ifndef RPC_RPC_TESTLIB_H
#define RPC_RPC_TESTLIB_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/base.h"
#include "rpc/rpc.h"

typedef struct text { char data[16384]; size_t size; } text;
void text_add(text *text, const char *format, ...) PROA_PRINTF(2, 3);
void text_bytes(text *text, proa_bytes bytes);    /* what is not printable as \xx */

/* How bytes are cut: 0 whole, 1 one by one, else a seed. */
size_t cut_next(uint64_t *cut, size_t size);
#define FOR_EACH_CUT(cut) for (uint64_t cut = 0; cut < 6; cut++)

/* ---- One endpoint and what it reported */
enum { SIDE_EXCHANGES = 64 };
typedef struct side {
    rpc_endpoint *endpoint;
    int64_t now;
    text log;                                     /* "CALL HALF_CLOSE …", exchanges are not named */
    rpc_exchange *seen[SIDE_EXCHANGES];           /* server: in order of CALL */
    size_t count;
    size_t messages;                              /* MESSAGE events; the log has one of those in a row */
    bool is_unprocessed, is_unsent;                          /* of the last END */
    bool is_ready;                                /* READY was reported: once */
    h2_fault fault;                               /* of the last GOAWAY or CLOSED */
    void (*on_event)(struct side *side, const rpc_event *event, void *user);   /* what a program does, or NULL */
    void *user;
} side;
void side_begin(side *side, rpc_options options);
void side_end(side *side);
void side_events(side *side);                     /* takes and logs all there are */
void side_is(side *side, const char *log);        /* compares and clears */

/* ---- A scripted peer of one */
typedef struct raw {
    side side;                                    /* the endpoint under test */
    hpack_encoder *encoder;
    hpack_decoder *decoder;
    buffer out, in;                               /* to the endpoint; from it, not yet read */
    text frames;                                  /* what came, without what concerns the connection alone */
    uint64_t cut;
    bool is_verbose;                              /* SETTINGS, WINDOW_UPDATE and PING are wanted as well */
    bool is_greeted;
    proa_bytes body;                              /* the last DATA; borrowed until the next run */
    char last_body[65536];
} raw;
void raw_begin(raw *raw, h2_role role_of_endpoint, rpc_options options, uint64_t cut);
void raw_end(raw *raw);
void raw_abandon(raw *raw, rpc_exchange *exchange);   /* ends it under a running exchange, which is released then */
void raw_frame(raw *raw, uint8_t type, uint8_t flags, uint32_t stream, proa_bytes payload);
/* Pairs "name", "value", then NULL. */
void raw_headers(raw *raw, uint32_t stream, int is_end, ...);
void raw_request(raw *raw, uint32_t stream, int is_end, ...);   /* a good one for /a.B/C, and more pairs */
void raw_reply(raw *raw, uint32_t stream, ...);                  /* ":status 200", the content-type, and more pairs */
void raw_data(raw *raw, uint32_t stream, bool is_end, proa_bytes bytes);
void raw_message(raw *raw, uint32_t stream, bool is_end, proa_bytes body);
void raw_reset(raw *raw, uint32_t stream, h2_code code);
void raw_window(raw *raw, uint32_t stream, uint32_t increment);
void raw_setting(raw *raw, uint16_t id, uint32_t value);
void raw_run(raw *raw);                                          /* feeds, takes events, reads what is emitted */
void raw_is(raw *raw, const char *frames);                       /* run, compare, clear */

rpc_exchange *raw_take(raw *raw, uint32_t stream, bool is_end);  /* server under test: one request up to its CALL */
void raw_finish(raw *raw, rpc_exchange *exchange);               /* its END is there; ends everything */

/* ---- Two of ours */
typedef struct pair { side client, server; uint64_t cut; size_t carried; } pair;
void pair_begin(pair *pair, rpc_options options, uint64_t cut);  /* role is set for each */
void pair_end(pair *pair);
void pair_run(pair *pair);                                       /* until nobody has more to say */
rpc_exchange *pair_call(pair *pair, const char *path, proa_headers headers, int64_t deadline_ns);

bool push_text(rpc_exchange *exchange, const char *body);
bool push_size(rpc_exchange *exchange, size_t size);             /* bytes of a pattern */
void pop_is_text(rpc_exchange *exchange, const char *body);
void finish_with(rpc_exchange *exchange, proa_code code, const char *message);
void status_is(rpc_exchange *exchange, proa_code code, const char *message);   /* message NULL: whatever */
#endif
