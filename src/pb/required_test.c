/* SPDX-License-Identifier: Apache-2.0 */
#include "pb/sample_testlib.h"

static void a_missing_field_is_named_when_decoding(void **state)
{
    bench *b = *state;
    assert_refused(b, sample2_Legacy, "\x10\x02", "sample2.Legacy.id: it is required and missing");
    assert_int_equal(b->error.code, PROA_ERR_REQUIRED);
    assert_refused(b, sample2_Legacy, "\x08\x01\x2b\x2c", "sample2.Legacy.Part.name: it is required");
    assert_refused(b, sample2_Legacy, "\x08\x01\x6b\x0a\x00\x6c", "sample2.Legacy.id: it is required");
    assert_non_null(DECODE2(b, "\x08\x00"));
    assert_non_null(DECODE2(b, "\x08\x01\x2b\x0a\x00\x2c"));
}

static void it_is_looked_for_in_lists_and_maps(void **state)
{
    bench *b = *state;
    assert_refused(b, sample2_Legacy_Crowd, "\x12\x02\x08\x01\x12\x00", "sample2.Legacy.id: it is required");
    assert_refused(b, sample2_Legacy_Crowd, "\x1a\x04\x08\x01\x12\x00", "sample2.Legacy.id: it is required");
    assert_refused(b, sample2_Legacy_Crowd, "\x1a\x02\x08\x01", "sample2.Legacy.id: it is required");
    sample2_Legacy_Crowd *m =
        bench_decode(b, &sample2_Legacy_Crowd_type, BYTES("\x12\x02\x08\x01\x1a\x06\x08\x07\x12\x02\x08\x05"));
    assert_int_equal(m->others.data[0].id.value, 1);
    assert_int_equal(m->numbered.data[0].key, 7);
    assert_int_equal(m->numbered.data[0].value.id.value, 5);
    m->numbered.data[0].value.id.has = false;
    proa_bytes out;
    assert_int_equal(sample2_Legacy_Crowd_encode(m, b->arena, &out), PROA_ERR_REQUIRED);
}

static void it_may_come_in_another_part_of_a_message(void **state)
{
    assert_non_null(DECODE2(*state, "\x2b\x15\1\0\0\0\x2c\x08\x01\x2b\x0a\x01n\x2c"));
}

static void it_may_be_missing_in_a_message_that_the_oneof_left(void **state)
{
    assert_non_null(DECODE2(*state, "\x08\x01\x6b\x0a\x00\x6c\x70\x01"));
}

static void a_missing_field_is_named_when_encoding(void **state)
{
    bench *b = *state;
    pb_scratch scratch = { .block = NULL };
    proa_bytes out = { "untouched", 9 };
    sample2_Legacy_Part part = { .size = PROA_SOME(3) };
    sample2_Legacy m = { .part = &part };
    assert_int_equal(pb_encode_scratch(&sample2_Legacy_type, &m, &scratch, &out), PROA_ERR_REQUIRED);
    assert_string_equal(scratch.error.text, "sample2.Legacy.id: it is required and not set");
    PROA_SET(m.id, 1);
    assert_int_equal(pb_encode_scratch(&sample2_Legacy_type, &m, &scratch, &out), PROA_ERR_REQUIRED);
    assert_string_equal(scratch.error.text, "sample2.Legacy.Part.name: it is required and not set");
    assert_int_equal(sample2_Legacy_encode(&m, b->arena, &out), PROA_ERR_REQUIRED);
    assert_string_equal(out.data, "untouched");
    part.name = PROA_STR("");
    assert_encodes(b, sample2_Legacy, &m, "\x08\x01\x2b\x0a\x00\x15\3\0\0\0\x2c");
    pb_scratch_fini(&scratch);
}

static void a_circle_is_an_error(void **state)
{
    bench *b = *state;
    proa_bytes out;
    pb_scratch scratch = { .block = NULL };
    sample2_Legacy_Crowd crowd;
    sample2_Legacy m = { .id = PROA_SOME(1), .choice = { .which = sample2_Legacy_choice_crowd, .crowd = &crowd } };
    crowd = (sample2_Legacy_Crowd){ .first = &m };
    assert_int_equal(sample2_Legacy_encode(&m, b->arena, &out), PROA_ERR_LIMIT);
    assert_int_equal(pb_encode_scratch(&sample2_Legacy_type, &m, &scratch, &out), PROA_ERR_LIMIT);
    assert_non_null(strstr(scratch.error.text, "in a circle"));
    sample3_Node node = { .id = 1 };
    node.left = &node;
    assert_int_equal(sample3_Node_encode(&node, b->arena, &out), PROA_ERR_LIMIT);
    assert_null(proa_clone(&sample3_Node_type, &node, b->arena));
    pb_scratch_fini(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_missing_field_is_named_when_decoding),
        BENCH_TEST(it_is_looked_for_in_lists_and_maps),
        BENCH_TEST(it_may_come_in_another_part_of_a_message),
        BENCH_TEST(it_may_be_missing_in_a_message_that_the_oneof_left),
        BENCH_TEST(a_missing_field_is_named_when_encoding),
        BENCH_TEST(a_circle_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
