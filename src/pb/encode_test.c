/* SPDX-License-Identifier: Apache-2.0 */
#include "pb/sample_testlib.h"
#include <stdlib.h>

static void defaults_of_implicit_fields_are_not_written(void **state)
{
    sample3_Node m = { .name = PROA_STR(""), .data = { "", 0 } };
    assert_encodes(*state, sample3_Node, &m, "");
}

static void minus_zero_is_not_the_default(void **state)
{
    sample3_Node m = { .ratio = -0.0, .depth = -0.0f };
    assert_encodes(*state, sample3_Node, &m, "\x21\0\0\0\0\0\0\0\x80\xcd\xb8\x02\0\0\0\x80");
}

static void negative_int32_and_enum_take_10_bytes(void **state)
{
    sample3_Node m = { .id = -1, .level = sample3_LEVEL_LOW };
    assert_encodes(*state, sample3_Node, &m,
                   "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x60\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

static void fields_come_in_the_order_of_their_numbers(void **state)
{
    proa_bytes tags[] = { PROA_STR("a"), PROA_STR("") };
    int32_t numbers[] = { 1, -1 };
    sample3_Node children[] = { { .id = 1 }, { .id = 2 } };
    sample3_Node m = {
        .is_far = true,
        .id = 300,
        .name = PROA_STR("n"),
        .weight = PROA_SOME(-1),
        .numbers = PROA_LIST(numbers),
        .tags = PROA_LIST(tags),
        .children = PROA_LIST(children),
        .left = &children[0],
        .contact = { .which = sample3_Node_contact_phone, .phone = 7 },
        .note = PROA_STR(""),
    };
    assert_encodes(*state, sample3_Node, &m,
                   "\x08\xac\x02\x12\x01n\x18\x01\x32\x0b\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x3a\x01"
                   "a\x3a\x00\x42\x02\x08\x01"
                   "\x42\x02\x08\x02\x4a\x02\x08\x01\x78\x07\x8a\x01\x00\xc0\xb8\x02\x01");
}

static void a_oneof_member_is_written_at_its_default(void **state)
{
    sample3_Node m = { .contact = { .which = sample3_Node_contact_email, .email = PROA_STR("") } };
    assert_encodes(*state, sample3_Node, &m, "\x72\x00");
    m.contact.which = sample3_Node_contact_not_set;
    assert_encodes(*state, sample3_Node, &m, "");
    m.contact.which = sample3_Node_contact_friend;
    m.contact.friend_ = NULL;
    assert_encodes(*state, sample3_Node, &m, "");
}

static void a_message_of_any_size_fits(void **state)
{
    bench *b = *state;
    for (size_t size = 1; size < 3 * 1024 * 1024; size = size * 5 / 3 + 1) {
        char *data = malloc(size);
        memset(data, 'x', size);
        sample3_Node left = { .data = { data, size } }, m = { .id = 1, .left = &left };
        proa_bytes wire = bench_encode(b, &sample3_Node_type, &m);
        sample3_Node *back = sample3_Node_decode(wire, b->arena, NULL);
        assert_int_equal(back->left->data.size, size);
        assert_memory_equal(back->left->data.data, data, size);
        free(data);
    }
}

static void a_scratch_is_used_again_and_its_block_can_be_taken(void **state)
{
    (void)state;
    pb_scratch scratch = { .block = NULL };
    sample3_Node m = { .id = 5 };
    proa_bytes one, two;
    assert_int_equal(pb_encode_scratch(&sample3_Node_type, &m, &scratch, &one), PROA_ERR_NONE);
    assert_int_equal(pb_encode_scratch(&sample3_Node_type, &m, &scratch, &two), PROA_ERR_NONE);
    assert_ptr_equal(one.data, two.data);
    assert_true(one.data >= hold_data(scratch.block) + PB_HEAD_ROOM);
    proa_slice slice = slice_of(scratch.block, (size_t)(two.data - hold_data(scratch.block)), two.size);
    scratch.block = NULL;
    assert_int_equal(pb_encode_scratch(&sample3_Node_type, &m, &scratch, &one), PROA_ERR_NONE);
    assert_true(one.data != slice.bytes.data);
    assert_bytes(slice.bytes, "\x08\x05");
    proa_slice_free(&slice);
    pb_scratch_fini(&scratch);
}

static void an_arena_that_ran_out_encodes_nothing(void **state)
{
    bench *b = *state;
    sample3_Node m = { .id = 5 };
    proa_bytes out = { NULL, 0 };
    arena_exhaust(b->arena);
    assert_int_equal(sample3_Node_encode(&m, b->arena, &out), PROA_ERR_NOMEM);
    assert_null(out.data);
}

/* Memory of the arena goes on after an encode, aligned and apart from it. */
static void what_is_encoded_stays_when_the_arena_is_used_on(void **state)
{
    bench *b = *state;
    proa_bytes wires[50];
    for (int32_t i = 0; i < 50; i++) {
        sample3_Node m = { .id = i + 1, .name = PROA_STR("a name of some length, so that blocks fill up") };
        assert_int_equal(sample3_Node_encode(&m, b->arena, &wires[i]), PROA_ERR_NONE);
        char *other = proa_arena_alloc(b->arena, 100);
        assert_int_equal((uintptr_t)other % 8, 0);
        memset(other, 0xee, 100);
    }
    for (int32_t i = 0; i < 50; i++)
        assert_int_equal(sample3_Node_decode(wires[i], b->arena, NULL)->id, i + 1);
}

/* All of it, with the n-th allocation failing, for every n. */
static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    static char large[20000];
    sample3_Node children[50] = { { .id = 1 } };
    sample3_Node_counts_entry counts[20] = { { PROA_STR_INIT("a"), 1 } };
    for (int i = 0; i < 20; i++)
        counts[i] = (sample3_Node_counts_entry){ { large + i, 1 }, i };
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 26);
    sample3_Node m = { .data = { large, sizeof large }, .children = PROA_LIST(children), .counts = { counts, 20 } };
    for (size_t nth = 1;; nth++) {
        proa_arena *arena = proa_arena_new(64);
        pb_scratch scratch = { .block = NULL };
        proa_bytes wire = { NULL, 0 }, other;
        proa_error error = { .code = PROA_ERR_NONE };
        memory_watch(nth);
        proa_err code = sample3_Node_encode(&m, arena, &wire);
        if (code == PROA_ERR_NONE)
            code = pb_encode_scratch(&sample3_Node_type, &m, &scratch, &other);
        bool is_decoded = code == PROA_ERR_NONE && sample3_Node_decode(wire, arena, &error);
        bool is_cloned = is_decoded && proa_clone(&sample3_Node_type, &m, arena);
        bool is_over = memory_unwatch() < nth;
        assert_true(code == PROA_ERR_NONE || code == PROA_ERR_NOMEM);
        assert_true(error.code == PROA_ERR_NONE || error.code == PROA_ERR_NOMEM);
        assert_int_equal(is_cloned, is_over);
        assert_true(is_over || code != PROA_ERR_NONE || arena_is_exhausted(arena));
        pb_scratch_fini(&scratch);
        proa_arena_free(arena);
        if (is_over)
            break;
        assert_true(nth < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(defaults_of_implicit_fields_are_not_written),
        BENCH_TEST(minus_zero_is_not_the_default),
        BENCH_TEST(negative_int32_and_enum_take_10_bytes),
        BENCH_TEST(fields_come_in_the_order_of_their_numbers),
        BENCH_TEST(a_oneof_member_is_written_at_its_default),
        BENCH_TEST(a_message_of_any_size_fits),
        cmocka_unit_test(a_scratch_is_used_again_and_its_block_can_be_taken),
        BENCH_TEST(an_arena_that_ran_out_encodes_nothing),
        BENCH_TEST(what_is_encoded_stays_when_the_arena_is_used_on),
        cmocka_unit_test(running_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
