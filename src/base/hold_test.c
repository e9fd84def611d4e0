/* SPDX-License-Identifier: Apache-2.0 */
/* Counted blocks: slop, sharing, the pool's bounds, and slices across threads. */
#include "base/hold.h"
#include "base/bytes.h"
#include "base/memory.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void slop_behind_the_capacity_is_zero(void **state)
{
    (void)state;
    const char zero[HOLD_SLOP] = { 0 };
    hold_pool *pool = hold_pool_new();
    for (int round = 0; round < 2; round++) {
        for (size_t capacity = 0; capacity < 3000; capacity += 37) {
            hold *plain = hold_new(capacity), *pooled = hold_new_from(pool, capacity);
            assert_int_equal(hold_capacity(plain), capacity);
            assert_true(hold_capacity(pooled) >= capacity);
            memset(hold_data(pooled), 0xff, hold_capacity(pooled));
            assert_memory_equal(hold_data(plain) + capacity, zero, HOLD_SLOP);
            assert_memory_equal(hold_data(pooled) + hold_capacity(pooled), zero, HOLD_SLOP);
            hold_release(plain);
            hold_release_to(pool, pooled);
        }
    }
    hold_pool_free(pool);
    hold_pool_free(NULL);
}

static void the_pool_recycles_small_blocks(void **state)
{
    (void)state;
    hold_pool *pool = hold_pool_new();
    hold *first = hold_new_from(pool, 1000);
    hold_release_to(pool, first);
    memory_watch(1);
    hold *second = hold_new_from(pool, 700);
    assert_int_equal(memory_unwatch(), 0);
    assert_ptr_equal(first, second);
    assert_ptr_equal(hold_retain(second), second);
    hold_release_to(pool, second);
    memset(hold_data(second), 1, 1000);
    hold_release_to(pool, second);
    hold *large = hold_new_from(pool, 100000);
    hold_release_to(pool, large);
    hold_release_to(NULL, hold_new(5));
    hold_release_to(pool, hold_new(5));
    hold_release_to(pool, NULL);
    hold_release(NULL);
    assert_null(hold_retain(NULL));
    hold_pool_free(pool);
}

static void the_pool_keeps_a_bounded_number(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static hold *holds[COUNT];
    hold_pool *pool = hold_pool_new();
    const size_t capacities[] = { 1, 65536, 65537, 4 * 1024 * 1024 };
    const size_t kept[] = { 4096, 16, 64, 2 };
    const int counts[] = { COUNT, 300, 100, 5 };
    for (int which = 0; which < 4; which++) {
        for (int i = 0; i < counts[which]; i++)
            holds[i] = hold_new_from(pool, capacities[which]);
        for (int i = 0; i < counts[which]; i++)
            hold_release_to(pool, holds[i]);
        memory_watch(0);
        for (int i = 0; i < counts[which]; i++)
            holds[i] = hold_new_from(pool, capacities[which]);
        assert_int_equal(memory_unwatch(), (size_t)counts[which] - kept[which]);
        for (int i = 0; i < counts[which]; i++)
            hold_release(holds[i]);
    }
    hold_pool_free(pool);
}

static void slices_own_and_share(void **state)
{
    (void)state;
    proa_slice slice = slice_of(hold_new(10), 2, 3);
    memcpy(hold_data(slice.hold), "0123456789", 10);
    assert_true(BYTES_IS(slice.bytes, "234"));
    proa_slice other = slice_share(&slice);
    proa_slice_free(&slice);
    assert_null(slice.bytes.data);
    assert_null(slice.hold);
    proa_slice_free(&slice);
    assert_true(BYTES_IS(other.bytes, "234"));
    proa_slice_free(&other);
    proa_slice_free(NULL);
    slice = slice_of(NULL, 0, 0);
    assert_null(slice.bytes.data);
}

static void copies_have_slop_also_when_empty(void **state)
{
    (void)state;
    const char zero[HOLD_SLOP] = { 0 };
    proa_slice slice;
    assert_int_equal(proa_slice_copy(PROA_STR("abc"), &slice), PROA_ERR_NONE);
    assert_memory_equal(slice.bytes.data + 3, zero, HOLD_SLOP);
    proa_slice_free(&slice);
    assert_int_equal(proa_slice_copy(PROA_STR(""), &slice), PROA_ERR_NONE);
    assert_memory_equal(slice.bytes.data, zero, HOLD_SLOP);
    proa_slice_free(&slice);
    assert_int_equal(proa_slice_copy((proa_bytes){ NULL, 0 }, &slice), PROA_ERR_NONE);
    assert_null(slice.bytes.data);
}

static void no_memory_is_an_error_and_touches_nothing(void **state)
{
    (void)state;
    proa_slice slice = { .flags = 77 };
    memory_watch(1);
    assert_int_equal(proa_slice_copy(PROA_STR("abc"), &slice), PROA_ERR_NOMEM);
    memory_watch(1);
    assert_null(hold_new(5));
    memory_watch(1);
    assert_null(hold_pool_new());
    memory_unwatch();
    assert_int_equal(slice.flags, 77);
    assert_null(hold_new(SIZE_MAX));
    assert_null(hold_new(SIZE_MAX / 2 + 1));
}

static void *share_and_free(void *arg)
{
    proa_slice mine = *(proa_slice *)arg;
    for (int i = 0; i < 10000; i++) {
        proa_slice more = slice_share(&mine);
        proa_slice_free(&more);
    }
    proa_slice_free(&mine);
    return NULL;
}

static void slices_cross_threads(void **state)
{
    (void)state;
    proa_slice slice;
    assert_int_equal(proa_slice_copy(PROA_STR("abc"), &slice), PROA_ERR_NONE);
    proa_slice other = slice_share(&slice);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, share_and_free, &other), 0);
    share_and_free(&slice);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slop_behind_the_capacity_is_zero),
        cmocka_unit_test(the_pool_recycles_small_blocks),
        cmocka_unit_test(the_pool_keeps_a_bounded_number),
        cmocka_unit_test(slices_own_and_share),
        cmocka_unit_test(copies_have_slop_also_when_empty),
        cmocka_unit_test(no_memory_is_an_error_and_touches_nothing),
        cmocka_unit_test(slices_cross_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
