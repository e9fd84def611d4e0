/* SPDX-License-Identifier: Apache-2.0 */
/* A client keeps calls back that are over the server's limit of streams: none is refused, and they begin in order. */
#include <stdatomic.h>
#include "stack.h"

#define LIMIT (10 * PROA_SECOND)
enum { AT_ONCE = 2, CALLS = 12 };

static atomic_int running_now, running_most, served, order[CALLS];

static proa_code answer_soon(proa_call *call)
{
    bool *has_begun = proa_call_state(call, sizeof *has_begun);
    if (!*has_begun) {
        *has_begun = true;
        int now = atomic_fetch_add(&running_now, 1) + 1;
        if (now > atomic_load(&running_most))
            atomic_store(&running_most, now);
        proa_bytes number = proa_headers_get(proa_call_request_headers(call), "number");
        atomic_store(&order[atomic_fetch_add(&served, 1)], number.data[0] - 'a');
        return proa_call_sleep_ns(call, 10 * PROA_MILLISECOND);
    }
    atomic_fetch_sub(&running_now, 1);
    return PROA_OK;
}

static void begin(running *r)
{
    proa_server *server = proa_server_new(&(proa_server_options){ .limits = &(proa_limits){ .streams_max = AT_ONCE } });
    proa_server_serve_bytes(server, "/test.Soon/Answer", answer_soon, NULL);
    atomic_store(&running_now, 0);
    atomic_store(&running_most, 0);
    atomic_store(&served, 0);
    running_start(r, server);
}

static proa_call *begin_numbered(proa_channel *channel, int i, int64_t timeout_ns)
{
    char number = (char)('a' + i);
    const proa_header headers[] = { { PROA_STR("number"), { &number, 1 } } };
    return proa_call_begin(channel, "/test.Soon/Answer",
                           &(proa_call_options){ .timeout_ns = timeout_ns, .headers = PROA_LIST(headers) });
}

static void calls_over_the_limit_wait_and_begin_in_order(void **state)
{
    (void)state;
    running r;
    begin(&r);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    proa_call *calls[CALLS];
    for (int i = 0; i < CALLS; i++)
        calls[i] = begin_numbered(channel, i, LIMIT);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(proa_call_status(calls[i]).code, PROA_OK);
        proa_call_end(calls[i]);
    }
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(atomic_load(&order[i]), i);
    assert_int_equal(atomic_load(&running_most), AT_ONCE);
    proa_counters counters;
    proa_server_get_counters(r.server, &counters);
    assert_int_equal(counters.streams_max, 0);
    proa_channel_close(channel);
    running_stop(&r);
}

static void call_that_waits_for_a_stream_ends_at_its_deadline_or_when_cancelled(void **state)
{
    (void)state;
    running r;
    begin(&r);
    proa_channel *channel = proa_channel_open(r.target, NULL);
    assert_int_equal(call_once(channel, "/test.None/None", LIMIT).code, PROA_UNIMPLEMENTED); /* connected now */
    proa_call *calls[CALLS];
    for (int i = 0; i < CALLS; i++)
        calls[i] = begin_numbered(channel, i, i == CALLS - 1 ? 1 * PROA_MILLISECOND : LIMIT);
    proa_call_cancel(calls[CALLS - 2]);
    assert_int_equal(proa_call_status(calls[CALLS - 1]).code, PROA_DEADLINE_EXCEEDED);
    assert_int_equal(proa_call_status(calls[CALLS - 2]).code, PROA_CANCELLED);
    for (int i = 0; i < CALLS; i++) {
        if (i < CALLS - 2)
            assert_int_equal(proa_call_status(calls[i]).code, PROA_OK);
        proa_call_end(calls[i]);
    }
    assert_int_equal(atomic_load(&served), CALLS - 2);
    proa_channel_close(channel);
    running_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_over_the_limit_wait_and_begin_in_order),
        cmocka_unit_test(call_that_waits_for_a_stream_ends_at_its_deadline_or_when_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
