/* SPDX-License-Identifier: Apache-2.0 */
#include "pb/sample_testlib.h"
#include "pb/wire.h"
#include <stdlib.h>

static void packed_and_unpacked_are_taken_for_either_and_written_as_declared(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x30\x01\x32\x02\x02\x03\x30\x04\x92\x01\x02\x01\x02\x90\x01\x03");
    assert_int_equal(m->numbers.count, 4);
    for (int32_t i = 0; i < 4; i++)
        assert_int_equal(m->numbers.data[i], i + 1);
    assert_int_equal(m->levels.count, 3);
    assert_encodes(*state, sample3_Node, m, "\x32\x04\x01\x02\x03\x04\x90\x01\x01\x90\x01\x02\x90\x01\x03");
    sample2_Legacy *old = DECODE2(*state, "\x08\x01\x4a\x02\x01\x02\x48\x03");
    assert_int_equal(old->deltas.count, 3);
    assert_int_equal(old->deltas.data[0], -1);
    assert_encodes(*state, sample2_Legacy, old, "\x08\x01\x48\x01\x48\x02\x48\x03");
}

static void packed_fixed_values_are_copied_whole(void **state)
{
    sample3_Node *m = DECODE3(*state, "\xf9\x7f\1\0\0\0\0\0\0\0\xfa\x7f\x10\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\x80");
    assert_int_equal(m->marks.count, 3);
    assert_true(m->marks.data[2] == UINT64_C(0x8000000000000003));
    assert_refused(*state, sample3_Node, "\xfa\x7f\x07\1\0\0\0\0\0\0", "part of an element");
}

static void an_empty_packed_field_is_no_field(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x32\x00\xfa\x7f\x00");
    assert_int_equal(m->numbers.count, 0);
    assert_encodes(*state, sample3_Node, m, "");
}

static void a_packed_varint_ends_with_its_field(void **state)
{
    assert_refused(*state, sample3_Node, "\x32\x02\x01\x80\x08\x01", "inside a value");
    assert_refused(*state, sample3_Node,
                   "\x32\x02\x01\x80\x12\x10"
                   "abcdefghijklmnop",
                   "inside a value");
}

static void closed_enums_in_lists_keep_the_order_of_both_kinds(void **state)
{
    sample2_Legacy *m =
        DECODE2(*state, "\x08\x01\x18\x01\x18\x09\x18\x02\x1a\x03\x05\x07\x01\x22\x03\x08\x02\x09\x20\x01");
    static const int32_t known[] = { 1, 2, 5, 1 };
    assert_int_equal(m->colors.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(m->colors.data[i], known[i]);
    assert_int_equal(m->packed_colors.count, 2);
    assert_encodes(*state, sample2_Legacy, m,
                   "\x08\x01\x18\x01\x18\x02\x18\x05\x18\x01\x22\x02\x02\x01\x18\x09\x18\x07\x20\x08\x20\x09");
}

/* Two lists in turn: neither can grow in place. */
static void lists_that_alternate_grow(void **state)
{
    bench *b = *state;
    enum { COUNT = 1000 };
    char *wire = malloc(COUNT * 5);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(wire + i * 5, "\x30\x05\x3a\x01z", 5);
    sample3_Node *m = bench_decode(b, &sample3_Node_type, wire, COUNT * 5);
    assert_int_equal(m->numbers.count, COUNT);
    assert_int_equal(m->tags.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(m->numbers.data[i], 5);
        assert_bytes(m->tags.data[i], "z");
    }
    free(wire);
}

static void a_run_of_messages_is_counted_before_it_is_stored(void **state)
{
    static const char wire[] = "\x42\x00\x42\x02\x08\x01\x42\x00\x08\x01\x42\x00";
    assert_int_equal(wire_count_run(wire + 1, wire + sizeof wire - 1, 0x42), 3);
    assert_int_equal(wire_count_run(wire + 1, wire + 1, 0x42), 1);
    assert_int_equal(wire_count_run(wire + 1, wire + 4, 0x42), 2); /* the second is cut: it will fail */
    sample3_Node *m = DECODE3(*state, "\x42\x00\x42\x02\x08\x01\x42\x00\x08\x01\x42\x00");
    assert_int_equal(m->children.count, 4);
    assert_int_equal(m->children.data[1].id, 1);
}

static void elements_keep_what_they_hold_when_the_list_moves(void **state)
{
    bench *b = *state;
    char wire[50 * 9];
    for (size_t i = 0; i < 50; i++) {
        memcpy(wire + i * 9, "\x42\x05\x08\x01\x32\x01\x09\x30\x01", 9);
        wire[i * 9 + 3] = (char)i;
    }
    sample3_Node *m = bench_decode(b, &sample3_Node_type, wire, sizeof wire);
    assert_int_equal(m->children.count, 50);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(m->children.data[i].id, i);
        assert_int_equal(m->children.data[i].numbers.data[0], 9);
    }
}

static void runs_with_long_tags_are_runs(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x82\xf7\x02\x01"
                                      "a\x82\xf7\x02\x00\x82\xf7\x02\x02"
                                      "bc\x08\x01\x82\xf7\x02\x01"
                                      "d");
    assert_int_equal(m->far_tags.count, 4);
    assert_bytes(m->far_tags.data[2], "bc");
    assert_bytes(m->far_tags.data[3], "d");
    assert_refused(*state, sample3_Node,
                   "\x82\xf7\x02\x01"
                   "a\x82\xf7\x02\x01\xff",
                   "sample3.Node.far_tags: a string is not UTF-8 (byte 9)");
    assert_refused(*state, sample3_Node,
                   "\x82\xf7\x02\x01"
                   "a\x82\xf7\x02\x05"
                   "b",
                   "sample3.Node.far_tags: a length goes past the end (byte 8)");
}

/* A length in six bytes is legal, and ends what is counted. */
static void a_run_goes_on_behind_a_length_that_is_longer_than_it_needs(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x3a\x01"
                                      "a\x3a\x81\x80\x80\x80\x80\x00"
                                      "b\x3a\x01"
                                      "c\x42\x80\x80\x80\x80\x80\x00\x42\x00");
    assert_int_equal(m->tags.count, 3);
    assert_bytes(m->tags.data[1], "b");
    assert_bytes(m->tags.data[2], "c");
    assert_int_equal(m->children.count, 2);
}

/* Every kind in a list, with numbers at the edges, packed and not, there and back. */
static void every_kind_comes_back_from_a_list(void **state)
{
    bench *b = *state;
    static const proa_kind kinds[] = { PROA_KIND_DOUBLE, PROA_KIND_FLOAT,   PROA_KIND_INT64,    PROA_KIND_UINT64,
                                       PROA_KIND_INT32,  PROA_KIND_FIXED64, PROA_KIND_FIXED32,  PROA_KIND_BOOL,
                                       PROA_KIND_UINT32, PROA_KIND_ENUM,    PROA_KIND_SFIXED32, PROA_KIND_SFIXED64,
                                       PROA_KIND_SINT32, PROA_KIND_SINT64 };
    static const uint64_t edges[] = { 0,
                                      1,
                                      127,
                                      128,
                                      16383,
                                      16384,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      INT64_MAX,
                                      (uint64_t)INT64_MIN,
                                      UINT64_MAX,
                                      UINT64_C(0x0102030405060708) };
    enum { COUNT = sizeof edges / sizeof edges[0] };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        size_t size = wire_kind_size(kinds[k]);
        char values[COUNT * 8];
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t edge = kinds[k] == PROA_KIND_BOOL ? edges[i] & 1 : edges[i];
            memcpy(values + i * size, &edge, size); /* little end first: the tests run there */
        }
        wire_list in = { values, COUNT };
        char out[COUNT * 16 + 32];
        for (int is_packed = 0; is_packed < 2; is_packed++) {
            proa_encoder e = { .begin = out, .end = out + sizeof out, .depth = 1 };
            uint32_t tag = WIRE_TAG(5, is_packed ? 2 : wire_kind_type(kinds[k]));
            char *p = is_packed ? proa_put_packed(&e, e.end, tag, &in, kinds[k])
                                : proa_put_list(&e, e.end, tag, &in, kinds[k]);
            assert_non_null(p);
            wire_list back = { NULL, 0 };
            wire_decoder d;
            wire_init(&d, (proa_bytes){ p, (size_t)(e.end - p) }, false, b->arena);
            const char *end = is_packed ? proa_get_packed(&d.head, p + 1, e.end, &back, kinds[k])
                                        : proa_get_list(&d.head, p + 1, e.end, tag, &back, kinds[k]);
            assert_ptr_equal(end, e.end);
            assert_int_equal(back.count, COUNT);
            assert_memory_equal(back.data, values, COUNT * size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(packed_and_unpacked_are_taken_for_either_and_written_as_declared),
        BENCH_TEST(packed_fixed_values_are_copied_whole),
        BENCH_TEST(an_empty_packed_field_is_no_field),
        BENCH_TEST(a_packed_varint_ends_with_its_field),
        BENCH_TEST(closed_enums_in_lists_keep_the_order_of_both_kinds),
        BENCH_TEST(lists_that_alternate_grow),
        BENCH_TEST(a_run_of_messages_is_counted_before_it_is_stored),
        BENCH_TEST(elements_keep_what_they_hold_when_the_list_moves),
        BENCH_TEST(runs_with_long_tags_are_runs),
        BENCH_TEST(a_run_goes_on_behind_a_length_that_is_longer_than_it_needs),
        BENCH_TEST(every_kind_comes_back_from_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
