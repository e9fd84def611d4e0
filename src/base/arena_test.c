/* SPDX-License-Identifier: Apache-2.0 */
/* What an arena promises: alignment, zeroes, memory that runs out once and is remembered, blocks that a reset keeps. */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/hold.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static size_t room(proa_arena *arena)
{
    arena_head *head = (arena_head *)(void *)arena;
    return (size_t)(head->end - head->begin);
}

static bool is_zero(const char *memory, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memory[i])
            return false;
    return true;
}

static void first_block_has_the_size_asked_for(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(0);
    assert_int_equal(room(arena), 4096);
    proa_arena_free(arena);
    arena = proa_arena_new(100);
    assert_int_equal(room(arena), 104);
    assert_int_equal(arena_size(arena), 104);
    memory_watch(1);
    assert_non_null(proa_arena_alloc(arena, 96));
    assert_int_equal(memory_unwatch(), 0);
    proa_arena_free(arena);
    proa_arena_free(NULL);
}

static void memory_is_aligned_and_zeroed_also_after_reset(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(64);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size++) {
            char *memory = proa_arena_alloc(arena, size);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % 8, 0);
            assert_true(is_zero(memory, size));
            memset(memory, 0xa5, size);
        }
        proa_arena_reset(arena);
    }
    proa_arena_free(arena);
}

static void neighbours_do_not_overlap(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    proa_arena *arena = proa_arena_new(128);
    unsigned char *memory[COUNT];
    uint32_t seed = 7;
    size_t sizes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        seed = seed * 1664525 + 1013904223;
        sizes[i] = seed >> 8 & (i % 50 == 0 ? 0xffff : 0xff);
        memory[i] = proa_arena_alloc(arena, sizes[i]);
        memset(memory[i], i & 0xff, sizes[i]);
    }
    for (int i = 0; i < COUNT; i++)
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(memory[i][at], i & 0xff);
    proa_arena_free(arena);
}

static void a_large_one_leaves_the_current_block_alone(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(4096);
    char *before = proa_arena_alloc(arena, 8);
    char *large = proa_arena_alloc(arena, 1 << 20);
    char *after = proa_arena_alloc(arena, 8);
    assert_non_null(large);
    assert_ptr_equal(after, before + 8);
    assert_int_equal(arena_size(arena), 4096 + (1 << 20));
    /* Also one that would fit in the next block: that would be left half empty. */
    assert_non_null(proa_arena_alloc(arena, 5000));
    assert_ptr_equal(proa_arena_alloc(arena, 8), before + 16);
    assert_int_equal(arena_size(arena), 4096 + (1 << 20) + 5000);
    proa_arena_free(arena);
}

static void blocks_double_up_to_a_cap(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(1024);
    size_t blocks = 1, largest = 0;
    for (size_t total = arena_size(arena), i = 0; i < 2 * 1024 * 1024 / 64; i++) {
        assert_non_null(arena_raw(arena, 64));
        size_t now = arena_size(arena);
        if (now == total)
            continue;
        assert_true(now - total >= largest);
        largest = now - total;
        total = now;
        blocks++;
    }
    assert_int_equal(largest, 256 * 1024);
    assert_true(blocks < 20);
    proa_arena_free(arena);
}

static void steady_use_allocates_nothing(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(256);
    for (int round = 0; round < 5; round++) {
        memory_watch(0);
        for (int i = 0; i < 100; i++)
            assert_non_null(proa_arena_alloc(arena, 200));
        assert_non_null(proa_arena_alloc(arena, 100000));
        size_t asked = memory_unwatch();
        assert_true(round == 0 ? asked > 0 : asked == 0);
        proa_arena_reset(arena);
    }
    proa_arena_free(arena);
}

static void reset_keeps_a_bounded_number_of_blocks(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(64);
    for (int i = 0; i < 1000; i++)
        assert_non_null(arena_raw(arena, 300 * 1024));
    proa_arena_reset(arena);
    assert_int_equal(arena_size(arena), 64 + 16 * 300 * 1024);
    proa_arena_free(arena);
    /* The largest are kept, whatever their order. */
    arena = proa_arena_new(8);
    for (size_t i = 0; i < 40; i++)
        assert_non_null(arena_raw(arena, (1024 + i * 7 % 40) * 1024));
    proa_arena_reset(arena);
    assert_int_equal(arena_size(arena), 8 + 16 * 1024 * 1024 + (24 + 39) * 16 / 2 * 1024);
    proa_arena_free(arena);
}

static void running_out_is_remembered_until_reset(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(64);
    assert_false(arena_is_exhausted(arena));
    memory_watch(1);
    assert_null(proa_arena_alloc(arena, 1000));
    memory_unwatch();
    assert_true(arena_is_exhausted(arena));
    assert_non_null(proa_arena_alloc(arena, 1000));
    assert_true(arena_is_exhausted(arena));
    proa_arena_reset(arena);
    assert_false(arena_is_exhausted(arena));
    arena_exhaust(arena);
    assert_true(arena_is_exhausted(arena));
    proa_arena_free(arena);
    memory_watch(1);
    assert_null(proa_arena_new(0));
    memory_unwatch();
}

static void absurd_sizes_are_no_memory(void **state)
{
    (void)state;
    assert_null(proa_arena_new(SIZE_MAX));
    proa_arena *arena = proa_arena_new(64);
    assert_null(arena_raw(arena, SIZE_MAX));
    assert_null(arena_raw(arena, SIZE_MAX - 7));
    assert_null(proa_arena_alloc(arena, SIZE_MAX / 2 + 1));
    assert_true(arena_is_exhausted(arena));
    assert_non_null(arena_raw(arena, 64));
    proa_arena_free(arena);
}

static void copies_keep_absent_and_empty_apart(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(64);
    assert_null(proa_arena_copy(arena, (proa_bytes){ NULL, 0 }).data);
    proa_bytes empty = proa_arena_copy(arena, PROA_STR(""));
    assert_non_null(empty.data);
    assert_int_equal(empty.size, 0);
    char text[] = "grüße";
    proa_bytes copy = proa_arena_copy(arena, proa_bytes_of(text));
    text[0] = 'x';
    assert_true(BYTES_IS(copy, "grüße"));
    memory_watch(1);
    assert_null(proa_arena_copy(arena, (proa_bytes){ text, 2000 }).data);
    memory_unwatch();
    assert_true(arena_is_exhausted(arena));
    proa_arena_free(arena);
}

static void texts_are_formatted_whether_they_fit_or_not(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(64);
    for (int width = 0; width < 200; width++) {
        proa_bytes text = proa_arena_format(arena, "%*d", width, 7);
        assert_int_equal(text.size, width ? width : 1);
        assert_int_equal(text.data[text.size - 1], '7');
    }
    proa_arena_free(arena);
    for (int width = 60; width < 70; width++) {
        arena = proa_arena_new(64);
        proa_bytes text = proa_arena_format(arena, "%*d", width, 7);
        assert_int_equal(text.size, width);
        assert_int_equal(text.data[text.size - 1], '7');
        proa_arena_free(arena);
    }
    arena = proa_arena_new(64);
    memory_watch(1);
    assert_null(proa_arena_format(arena, "%300d", 7).data);
    memory_unwatch();
    assert_true(arena_is_exhausted(arena));
    proa_arena_free(arena);
}

static void held_slices_go_with_the_arena(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(64);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++) {
            proa_slice slice;
            assert_int_equal(proa_slice_copy(PROA_STR("message"), &slice), PROA_ERR_NONE);
            assert_int_equal(arena_hold(arena, &slice), PROA_ERR_NONE);
            assert_null(slice.hold);
            assert_true(BYTES_IS(slice.bytes, "message"));
            proa_slice_free(&slice);
        }
        proa_arena_reset(arena);
    }
    proa_slice slice;
    assert_int_equal(proa_slice_copy(PROA_STR("message"), &slice), PROA_ERR_NONE);
    assert_non_null(arena_raw(arena, 64));
    proa_arena *full = proa_arena_new(8);
    assert_non_null(arena_raw(full, 8));
    memory_watch(1);
    assert_int_equal(arena_hold(full, &slice), PROA_ERR_NOMEM);
    memory_unwatch();
    assert_non_null(slice.hold);
    proa_slice_free(&slice);
    proa_arena_free(full);
    proa_arena_free(arena);
}

static void pooled_ones_hold_nothing_until_they_are_asked(void **state)
{
    (void)state;
    arena_pool pool = { 0 };
    proa_arena arena;
    arena_init(&arena, &pool);
    assert_int_equal(arena_size(&arena), 0);
    assert_int_equal(room(&arena), 0);
    proa_arena_reset(&arena);
    assert_non_null(proa_arena_alloc(&arena, 0));
    assert_int_equal(arena_size(&arena), ARENA_BLOCK_MIN - 16);
    assert_true(BYTES_IS(proa_arena_format(&arena, "%d", 42), "42"));
    arena_fini(&arena, &pool);
    assert_int_equal(pool.kept[0], 1);
    arena_pool_fini(&pool);
    arena_pool_fini(&pool);
}

/* Also for a first allocation that is larger than a first block, and for some that double often. */
static void pools_serve_the_steady_state(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 504, 1000, 1008, 1009, 3000, 20000, 65000, 65520 };
    arena_pool pool = { 0 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int round = 0; round < 3; round++) {
            proa_arena arena;
            arena_init(&arena, &pool);
            memory_watch(0);
            char *first = proa_arena_alloc(&arena, sizes[i]);
            char *second = proa_arena_alloc(&arena, 600);
            assert_non_null(first);
            memset(first, 1, sizes[i]);
            assert_true(is_zero(second, 600));
            size_t asked = memory_unwatch();
            assert_true(round == 0 || asked == 0);
            arena_fini(&arena, &pool);
        }
    }
    arena_pool_fini(&pool);
}

static void pools_keep_a_bounded_number_of_blocks(void **state)
{
    (void)state;
    arena_pool pool = { 0 };
    enum { COUNT = 4200 };
    static proa_arena arenas[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        arena_init(&arenas[i], &pool);
        assert_non_null(proa_arena_alloc(&arenas[i], 8));
        if (i >= 100)
            continue;
        assert_non_null(proa_arena_alloc(&arenas[i], 60000));
        assert_non_null(proa_arena_alloc(&arenas[i], 100000)); /* of no class */
    }
    for (size_t i = 0; i < COUNT; i++)
        arena_fini(&arenas[i], &pool);
    assert_int_equal(pool.kept[0], 4096);
    assert_int_equal(pool.kept[ARENA_POOL_CLASSES - 1], 8);
    arena_pool_fini(&pool);
}

static void a_detached_one_has_its_first_memory_and_leaves_the_pool_alone(void **state)
{
    (void)state;
    arena_pool pool = { 0 };
    proa_arena arena;
    arena_init(&arena, &pool);
    arena_detach(&arena);
    memory_watch(0);
    assert_non_null(proa_arena_alloc(&arena, 1000));
    assert_int_equal(memory_unwatch(), 0);
    pool.free[0] = (void *)1; /* who touches it falls */
    assert_non_null(proa_arena_alloc(&arena, 1000));
    pool.free[0] = NULL;
    arena_fini(&arena, NULL);

    memory_watch(1);
    arena_init(&arena, &pool);
    arena_detach(&arena); /* without memory, that is told to who asks for some */
    memory_unwatch();
    assert_false(arena_is_exhausted(&arena));
    assert_non_null(proa_arena_alloc(&arena, 8));
    arena_fini(&arena, &pool);
    arena_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_block_has_the_size_asked_for),
        cmocka_unit_test(memory_is_aligned_and_zeroed_also_after_reset),
        cmocka_unit_test(neighbours_do_not_overlap),
        cmocka_unit_test(a_large_one_leaves_the_current_block_alone),
        cmocka_unit_test(blocks_double_up_to_a_cap),
        cmocka_unit_test(steady_use_allocates_nothing),
        cmocka_unit_test(reset_keeps_a_bounded_number_of_blocks),
        cmocka_unit_test(running_out_is_remembered_until_reset),
        cmocka_unit_test(absurd_sizes_are_no_memory),
        cmocka_unit_test(copies_keep_absent_and_empty_apart),
        cmocka_unit_test(texts_are_formatted_whether_they_fit_or_not),
        cmocka_unit_test(held_slices_go_with_the_arena),
        cmocka_unit_test(pooled_ones_hold_nothing_until_they_are_asked),
        cmocka_unit_test(pools_serve_the_steady_state),
        cmocka_unit_test(pools_keep_a_bounded_number_of_blocks),
        cmocka_unit_test(a_detached_one_has_its_first_memory_and_leaves_the_pool_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
