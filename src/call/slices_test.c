/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of messages: order, weight, growth, and what becomes of a slice for which there is no memory. */
#include <stdio.h>
#include "call/call_testlib.h"

static proa_slice slice(const char *text)
{
    proa_slice s;
    assert_int_equal(proa_slice_copy(proa_bytes_of(text), &s), PROA_ERR_NONE);
    return s;
}

static void first_in_is_first_out_while_it_grows_and_wraps(void **state)
{
    (void)state;
    slice_queue q = { 0 };
    proa_slice out;
    int in = 0, next = 0;
    char text[8];
    assert_false(slice_queue_pop(&q, &out));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 7; i++) {
            snprintf(text, sizeof text, "%d", in++);
            proa_slice s = slice(text);
            assert_int_equal(slice_queue_push(&q, &s), PROA_ERR_NONE);
            assert_null(s.hold);
        }
        for (int i = 0; i < 5; i++) {
            snprintf(text, sizeof text, "%d", next++);
            assert_true(slice_queue_pop(&q, &out));
            assert_true(proa_bytes_is_equal(out.bytes, proa_bytes_of(text)));
            proa_slice_free(&out);
        }
    }
    assert_int_equal(q.count, 20);
    slice_queue_fini(&q);
    assert_int_equal(q.count + q.bytes, 0);
}

static void a_message_weighs_its_bytes_and_its_envelope(void **state)
{
    (void)state;
    slice_queue q = { 0 };
    proa_slice empty = slice(""), three = slice("abc"), out;
    slice_queue_push(&q, &empty);
    assert_int_equal(q.bytes, RPC_ENVELOPE_SIZE);
    slice_queue_push(&q, &three);
    assert_int_equal(q.bytes, 3 + 2 * RPC_ENVELOPE_SIZE);
    slice_queue_pop(&q, &out);
    proa_slice_free(&out);
    assert_int_equal(q.bytes, 3 + RPC_ENVELOPE_SIZE);
    slice_queue_fini(&q);
}

static void without_memory_the_slice_is_freed_and_the_queue_stays(void **state)
{
    (void)state;
    slice_queue q = { 0 };
    proa_slice out;
    for (int i = 0; i < 8; i++) {
        proa_slice s = slice("x");
        assert_int_equal(slice_queue_push(&q, &s), PROA_ERR_NONE);
    }
    proa_slice s = slice("one too many");
    memory_watch(1);
    assert_int_equal(slice_queue_push(&q, &s), PROA_ERR_NOMEM);
    memory_unwatch();
    assert_null(s.hold);
    assert_int_equal(q.count, 8);
    assert_true(slice_queue_pop(&q, &out));
    proa_slice_free(&out);
    slice_queue_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_is_first_out_while_it_grows_and_wraps),
        cmocka_unit_test(a_message_weighs_its_bytes_and_its_envelope),
        cmocka_unit_test(without_memory_the_slice_is_freed_and_the_queue_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
