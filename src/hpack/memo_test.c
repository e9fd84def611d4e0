/* SPDX-License-Identifier: Apache-2.0 */
/* The memo alone: what it remembers, and that nothing of another generation or with other bytes is ever found. The
 * decoder's test shows the same through a whole decoder. */
#include "hpack/memo.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "hpack/hpack_testlib.h"

static block *offer(memo *memo, block_home *home, uint64_t generation, const char *wire)
{
    proa_bytes bytes = proa_bytes_of(wire);
    assert_null(memo_find(memo, generation, memo_hash(bytes), bytes));
    block *block = block_new(home);
    memo_offer(memo, memo_hash(bytes), bytes, block);
    hpack_block_release(&block->face);
    return block;
}

static block *find(memo *memo, uint64_t generation, const char *wire)
{
    proa_bytes bytes = proa_bytes_of(wire);
    return memo_find(memo, generation, memo_hash(bytes), bytes);
}

static void second_sight_is_kept(void **state)
{
    (void)state;
    memo memo = { 0 };
    block_home *home = block_home_new();
    offer(&memo, home, 1, "block");
    assert_null(find(&memo, 1, "block"));
    block *kept = offer(&memo, home, 1, "block");
    assert_ptr_equal(find(&memo, 1, "block"), kept);
    assert_null(find(&memo, 1, "blocK"));
    assert_null(find(&memo, 1, "bloc"));
    memo_forget(&memo);
    assert_null(find(&memo, 1, "block"));
    block_home_close(home);
}

static void another_generation_finds_nothing_and_forgets(void **state)
{
    (void)state;
    memo memo = { 0 };
    block_home *home = block_home_new();
    offer(&memo, home, 1, "block");
    offer(&memo, home, 1, "block");
    assert_null(find(&memo, 2, "block"));
    assert_null(find(&memo, 1, "block"));              /* not even when it comes back */
    memo_forget(&memo);
    block_home_close(home);
}

static void same_hash_with_other_bytes_is_not_found(void **state)
{
    (void)state;
    memo memo = { 0 };
    block_home *home = block_home_new();
    proa_bytes one = PROA_STR("one"), two = PROA_STR("two");
    for (int i = 0; i < 2; i++) {
        block *block = block_new(home);
        memo_find(&memo, 1, 77, one);
        memo_offer(&memo, 77, one, block);
        hpack_block_release(&block->face);
    }
    assert_non_null(memo_find(&memo, 1, 77, one));
    assert_null(memo_find(&memo, 1, 77, two));
    memo_forget(&memo);
    block_home_close(home);
}

static void the_one_just_used_is_not_replaced(void **state)
{
    (void)state;
    memo memo = { 0 };
    block_home *home = block_home_new();
    static const char *wires[] = { "a0", "b1", "c2", "d3", "e4", "f5", "g6", "h7", "i8" };
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        offer(&memo, home, 1, wires[i]);
        block *kept = offer(&memo, home, 1, wires[i]);
        assert_ptr_equal(find(&memo, 1, wires[i]), kept);
        assert_non_null(find(&memo, 1, wires[0]));     /* used all the time */
    }
    size_t found = 0;
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++)
        found += find(&memo, 1, wires[i]) != NULL;
    assert_int_equal(found, MEMO_ENTRIES);
    memo_forget(&memo);
    block_home_close(home);
}

static void out_of_memory_only_means_not_remembered(void **state)
{
    (void)state;
    memo memo = { 0 };
    block_home *home = block_home_new();
    offer(&memo, home, 1, "block");
    block *block = block_new(home);
    memory_watch(1);
    memo_offer(&memo, memo_hash(PROA_STR("block")), PROA_STR("block"), block);
    memory_unwatch();
    assert_null(find(&memo, 1, "block"));
    hpack_block_release(&block->face);
    block_home_close(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_sight_is_kept),
        cmocka_unit_test(another_generation_finds_nothing_and_forgets),
        cmocka_unit_test(same_hash_with_other_bytes_is_not_found),
        cmocka_unit_test(the_one_just_used_is_not_replaced),
        cmocka_unit_test(out_of_memory_only_means_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
