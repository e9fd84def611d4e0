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
    assert_null(memo_find(memo, generation, bytes));
    block *block = block_new(home);
    memo_offer(memo, generation, bytes, block);
    hpack_block_release(&block->face);
    return block;
}

static block *find(memo *memo, uint64_t generation, const char *wire)
{
    proa_bytes bytes = proa_bytes_of(wire);
    return memo_find(memo, generation, bytes);
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
    assert_null(find(&memo, 1, "block")); /* not even when it comes back */
    memo_forget(&memo);
    block_home_close(home);
}

/* Never by hash alone: all the others of that size are told apart. */
static void other_bytes_of_the_same_size_are_not_found(void **state)
{
    (void)state;
    memo memo = { 0 };
    block_home *home = block_home_new();
    offer(&memo, home, 1, "ab");
    block *kept = offer(&memo, home, 1, "ab");
    for (unsigned i = 0; i < 65536; i++) {
        char wire[2] = { (char)i, (char)(i >> 8) };
        bool is_same = wire[0] == 'a' && wire[1] == 'b';
        assert_ptr_equal(memo_find(&memo, 1, (proa_bytes){ wire, 2 }), is_same ? kept : NULL);
    }
    memo_forget(&memo);
    block_home_close(home);
}

static void what_was_decoded_under_another_generation_is_not_kept(void **state)
{
    (void)state;
    memo memo = { 0 };
    block_home *home = block_home_new();
    block *block = block_new(home);
    assert_null(memo_find(&memo, 1, PROA_STR("block")));
    for (int i = 0; i < 3; i++)
        memo_offer(&memo, 2, PROA_STR("block"), block);
    assert_null(memo_find(&memo, 1, PROA_STR("block")));
    assert_null(memo_find(&memo, 2, PROA_STR("block")));
    hpack_block_release(&block->face);
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
        assert_non_null(find(&memo, 1, wires[0])); /* used all the time */
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
    memo_offer(&memo, 1, PROA_STR("block"), block);
    memory_unwatch();
    assert_null(find(&memo, 1, "block"));
    hpack_block_release(&block->face);
    block_home_close(home);
}

static void one_other_byte_at_any_place_is_another_block(void **state)
{
    (void)state;
    char wire[41] = "0123456789abcdefghijklmnopqrstuvwxyzABCD";
    for (size_t size = 1; size <= 40; size++) {
        memo memo = { 0 };
        block_home *home = block_home_new();
        char cut[41] = { 0 };
        memcpy(cut, wire, size);
        offer(&memo, home, 1, cut);
        block *kept = offer(&memo, home, 1, cut);
        assert_ptr_equal(find(&memo, 1, cut), kept);
        for (size_t at = 0; at < size; at++) {
            cut[at] ^= 1;
            assert_null(find(&memo, 1, cut));
            cut[at] ^= 1;
        }
        memo_forget(&memo);
        block_home_close(home);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_other_byte_at_any_place_is_another_block),
        cmocka_unit_test(second_sight_is_kept),
        cmocka_unit_test(another_generation_finds_nothing_and_forgets),
        cmocka_unit_test(other_bytes_of_the_same_size_are_not_found),
        cmocka_unit_test(what_was_decoded_under_another_generation_is_not_kept),
        cmocka_unit_test(the_one_just_used_is_not_replaced),
        cmocka_unit_test(out_of_memory_only_means_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
