/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of copied bytes and slices against a plain buffer that holds the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/base.h"
#include "h2/queue.h"

static uint64_t random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fill(char *to, size_t size, unsigned *counter)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (char)(*counter)++;
}

static void push_random(queue *q, buffer *same, uint64_t *state, unsigned *counter)
{
    size_t size = random_of(state) % 4 ? random_of(state) % 50 : random_of(state) % 9000;
    hold *h = hold_new(size + 1);
    fill(hold_data(h), size, counter);
    proa_bytes bytes = { hold_data(h), size };
    assert_int_equal(buffer_append(same, bytes.data, size), 0);
    if (random_of(state) % 2) {
        assert_int_equal(queue_push_slice(q, bytes, h), 0);
    } else {
        assert_int_equal(queue_push(q, bytes), 0);
        hold_release(h);
    }
}

static void expect_same(const queue *q, const buffer *same, size_t max)
{
    proa_bytes parts[64];
    size_t size, at = 0;
    size_t count = queue_parts(q, parts, max, &size);
    assert_int_equal(q->size, buffer_size(same));
    for (size_t i = 0; i < count; i++) {
        assert_true(parts[i].size > 0);
        assert_memory_equal(parts[i].data, buffer_bytes(same).data + at, parts[i].size);
        at += parts[i].size;
    }
    assert_int_equal(at, size);
    assert_true(size == q->size || count == max);
}

static void a_queue_gives_back_what_it_got(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        queue q = { 0 };
        buffer same = { 0 };
        uint64_t random = seed;
        unsigned counter = 0;
        for (int i = 0; i < 300; i++) {
            push_random(&q, &same, &random, &counter);
            expect_same(&q, &same, 1 + random_of(&random) % 64);
            size_t drop = random_of(&random) % 3 ? random_of(&random) % 100 : random_of(&random) % 20000;
            drop = drop < q.size ? drop : q.size;
            queue_drop(&q, drop);
            buffer_consume(&same, drop);
            expect_same(&q, &same, 64);
        }
        queue_fini(&q);
        buffer_fini(&same);
    }
}

static void moving_keeps_the_order_and_copies_only_what_is_short(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        queue from = { 0 }, to = { 0 };
        buffer same = { 0 }, rest = { 0 };
        uint64_t random = seed;
        unsigned counter = 0;
        for (int i = 0; i < 100; i++) {
            push_random(&from, &rest, &random, &counter);
            size_t size = random_of(&random) % 6000;
            size = size < from.size ? size : from.size;
            assert_int_equal(queue_move(&from, &to, size), 0);
            buffer_append(&same, buffer_bytes(&rest).data, size);
            buffer_consume(&rest, size);
            expect_same(&from, &rest, 64);
            expect_same(&to, &same, 64);
        }
        queue_fini(&from);
        queue_fini(&to);
        buffer_fini(&same);
        buffer_fini(&rest);
    }
}

static void a_long_slice_is_moved_in_place(void **state)
{
    (void)state;
    queue from = { 0 }, to = { 0 };
    hold *h = hold_new(10000);
    assert_int_equal(queue_push_slice(&from, (proa_bytes){ hold_data(h), 10000 }, h), 0);
    assert_int_equal(queue_move(&from, &to, 6000), 0);
    proa_bytes part;
    size_t size;
    assert_int_equal(queue_parts(&to, &part, 1, &size), 1);
    assert_ptr_equal(part.data, hold_data(h));
    queue_fini(&from); /* what was moved lives on */
    assert_int_equal(part.data[5999], hold_data(h)[5999]);
    queue_fini(&to);
}

static void an_empty_queue_gives_its_memory_back(void **state)
{
    (void)state;
    queue q = { 0 };
    hold *h = hold_new(100);
    assert_int_equal(queue_push(&q, PROA_STR("abc")), 0);
    assert_int_equal(queue_push_slice(&q, (proa_bytes){ hold_data(h), 100 }, h), 0);
    queue_trim(&q, 0);
    assert_int_equal(q.size, 103);
    queue_drop(&q, 103);
    queue_trim(&q, 0);
    assert_null(q.bytes.data);
    assert_null(q.slices);
}

static void no_memory_leaves_the_reference_with_its_owner(void **state)
{
    (void)state;
    queue q = { 0 };
    hold *h = hold_new(100);
    memory_watch(1);
    assert_int_equal(queue_push_slice(&q, (proa_bytes){ hold_data(h), 100 }, h), PROA_ERR_NOMEM);
    memory_watch(1);
    assert_int_equal(queue_push(&q, PROA_STR("abc")), PROA_ERR_NOMEM);
    memory_watch(1);
    assert_null(queue_reserve(&q, 10));
    memory_unwatch();
    hold_release(h);
    assert_int_equal(q.size, 0);
    queue_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_gives_back_what_it_got),
        cmocka_unit_test(moving_keeps_the_order_and_copies_only_what_is_short),
        cmocka_unit_test(a_long_slice_is_moved_in_place),
        cmocka_unit_test(an_empty_queue_gives_its_memory_back),
        cmocka_unit_test(no_memory_leaves_the_reference_with_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
