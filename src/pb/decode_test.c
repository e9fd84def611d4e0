/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars, presence, merging, groups, depth, and what a decoder must refuse. */
#include "pb/sample_testlib.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void an_empty_message_is_all_defaults(void **state)
{
    sample3_Node zero = { 0 };
    sample3_Node *m = DECODE3(*state, "");
    assert_non_null(m);
    assert_memory_equal(m, &zero, sizeof zero);
    assert_non_null(sample3_Node_decode((proa_bytes){ NULL, 0 }, ((bench *)*state)->arena, NULL));
}

static void scalars_of_every_wire_type_come_through(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x08\x96\x01\x12\x03"
                                      "Ada\x18\x03\x21\0\0\0\0\0\0\xf8\x3f\x2a\x02\x00\xff"
                                      "\xc0\xb8\x02\x01\xcd\xb8\x02\0\0\x20\x40");
    assert_int_equal(m->id, 150);
    assert_bytes(m->name, "Ada");
    assert_true(m->weight.has);
    assert_int_equal(m->weight.value, -2);
    assert_true(m->ratio == 1.5);
    assert_bytes(m->data, "\x00\xff");
    assert_true(m->is_far);
    assert_true(m->depth == 2.5f);
    assert_null(m->unknown_);
}

static void strings_alias_the_input(void **state)
{
    bench *b = *state;
    static const char wire[] = "\x12\x03"
                               "Ada";
    sample3_Node *m = sample3_Node_decode((proa_bytes){ wire, 5 }, b->arena, NULL);
    assert_ptr_equal(m->name.data, wire + 2);
}

static void the_last_scalar_wins(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x08\x01\x12\x01"
                                      "a\x08\x02\x12\x01"
                                      "b\x18\x02\x18\x04");
    assert_int_equal(m->id, 2);
    assert_bytes(m->name, "b");
    assert_int_equal(m->weight.value, 2);
}

static void present_and_empty_is_not_absent(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x8a\x01\x00\x18\x00\x68\x00");
    assert_non_null(m->note.data);
    assert_int_equal(m->note.size, 0);
    assert_true(m->weight.has);
    assert_true(m->other_level.has);
    assert_encodes(*state, sample3_Node, m, "\x18\x00\x68\x00\x8a\x01\x00");
}

static void submessages_merge(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x4a\x05\x08\x01\x3a\x01"
                                      "x\x4a\x06\x12\x01"
                                      "n\x3a\x01"
                                      "y");
    assert_int_equal(m->left->id, 1);
    assert_bytes(m->left->name, "n");
    assert_int_equal(m->left->tags.count, 2);
    assert_bytes(m->left->tags.data[0], "x");
    assert_bytes(m->left->tags.data[1], "y");
}

static void message_oneofs_merge_while_they_stay_and_start_anew_after_another(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x82\x01\x02\x08\x07\x82\x01\x03\x12\x01"
                                      "n");
    assert_int_equal(m->contact.which, sample3_Node_contact_friend);
    assert_int_equal(m->contact.friend_->id, 7);
    assert_bytes(m->contact.friend_->name, "n");
    m = DECODE3(*state, "\x82\x01\x02\x08\x07\x78\x05\x82\x01\x03\x12\x01"
                        "n");
    assert_int_equal(m->contact.which, sample3_Node_contact_friend);
    assert_int_equal(m->contact.friend_->id, 0);
    assert_bytes(m->contact.friend_->name, "n");
}

static void the_last_member_of_a_oneof_wins(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x72\x01"
                                      "e\x78\x00");
    assert_int_equal(m->contact.which, sample3_Node_contact_phone);
    assert_int_equal(m->contact.phone, 0);
    assert_encodes(*state, sample3_Node, m, "\x78\x00");
    m = DECODE3(*state, "\x78\x09\x72\x00");
    assert_int_equal(m->contact.which, sample3_Node_contact_email);
    assert_non_null(m->contact.email.data);
}

static void small_types_truncate_varints_of_64_bits(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x08\x81\x80\x80\x80\x10\xc0\xb8\x02\x80\x80\x80\x80\x80\x80\x80\x80\x01"
                                      "\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x60\xff\xff\xff\xff\x1f");
    assert_int_equal(m->id, 1);
    assert_true(m->is_far);
    assert_true(m->contact.phone == UINT32_MAX);
    assert_int_equal(m->level, -1);
}

static void a_varint_may_be_longer_than_it_needs(void **state)
{
    for (int size = 1; size <= 10; size++) {
        char wire[12] = { 8 };
        for (int i = 1; i <= size; i++)
            wire[i] = (char)(i == 1 ? 0x85 : 0x80);
        wire[size] = (char)(wire[size] & 0x7f);
        sample3_Node *m = bench_decode(*state, &sample3_Node_type, wire, (size_t)size + 1);
        assert_int_equal(m->id, 5);
    }
}

static void a_long_varint_in_the_middle_is_read_as_at_the_end(void **state)
{
    sample3_Node *m =
        DECODE3(*state, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x18\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                        "\x12\x10"
                        "abcdefghijklmnop");
    assert_int_equal(m->id, -1);
    assert_true(m->weight.value == INT64_MAX);
    assert_bytes(m->name, "abcdefghijklmnop");
}

static void varints_of_more_than_10_bytes_are_refused(void **state)
{
    assert_refused(*state, sample3_Node, "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "longer than 10 bytes");
    assert_refused(*state, sample3_Node,
                   "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x12\x10"
                   "abcdefghijklmnop",
                   "sample3.Node.id: a varint is longer than 10 bytes (byte 1)");
    assert_refused(*state, sample3_Node, "\xf8\x02\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
                   "longer than 10 bytes");
    assert_refused(*state, sample3_Node, "\x32\x0b\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
                   "longer than 10 bytes");
}

static void tags_that_cannot_be_are_refused(void **state)
{
    assert_refused(*state, sample3_Node, "\x00\x00", "number 0");
    assert_refused(*state, sample3_Node, "\x02\x00", "number 0");
    assert_refused(*state, sample3_Node, "\x03\x04", "number 0");
    assert_refused(*state, sample3_Node, "\x04", "not open");
    assert_refused(*state, sample3_Node, "\x80\x00\x00", "number 0");
    assert_refused(*state, sample3_Node, "\x0e\x00", "wire type");
    assert_refused(*state, sample3_Node, "\x0f\x00", "wire type");
    assert_refused(*state, sample3_Node, "\xfe\x7f\x00", "wire type");
    assert_refused(*state, sample3_Node, "\x88\x80\x80\x80\x80\x00\x00", "tag is longer"); /* six bytes */
    assert_refused(*state, sample3_Node, "\x80\x80\x80\x80\x10\x00", "over 32 bits");      /* number 2^29 */
    assert_refused(*state, sample3_Node, "\xf8\xff\xff\xff\x7f\x00", "over 32 bits");
    assert_refused(*state, sample3_Node, "\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", "tag is longer");
    assert_non_null(DECODE3(*state, "\xf8\xff\xff\xff\x0f\x00")); /* number 2^29 - 1 */
}

static void a_tag_may_be_longer_than_it_needs_up_to_5_bytes(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x88\x00\x05\x8a\x80\x80\x80\x00\x00");
    assert_int_equal(m->id, 5);
    assert_non_null(m->unknown_); /* field 1 with wire type 2 */
    m = DECODE3(*state, "\x88\x80\x80\x80\x00\x06");
    assert_int_equal(m->id, 6);
}

static void every_cut_is_refused(void **state)
{
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\x08\x96\x01"));
    bench_refuse_cuts(*state, &sample3_Node_type,
                      BYTES("\x12\x05"
                            "hello"));
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\x21\1\2\3\4\5\6\7\x08"));
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\xcd\xb8\x02\1\2\3\4"));
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\x32\x03\x01\x80\x01"));
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\xfa\x7f\x08\1\2\3\4\5\6\7\x08"));
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\x42\x06\x42\x04\x42\x02\x08\x01"));
    bench_refuse_cuts(*state, &sample3_Node_type,
                      BYTES("\x52\x05\x0a\x01"
                            "k\x10\x01"));
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\xa3\x1f\x08\x01\x13\x0d\1\2\3\4\x14\xa4\x1f"));
    bench_refuse_cuts(*state, &sample3_Node_type, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    bench_refuse_cuts(*state, &sample2_Legacy_Crowd_type,
                      BYTES("\x0a\x0e\x08\x01\x6b\x0a\x02\x08\x01\x6c\x33\x08\x01\x34\x10\x01"));
}

static void a_submessage_does_not_read_past_its_own_end(void **state)
{
    assert_refused(*state, sample3_Node, "\x4a\x01\x08\x05", "sample3.Node.id: the input ends inside a value (byte 3)");
    assert_refused(*state, sample3_Node,
                   "\x4a\x02\x08\x80\x01\x12\x10"
                   "abcdefghijklmnop",
                   "inside a value");
    assert_refused(*state, sample3_Node,
                   "\x4a\x03\x12\x02"
                   "abc",
                   "past the end");
    assert_refused(*state, sample3_Node, "\x4a\x03\x21\x01\x02\0\0\0\0\0\0\0\0", "inside a value");
    assert_refused(*state, sample3_Node, "\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x08\x01", "past the end");
    assert_refused(*state, sample3_Node, "\x4a\x05\x08\x01", "sample3.Node.left: a length goes past the end (byte 1)");
}

static void strings_that_are_not_utf8_are_refused_and_bytes_are_not(void **state)
{
    assert_refused(*state, sample3_Node,
                   "\x12\x02"
                   "a\xff",
                   "sample3.Node.name: a string is not UTF-8 (byte 3)");
    assert_refused(*state, sample3_Node, "\x12\x02\xc0\x80", "sample3.Node.name: a string is not UTF-8");
    assert_refused(*state, sample3_Node,
                   "\x12\x09"
                   "abcdefgh\x80",
                   "UTF-8");
    assert_refused(*state, sample3_Node,
                   "\x12\x01\xc3\x12\x10"
                   "abcdefghijklmnop",
                   "UTF-8");
    assert_refused(*state, sample3_Node,
                   "\x3a\x01"
                   "a\x3a\x01\xff",
                   "sample3.Node.tags: a string is not UTF-8 (byte 5)");
    assert_refused(*state, sample3_Node, "\x72\x03\xed\xa0\x80", "sample3.Node.email: a string is not UTF-8");
    assert_refused(*state, sample3_Node, "\x8a\x01\x01\x80", "sample3.Node.note");
    assert_refused(*state, sample3_Node, "\x52\x05\x0a\x01\xff\x10\x01",
                   "sample3.Node.CountsEntry.key: a string is not UTF-8");
    assert_non_null(DECODE3(*state, "\x2a\x02\xff\xc0\x12\x03\xe2\x82\xac"));
    assert_non_null(DECODE2(*state, "\x08\x01\x52\x01\xff")); /* a string of proto2 */
}

static void open_enums_keep_any_number(void **state)
{
    static const int32_t numbers[] = { -1, INT32_MIN, INT32_MAX, 7 };
    for (size_t i = 0; i < 4; i++) {
        sample3_Node in = { .level = (sample3_Level)numbers[i], .other_level = { (sample3_Level)numbers[i], true } };
        proa_bytes wire = bench_encode(*state, &sample3_Node_type, &in);
        assert_int_equal(wire.size, numbers[i] < 0 ? 22 : numbers[i] == 7 ? 4 : 12);
        sample3_Node *out = bench_decode(*state, &sample3_Node_type, wire.data, wire.size);
        assert_int_equal(out->level, numbers[i]);
        assert_int_equal(out->other_level.value, numbers[i]);
    }
}

static void closed_enums_send_other_numbers_to_the_unknown(void **state)
{
    sample2_Legacy *m = DECODE2(*state, "\x08\x01\x10\x02\x10\x09");
    assert_int_equal(m->color.value, sample2_GREEN);
    assert_encodes(*state, sample2_Legacy, m, "\x08\x01\x10\x02\x10\x09");
    m = DECODE2(*state, "\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_false(m->color.has);
    assert_int_equal(sample2_Legacy_color(m), sample2_GREEN);
    assert_encodes(*state, sample2_Legacy, m, "\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    m = DECODE2(*state, "\x08\x01\x70\x01\x60\x03"); /* the oneof stays */
    assert_int_equal(m->choice.which, sample2_Legacy_choice_flag);
    assert_encodes(*state, sample2_Legacy, m, "\x08\x01\x70\x01\x60\x03");
}

static void groups_come_through(void **state)
{
    sample2_Legacy *m = DECODE2(*state, "\x08\x01\x2b\x0a\x01"
                                        "n\x15\1\0\0\0\x2c\x33\x08\x01\x34\x33\x34\x6b\x0a\x02\x08\x02\x6c");
    assert_bytes(m->part->name, "n");
    assert_int_equal(m->part->size.value, 1);
    assert_int_equal(m->piece.count, 2);
    assert_true(m->piece.data[0].is_good.value);
    assert_false(m->piece.data[1].is_good.has);
    assert_int_equal(m->choice.crowd->first->id.value, 2);
}

static void groups_merge(void **state)
{
    sample2_Legacy *m = DECODE2(*state, "\x2b\x0a\x01"
                                        "n\x2c\x08\x01\x2b\x15\1\0\0\0\x2c");
    assert_bytes(m->part->name, "n");
    assert_int_equal(sample2_Legacy_Part_size(m->part), 1);
}

static void groups_that_do_not_match_are_refused(void **state)
{
    assert_refused(*state, sample2_Legacy, "\x08\x01\x2b\x0a\x01n", "not closed");
    assert_refused(*state, sample2_Legacy, "\x08\x01\x2b\x34", "not open");
    assert_refused(*state, sample2_Legacy, "\x08\x01\x2c", "not open");
    assert_refused(*state, sample2_Legacy, "\x08\x01\x2b\x33\x2c\x34", "another number");
    assert_refused(*state, sample2_Legacy, "\x08\x01\x2b\x0a\x01n\x2c\x2c", "not open");
    assert_refused(*state, sample3_Node, "\xa3\x1f\xac\x1f", "another number");
    assert_refused(*state, sample3_Node, "\xa3\x1f", "not closed");
    assert_refused(*state, sample3_Node, "\xa4\x1f", "not open");
    /* A submessage in a group does not end the group, and a group does not go on behind the end of its message. */
    assert_refused(*state, sample2_Legacy, "\x08\x01\x6b\x0a\x03\x08\x01\x6c", "not open");
    assert_refused(*state, sample2_Legacy_Crowd, "\x0a\x03\x08\x01\x6b\x6c", "not closed");
}

static size_t nest(char *wire, int levels)
{
    size_t size = 0;
    for (int level = 0; level < levels; level++) {
        char head[8];
        size_t head_size = 1;
        head[0] = 0x4a;
        for (size_t rest = size;; rest >>= 7) {
            head[head_size++] = (char)(rest >= 0x80 ? rest | 0x80 : rest);
            if (rest < 0x80)
                break;
        }
        memmove(wire + head_size, wire, size);
        memcpy(wire, head, head_size);
        size += head_size;
    }
    return size;
}

static void nesting_is_limited_to_100_messages(void **state)
{
    bench *b = *state;
    char wire[1024];
    assert_non_null(bench_decode(b, &sample3_Node_type, wire, nest(wire, 100)));
    assert_null(bench_decode(b, &sample3_Node_type, wire, nest(wire, 101)));
    assert_int_equal(b->error.code, PROA_ERR_LIMIT);
    assert_non_null(strstr(b->error.text, "nested too deep"));
}

static void nesting_counts_groups_and_unknown_groups(void **state)
{
    bench *b = *state;
    char wire[404];
    memset(wire, 0x6b, sizeof wire); /* group 13, unknown in a Node */
    memset(wire + 100, 0x6c, 100);
    assert_non_null(bench_decode(b, &sample3_Node_type, wire, 200));
    memset(wire, 0x6b, 101);
    memset(wire + 101, 0x6c, 101);
    assert_null(bench_decode(b, &sample3_Node_type, wire, 202));
    assert_int_equal(b->error.code, PROA_ERR_LIMIT);
    memset(wire, 0x6b, 404);
    assert_null(bench_decode(b, &sample2_Legacy_Crowd_type, wire, 404));
    assert_int_equal(b->error.code, PROA_ERR_LIMIT);
}

static void a_wrong_wire_type_is_an_unknown_field(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x0a\x01x\x10\x05\x4d\1\2\3\4");
    assert_int_equal(m->id, 0);
    assert_null(m->name.data);
    assert_null(m->left);
    assert_encodes(*state, sample3_Node, m, "\x0a\x01x\x10\x05\x4d\1\2\3\4");
}

static void errors_name_the_innermost_field(void **state)
{
    assert_refused(*state, sample2_Legacy, "\x08\x01\x42\x07\x42\x05\x8a\x01\x02x\xff",
                   "sample3.Node.note: a string is not UTF-8 (byte 10)");
    assert_refused(*state, sample2_Legacy, "\x08\x01\x2b\x0a\x09n\x2c",
                   "sample2.Legacy.Part.name: a length goes past the end");
    assert_refused(*state, sample3_Node, "\x5a\x06\x12\x04\x12\x02\xc3\x28",
                   "sample3.Node.name: a string is not UTF-8 (byte 6)");
}

static void memory_is_bounded_by_the_size_of_the_input(void **state)
{
    bench *b = *state;
    size_t size = 400000;
    char *wire = malloc(size);
    for (size_t i = 0; i < size; i += 2) {
        wire[i] = 0x42; /* an empty child in two bytes: a hundred times that in memory */
        wire[i + 1] = 0;
    }
    size_t before = arena_size(b->arena);
    assert_null(sample3_Node_decode((proa_bytes){ wire, size }, b->arena, &b->error));
    assert_int_equal(b->error.code, PROA_ERR_LIMIT);
    assert_non_null(strstr(b->error.text, "too much memory"));
    assert_true(arena_size(b->arena) - before < 2 * 1024 * 1024 + 16 * size);
    assert_non_null(sample3_Node_decode((proa_bytes){ wire, 4000 }, b->arena, &b->error));
    free(wire);
}

static void everything_survives_cuts_and_changes(void **state)
{
    static const char node[] =
        "\x08\x96\x01\x12\x03"
        "Ada\x18\x03\x21\0\0\0\0\0\0\xf8\x3f\x2a\x02\x00\xff\x32\x04\x01\x96\x01\x03\x30\x07\x3a\x02"
        "ab"
        "\x3a\x00\x42\x06\x08\x01\x42\x02\x08\x02\x42\x00\x4a\x03\x12\x01l\x52\x05\x0a\x01k\x10\x01\x52\x05\x0a\x01k\x10\x02"
        "\x5a\x06\x08\x01\x12\x02\x08\x03\x60\x01\x68\x02\x82\x01\x02\x08\x01\x8a\x01\x00\x90\x01\x01\x92\x01\x02\x01\x02"
        "\xfa\x7f\x08\1\2\3\4\5\6\7\x08\xc0\xb8\x02\x01\xcd\xb8\x02\0\0\x20\x40\xa3\x1f\x08\x01\xa4\x1f";
    static const char legacy[] =
        "\x08\x01\x10\x02\x18\x01\x18\x09\x1a\x02\x01\x07\x22\x03\x01\x05\x06\x20\x02\x2b\x0a\x01n\x15\1\0\0\0\x2c\x33\x08\x01\x34"
        "\x3a\x05\x0a\x01r\x10\x01\x3a\x05\x0a\x01s\x10\x09\x42\x02\x08\x01\x48\x03\x4a\x02\x01\x02\x52\x01t\x5d\0\0\0\x40"
        "\x6b\x0a\x02\x08\x02\x6c\xf8\x07\x01";
    bench_survive(*state, &sample3_Node_type, BYTES(node));
    bench_survive(*state, &sample2_Legacy_type, BYTES(legacy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(an_empty_message_is_all_defaults),
        BENCH_TEST(scalars_of_every_wire_type_come_through),
        BENCH_TEST(strings_alias_the_input),
        BENCH_TEST(the_last_scalar_wins),
        BENCH_TEST(present_and_empty_is_not_absent),
        BENCH_TEST(submessages_merge),
        BENCH_TEST(message_oneofs_merge_while_they_stay_and_start_anew_after_another),
        BENCH_TEST(the_last_member_of_a_oneof_wins),
        BENCH_TEST(small_types_truncate_varints_of_64_bits),
        BENCH_TEST(a_varint_may_be_longer_than_it_needs),
        BENCH_TEST(a_long_varint_in_the_middle_is_read_as_at_the_end),
        BENCH_TEST(varints_of_more_than_10_bytes_are_refused),
        BENCH_TEST(tags_that_cannot_be_are_refused),
        BENCH_TEST(a_tag_may_be_longer_than_it_needs_up_to_5_bytes),
        BENCH_TEST(every_cut_is_refused),
        BENCH_TEST(a_submessage_does_not_read_past_its_own_end),
        BENCH_TEST(strings_that_are_not_utf8_are_refused_and_bytes_are_not),
        BENCH_TEST(open_enums_keep_any_number),
        BENCH_TEST(closed_enums_send_other_numbers_to_the_unknown),
        BENCH_TEST(groups_come_through),
        BENCH_TEST(groups_merge),
        BENCH_TEST(groups_that_do_not_match_are_refused),
        BENCH_TEST(nesting_is_limited_to_100_messages),
        BENCH_TEST(nesting_counts_groups_and_unknown_groups),
        BENCH_TEST(a_wrong_wire_type_is_an_unknown_field),
        BENCH_TEST(errors_name_the_innermost_field),
        BENCH_TEST(memory_is_bounded_by_the_size_of_the_input),
        BENCH_TEST(everything_survives_cuts_and_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
