/* SPDX-License-Identifier: Apache-2.0 */
/* An old program meets a new library, and the other way round: frozen layouts, and structs of other sizes than ours. */
#include <string.h>
#include "expect.h"
#include "proa/gen.h"

/* ---- Frozen: docs/decisions/0004-growth-abi.md. */

#define SIZE_IS(type, size) _Static_assert(sizeof(type) == (size), #type " is frozen")
#define STANDS_AT(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member " has a place")

#if UINTPTR_MAX == UINT64_MAX
SIZE_IS(proa_bytes, 16);
SIZE_IS(proa_opt_bool, 2);
SIZE_IS(proa_opt_i32, 8);
SIZE_IS(proa_opt_i64, 16);
SIZE_IS(proa_opt_double, 16);
SIZE_IS(proa_list_bytes, 16);
SIZE_IS(proa_error, 256);
SIZE_IS(proa_status, 40);
STANDS_AT(proa_status, message, 8);
STANDS_AT(proa_status, details, 24);
SIZE_IS(proa_header, 32);
SIZE_IS(proa_headers, 16);
SIZE_IS(proa_later, 16);
SIZE_IS(proa_slice, 32);
SIZE_IS(proa_trace, 24);
SIZE_IS(proa_limits, 248);

/* Options: what was there at first keeps its place. */
STANDS_AT(proa_call_options, parent, 0);
STANDS_AT(proa_call_options, timeout_ns, 8);
STANDS_AT(proa_call_options, headers, 16);
STANDS_AT(proa_call_options, on_ready, 32);
STANDS_AT(proa_call_options, on_done, 40);
STANDS_AT(proa_call_options, user, 48);
STANDS_AT(proa_call_options, wait_for_ready, 56);
STANDS_AT(proa_channel_options, queue_bytes_max, 40);
STANDS_AT(proa_channel_options, limits, 48);
STANDS_AT(proa_channel_options, connect_ns, 72);
STANDS_AT(proa_server_options, grace_ns, 16);
STANDS_AT(proa_server_options, user, 48);
STANDS_AT(proa_server_options, limits, 56);
STANDS_AT(proa_server_options, workers_queue_max, 76);
STANDS_AT(proa_listen_options, unix_mode, 8);
STANDS_AT(proa_serve_options, queue_bytes_max, 16);
STANDS_AT(proa_tls_options, require_client_cert, 80);
STANDS_AT(proa_loop_options, trace, 8);
#endif

/* ---- What an old program passes ends before members that are wild; what a new one passes goes on behind ours. */

static proa_code answer(proa_call *call)
{
    return proa_call_fail(call, PROA_ALREADY_EXISTS, "%d", *(int *)proa_call_user(call));
}

static void run(size_t server_size, size_t channel_size, size_t call_size)
{
    static int number = 7;
    struct {
        proa_server_options options;
        char unknown[64];
    } server_options;
    struct {
        proa_channel_options options;
        char unknown[64];
    } channel_options;
    struct {
        proa_call_options options;
        char unknown[64];
    } call_options;
    memset(&server_options, 0x5a, sizeof server_options);
    memset(&channel_options, 0x5a, sizeof channel_options);
    memset(&call_options, 0x5a, sizeof call_options);
    memset(&server_options, 0, server_size < sizeof(proa_server_options) ? server_size : sizeof(proa_server_options));
    memset(&channel_options, 0,
           channel_size < sizeof(proa_channel_options) ? channel_size : sizeof(proa_channel_options));
    memset(&call_options, 0, call_size < sizeof(proa_call_options) ? call_size : sizeof(proa_call_options));

    proa_loop *loop = proa_loop_new(NULL);
    EXPECT(loop);
    server_options.options.loop = loop;
    proa_server *server = proa_server_new_(&server_options.options, server_size);
    proa_serve_options serve_options = { .user = &number };
    EXPECT(proa_server_serve_bytes_(server, NULL, answer, &serve_options, sizeof(void *)) == PROA_ERR_NONE);
    EXPECT(proa_server_listen_(server, "127.0.0.1:0", NULL, 0) == PROA_ERR_NONE);

    channel_options.options.loop = loop;
    proa_channel *channel = proa_channel_open_(proa_server_address(server, 0), &channel_options.options, channel_size);
    proa_call *call = proa_call_begin_(channel, "/a.B/C", &call_options.options, call_size);
    while (!proa_call_is_at_end(call))
        proa_loop_turn(loop);
    proa_status status = proa_call_status(call);
    EXPECT(status.code == PROA_ALREADY_EXISTS && proa_bytes_is_equal(status.message, PROA_STR("7")));
    proa_call_end(call);

    proa_counters counters;
    memset(&counters, 0x5a, sizeof counters);
    proa_server_get_counters_(server, &counters, offsetof(proa_counters, calls_ended));
    uint64_t untouched;
    memset(&untouched, 0x5a, sizeof untouched);
    EXPECT(counters.connections_opened == 1 && counters.calls_begun == 1 && counters.calls_ended == untouched);

    proa_channel_close(channel);
    proa_server_free(server);
    proa_loop_free(loop);
}

int main(void)
{
    run(sizeof(proa_server_options), sizeof(proa_channel_options), sizeof(proa_call_options));
    run(offsetof(proa_server_options, grace_ns), offsetof(proa_channel_options, tls),
        offsetof(proa_call_options, timeout_ns));
    run(sizeof(proa_server_options) + 64, sizeof(proa_channel_options) + 64, sizeof(proa_call_options) + 64);
    run(offsetof(proa_server_options, limits), offsetof(proa_channel_options, limits),
        offsetof(proa_call_options, on_ready));
    return 0;
}
