/* SPDX-License-Identifier: Apache-2.0 */
/* The frame header, and the table of rules of every type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/frame.h"

static void header_is_written_as_it_is_read(void **state)
{
    (void)state;
    frame f = { .length = 0x123456, .type = 9, .flags = 0xa5, .stream_id = 0x7fffffff };
    char bytes[FRAME_HEADER_SIZE];
    frame_encode(bytes, f);
    assert_memory_equal(bytes, "\x12\x34\x56\x09\xa5\x7f\xff\xff\xff", FRAME_HEADER_SIZE);
    bytes[5] = (char)0xff; /* the reserved bit: RFC 9113 4.1 */
    frame again = frame_decode(bytes);
    assert_int_equal(again.length, f.length);
    assert_int_equal(again.type, f.type);
    assert_int_equal(again.flags, f.flags);
    assert_int_equal(again.stream_id, f.stream_id);
}

/* For each type: legal stream (0, 1: some, 2: both), shortest and longest payload, scope of a wrong length. */
static void each_type_has_its_place_and_length(void **state)
{
    (void)state;
    static const struct {
        unsigned where, min, max;
        h2_scope scope;
    } rules[FRAME_TYPES] = {
        { 1, 0, 16384, H2_SCOPE_NONE },   { 1, 0, 16384, H2_SCOPE_NONE },       { 1, 5, 5, H2_SCOPE_STREAM },
        { 1, 4, 4, H2_SCOPE_CONNECTION }, { 0, 0, 16380, H2_SCOPE_CONNECTION }, { 1, 4, 16384, H2_SCOPE_CONNECTION },
        { 0, 8, 8, H2_SCOPE_CONNECTION }, { 0, 8, 16384, H2_SCOPE_CONNECTION }, { 2, 4, 4, H2_SCOPE_CONNECTION },
        { 1, 0, 16384, H2_SCOPE_NONE },
    };
    for (unsigned type = 0; type < FRAME_TYPES; type++)
        for (uint32_t id = 0; id < 2; id++)
            for (uint32_t length = 0; length <= 16386; length += length < 20 || length > 16370 ? 1 : 6) {
                h2_fault fault =
                    frame_check((frame){ .type = (uint8_t)type, .stream_id = id, .length = length }, 16384);
                bool is_placed = rules[type].where == 2 || rules[type].where == id;
                bool is_long = length >= rules[type].min && length <= rules[type].max;
                if (type == FRAME_SETTINGS && length % 6)
                    is_long = false;
                assert_int_equal(fault.scope != H2_SCOPE_NONE, !(is_placed && is_long && length <= 16384));
                if (length > 16384)
                    assert_int_equal(fault.code, H2_FRAME_SIZE_ERROR);
                else if (!is_placed)
                    assert_int_equal(fault.code, H2_PROTOCOL_ERROR);
                else if (!is_long)
                    assert_true(fault.code == H2_FRAME_SIZE_ERROR && fault.scope == rules[type].scope);
                assert_int_equal(fault.scope != H2_SCOPE_NONE, fault.reason != NULL);
            }
}

static void unknown_types_only_have_a_length(void **state)
{
    (void)state;
    assert_int_equal(frame_check((frame){ .type = 10, .stream_id = 5, .length = 16384 }, 16384).scope, H2_SCOPE_NONE);
    assert_int_equal(frame_check((frame){ .type = 255, .length = 16385 }, 16384).scope, H2_SCOPE_CONNECTION);
}

static void padding_comes_off(void **state)
{
    (void)state;
    frame f = { .type = FRAME_HEADERS, .flags = FRAME_PADDED };
    proa_bytes payload = { "\2ab\0\0", 5 };
    assert_int_equal(frame_unpad(f, &payload).scope, H2_SCOPE_NONE);
    assert_true(bytes_is(payload, "ab", 2));
    payload = (proa_bytes){ "\0", 1 };
    assert_int_equal(frame_unpad(f, &payload).scope, H2_SCOPE_NONE);
    assert_int_equal(payload.size, 0);
    payload = (proa_bytes){ "\1", 1 };
    assert_int_equal(frame_unpad(f, &payload).code, H2_PROTOCOL_ERROR);
    payload = (proa_bytes){ "", 0 };
    assert_int_equal(frame_unpad(f, &payload).code, H2_FRAME_SIZE_ERROR);
    f.flags = 0;
    payload = (proa_bytes){ "\1", 1 };
    assert_int_equal(frame_unpad(f, &payload).scope, H2_SCOPE_NONE);
    assert_int_equal(payload.size, 1);
}

static void names_are_told(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(frame_flags_text((frame){ .type = FRAME_HEADERS, .flags = 0xff }, out),
                        " END_STREAM END_HEADERS PADDED PRIORITY");
    assert_string_equal(frame_flags_text((frame){ .type = FRAME_PING, .flags = 0xff }, out), " ACK");
    assert_string_equal(frame_flags_text((frame){ .type = FRAME_GOAWAY, .flags = 0xff }, out), "");
    assert_string_equal(frame_type_name(FRAME_CONTINUATION), "CONTINUATION");
    assert_string_equal(frame_type_name(10), "UNKNOWN");
    assert_string_equal(h2_code_name(H2_HTTP_1_1_REQUIRED), "HTTP_1_1_REQUIRED");
    assert_string_equal(h2_code_name(14), "UNKNOWN");
    assert_string_equal(h2_code_name(UINT32_MAX), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_written_as_it_is_read),
        cmocka_unit_test(each_type_has_its_place_and_length),
        cmocka_unit_test(unknown_types_only_have_a_length),
        cmocka_unit_test(padding_comes_off),
        cmocka_unit_test(names_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
