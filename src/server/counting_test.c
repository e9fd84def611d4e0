/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a station: added, followed, summed; and every member of proa_counters has a source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "server/counting.h"

static void counts_of_several_are_summed(void **state)
{
    (void)state;
    counting a = { 0 }, b = { 0 };
    proa_counters sum = { 0 };
    counting_add(&a, calls_begun);
    counting_add(&a, calls_begun);
    counting_add(&b, calls_begun);
    counting_add(&b, write_stall_ns); /* the last */
    counting_read(&a, &sum);
    counting_read(&b, &sum);
    assert_int_equal(sum.calls_begun, 3);
    assert_int_equal(sum.write_stall_ns, 1);
    assert_int_equal(sum.connections_opened + sum.calls_ended + sum.streams_max, 0);
}

/* A connection whose numbers are written by hand; its struct is what rpc lends. */
static rpc_endpoint *endpoint;
static h2_counters *numbers;

static void begin(void)
{
    endpoint = rpc_endpoint_new(&(rpc_options){ .role = H2_SERVER }, 0);
    numbers = (h2_counters *)(uintptr_t)rpc_endpoint_counters(endpoint);
}

static proa_counters read(const counting *c)
{
    proa_counters sum = { 0 };
    counting_read(c, &sum);
    return sum;
}

static void what_grew_is_added_once(void **state)
{
    (void)state;
    counting c = { 0 };
    counting_seen seen = { 0 };
    begin();
    counting_follow(&c, endpoint, &seen);
    numbers->streams_refused = 2;
    counting_follow(&c, endpoint, &seen);
    counting_follow(&c, endpoint, &seen);
    assert_int_equal(read(&c).streams_max, 2);
    numbers->streams_refused = 5;
    numbers->output_stalls = 3;
    numbers->controls_stalled = 1;
    counting_follow(&c, endpoint, &seen);
    numbers->output_stalls = 4;
    counting_follow(&c, endpoint, &seen);
    proa_counters sum = read(&c);
    assert_int_equal(sum.streams_max, 5);
    assert_int_equal(sum.output_bytes_max, 3);
    assert_int_equal(sum.output_control_max, 1);
    rpc_endpoint_free(endpoint);
}

static void every_limit_of_a_connection_has_a_source(void **state)
{
    (void)state;
    counting c = { 0 };
    counting_seen seen = { 0 };
    begin();
    memset(numbers, 1, sizeof *numbers);
    numbers->output_stalls = 3 * numbers->controls_stalled;
    counting_follow(&c, endpoint, &seen);
    proa_counters sum = read(&c);
    for (size_t at = offsetof(proa_counters, faults_stream); at < sizeof sum; at += sizeof(uint64_t)) {
        bool is_elsewhere =
            at == offsetof(proa_counters, connections_max) || at == offsetof(proa_counters, workers_queue_max) ||
            at == offsetof(proa_counters, receive_bytes_max) || at == offsetof(proa_counters, handshakes_failed) ||
            at == offsetof(proa_counters, handshake_ns);
        uint64_t count = *(const uint64_t *)(const void *)((const char *)&sum + at);
        if ((count == 0) != is_elsewhere)
            fail_msg("member %zu: %d", at / sizeof(uint64_t), (int)count);
    }
    rpc_endpoint_free(endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_of_several_are_summed),
        cmocka_unit_test(what_grew_is_added_once),
        cmocka_unit_test(every_limit_of_a_connection_has_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
