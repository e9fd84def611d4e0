/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as bytes, and DATA frames that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/base.h"
#include "h2/output.h"

static void expect(output *o, const char *bytes, size_t size)
{
    proa_bytes parts[8];
    size_t all, at = 0;
    size_t count = queue_parts(&o->queue, parts, 8, &all);
    assert_int_equal(all, size);
    for (size_t i = 0; i < count; at += parts[i++].size)
        assert_memory_equal(parts[i].data, bytes + at, parts[i].size);
    output_drop(o, all);
}
#define EXPECT(o, literal) expect((o), "" literal "", sizeof(literal) - 1)

static void put_data(output *o, uint32_t id, const char *text, bool is_end, uint32_t length_max)
{
    proa_bytes part = proa_bytes_of(text);
    output_cursor from = { .parts = &part, .count = 1 };
    output_data(o, id, &from, part.size, is_end, length_max);
}

static void every_frame_is_written_as_its_rfc_says(void **state)
{
    (void)state;
    output o = { 0 };
    output_settings(&o, "\0\3\0\0\0\1", 6);
    EXPECT(&o, "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\1");
    output_settings_ack(&o);
    EXPECT(&o, "\0\0\0\4\1\0\0\0\0");
    output_ping(&o, UINT64_C(0x0102030405060708), true);
    EXPECT(&o, "\0\0\x8\6\1\0\0\0\0\1\2\3\4\5\6\7\x8");
    output_reset(&o, 5, H2_CANCEL);
    EXPECT(&o, "\0\0\4\3\0\0\0\0\5\0\0\0\x8");
    output_window(&o, 0, 0x7fffffff);
    EXPECT(&o, "\0\0\4\x8\0\0\0\0\0\x7f\xff\xff\xff");
    output_goaway(&o, 3, H2_ENHANCE_YOUR_CALM, PROA_STR("hi"));
    EXPECT(&o, "\0\0\xa\7\0\0\0\0\0\0\0\0\3\0\0\0\xbhi");
    assert_int_equal(o.sent, 15 + 9 + 17 + 13 + 13 + 19);
    output_fini(&o);
}

static void data_of_one_stream_grows_until_something_comes_between(void **state)
{
    (void)state;
    output o = { 0 };
    put_data(&o, 1, "ab", false, 5);
    put_data(&o, 1, "cde", false, 5);
    put_data(&o, 1, "f", false, 5); /* the frame is full */
    EXPECT(&o, "\0\0\5\0\0\0\0\0\1abcde"
               "\0\0\1\0\0\0\0\0\1f");
    put_data(&o, 1, "g", false, 5); /* the one before was sent */
    put_data(&o, 3, "h", false, 5);
    put_data(&o, 1, "i", false, 5);
    output_window(&o, 1, 1);
    put_data(&o, 1, "j", false, 5);
    put_data(&o, 1, "k", true, 5); /* the end is a frame of its own */
    EXPECT(&o, "\0\0\1\0\0\0\0\0\1g"
               "\0\0\1\0\0\0\0\0\3h"
               "\0\0\1\0\0\0\0\0\1i"
               "\0\0\4\x8\0\0\0\0\1\0\0\0\1"
               "\0\0\1\0\0\0\0\0\1j"
               "\0\0\1\0\1\0\0\0\1k");
    put_data(&o, 1, "l", false, 5);
    output_seal(&o);
    put_data(&o, 1, "m", false, 5);
    EXPECT(&o, "\0\0\1\0\0\0\0\0\1l"
               "\0\0\1\0\0\0\0\0\1m");
    output_fini(&o);
}

static void parts_are_taken_from_where_the_last_frame_ended(void **state)
{
    (void)state;
    output o = { 0 };
    proa_bytes parts[] = { PROA_STR("abc"), { "", 0 }, PROA_STR("de"), PROA_STR("f") };
    output_cursor from = { .parts = parts, .count = 4 };
    output_data(&o, 1, &from, 4, false, 4);
    output_data(&o, 1, &from, 2, true, 4);
    EXPECT(&o, "\0\0\4\0\0\0\0\0\1abcd"
               "\0\0\2\0\1\0\0\0\1ef");
    output_fini(&o);
}

static void answers_are_counted_until_all_was_sent(void **state)
{
    (void)state;
    output o = { 0 };
    output_settings_ack(&o);
    output_ping(&o, 1, true);
    output_ping(&o, 1, false); /* ours is no answer */
    output_reset(&o, 1, 0);
    assert_int_equal(o.controls, 3);
    output_drop(&o, o.queue.size - 1);
    assert_int_equal(o.controls, 3);
    output_drop(&o, 1);
    assert_int_equal(o.controls, 0);
    output_fini(&o);
}

static void no_memory_is_remembered_and_nothing_more_is_written(void **state)
{
    (void)state;
    output o = { 0 };
    memory_watch(1);
    output_settings_ack(&o);
    memory_unwatch();
    assert_true(o.is_failed);
    put_data(&o, 1, "a", false, 5);
    output_ping(&o, 1, true);
    assert_int_equal(o.queue.size, 0);
    output_fini(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_written_as_its_rfc_says),
        cmocka_unit_test(data_of_one_stream_grows_until_something_comes_between),
        cmocka_unit_test(parts_are_taken_from_where_the_last_frame_ended),
        cmocka_unit_test(answers_are_counted_until_all_was_sent),
        cmocka_unit_test(no_memory_is_remembered_and_nothing_more_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
