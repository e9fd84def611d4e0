/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: references, notes, recycling, moving bytes. */
#include "hpack/block.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "hpack/hpack_testlib.h"

static int freed;

static void note_free(void *note)
{
    freed += *(int *)note;
}

static void add(block *block, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);
    assert_true(block_reserve(block, n + v) && block_reserve_field(block));
    char *to = block->bytes + block->byte_size;
    memcpy(to, name, n);
    memcpy(to + n, value, v);
    block->fields[block->face.count++] = (hpack_field){ .name = { to, n }, .value = { to + n, v } };
    block->byte_size += n + v;
}

static void note_goes_with_the_last_reference(void **state)
{
    (void)state;
    block_home *home = block_home_new();
    block *block = block_new(home);
    int weight = 3;
    freed = 0;
    block->face.note = &weight;
    block->face.note_free = note_free;
    assert_ptr_equal(hpack_block_retain(&block->face), &block->face);
    hpack_block_release(&block->face);
    assert_int_equal(freed, 0);
    hpack_block_release(&block->face);
    assert_int_equal(freed, 3);
    struct block *again = block_new(home);
    assert_ptr_equal(again, block);
    assert_null(again->face.note);
    assert_null(again->face.note_free);
    assert_int_equal(again->face.count, 0);
    hpack_block_release(&again->face);
    hpack_block_release(NULL);
    block_home_close(home);
    assert_int_equal(freed, 3);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    block_home *home = block_home_new();
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            memory_watch(0);
        block *a = block_new(home), *b = block_new(home);
        add(a, "x-one", "1");
        add(b, "x-two", "2");
        hpack_block_release(&a->face);
        hpack_block_release(&b->face);
    }
    assert_int_equal(memory_unwatch(), 0);
    block_home_close(home);
}

static void only_a_few_blocks_are_kept(void **state)
{
    (void)state;
    block_home *home = block_home_new();
    block *blocks[10];
    for (int round = 0; round < 2; round++) {
        memory_watch(0);
        for (int i = 0; i < 10; i++)
            blocks[i] = block_new(home);
        assert_int_equal(memory_unwatch(), round ? 6 : 10);
        for (int i = 0; i < 10; i++)
            hpack_block_release(&blocks[i]->face);
    }
    block_home_close(home);
}

static void a_large_block_is_not_kept(void **state)
{
    (void)state;
    block_home *home = block_home_new();
    block *large = block_new(home);
    assert_true(block_reserve(large, 5000));
    hpack_block_release(&large->face);
    memory_watch(1);
    assert_null(block_new(home)); /* nothing is spare */
    memory_unwatch();
    block_home_close(home);
}

static void blocks_outlive_their_home(void **state)
{
    (void)state;
    block_home *home = block_home_new();
    block *block = block_new(home);
    add(block, "x-name", "value");
    block_home_close(home);
    hpack_block_retain(&block->face);
    hpack_block_release(&block->face);
    assert_memory_equal(block->fields[0].value.data, "value", 5);
    hpack_block_release(&block->face);
}

static void fields_follow_when_bytes_move(void **state)
{
    (void)state;
    block_home *home = block_home_new();
    block *block = block_new(home);
    char value[64];
    for (int i = 0; i < 200; i++) {
        snprintf(value, sizeof value, "value-%d-of-some-length", i);
        add(block, "x-name", value);
        if (i == 50)
            block->fields[i].name = hpack_name_text(HPACK_NAME_TE); /* of the static table: stays where it is */
    }
    assert_true(block_keep_wire(block, PROA_STR("wire")));
    assert_true(proa_bytes_is_equal(block_wire(block), PROA_STR("wire")));
    for (int i = 0; i < 200; i++) {
        snprintf(value, sizeof value, "value-%d-of-some-length", i);
        assert_true(proa_bytes_is_equal(block->fields[i].value, proa_bytes_of(value)));
        assert_true(proa_bytes_is_equal(block->fields[i].name, i == 50 ? PROA_STR("te") : PROA_STR("x-name")));
    }
    assert_ptr_equal(block->fields[50].name.data, hpack_name_text(HPACK_NAME_TE).data);
    hpack_block_release(&block->face);
    block_home_close(home);
}

static void a_failed_growth_keeps_everything(void **state)
{
    (void)state;
    block_home *home = block_home_new();
    block *block = block_new(home);
    add(block, "x-name", "value");
    memory_watch(1);
    assert_false(block_reserve(block, 100000));
    memory_watch(1);
    for (; block->face.count < block->field_capacity; block->face.count++)
        block->fields[block->face.count] = block->fields[0];
    assert_false(block_reserve_field(block));
    memory_unwatch();
    assert_memory_equal(block->fields[0].name.data, "x-name", 6);
    hpack_block_release(&block->face);
    block_home_close(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(note_goes_with_the_last_reference), cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(only_a_few_blocks_are_kept),        cmocka_unit_test(a_large_block_is_not_kept),
        cmocka_unit_test(blocks_outlive_their_home),         cmocka_unit_test(fields_follow_when_bytes_move),
        cmocka_unit_test(a_failed_growth_keeps_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
