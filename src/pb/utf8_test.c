/* SPDX-License-Identifier: Apache-2.0 */
#include "pb/sample_testlib.h"
#include "pb/utf8.h"
#include <string.h>

/* By the definition of RFC 3629: decode, then judge the number. */
static size_t reference_prefix(const char *data, size_t size)
{
    const unsigned char *u = (const unsigned char *)data;
    size_t at = 0;
    while (at < size) {
        static const struct {
            unsigned char mask, mark;
            size_t size;
            uint32_t least;
        } forms[] = {
            { 0x80, 0x00, 1, 0 },
            { 0xe0, 0xc0, 2, 0x80 },
            { 0xf0, 0xe0, 3, 0x800 },
            { 0xf8, 0xf0, 4, 0x10000 },
        };
        size_t form = 0;
        while (form < 4 && (u[at] & forms[form].mask) != forms[form].mark)
            form++;
        if (form == 4 || size - at < forms[form].size)
            return at;
        uint32_t code = u[at] & (unsigned char)~forms[form].mask;
        for (size_t i = 1; i < forms[form].size; i++) {
            if ((u[at + i] & 0xc0) != 0x80)
                return at;
            code = code << 6 | (u[at + i] & 0x3f);
        }
        if (code < forms[form].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return at;
        at += forms[form].size;
    }
    return at;
}

static void every_sequence_up_to_two_bytes_and_a_sample_of_longer_ones_is_judged_as_by_the_definition(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++)
            for (unsigned c = 0x7f; c < 0xc2; c += 0x21) {
                char text[5] = { (char)a, (char)b, (char)c, (char)0xbf, 'x' };
                for (size_t size = 0; size <= 5; size++)
                    assert_int_equal(utf8_prefix(text, size), reference_prefix(text, size));
            }
}

static void a_bad_byte_is_found_at_every_place_of_a_long_text(void **state)
{
    (void)state;
    char text[100];
    for (size_t size = 1; size <= sizeof text; size++)
        for (size_t bad = 0; bad < size; bad++) {
            memset(text, 'a', sizeof text);
            text[bad] = (char)0xff;
            assert_int_equal(utf8_prefix(text, size), bad);
            memset(text, 'a', sizeof text);
            text[bad] = (char)0xc3; /* a sequence cut by what follows or by the end */
            assert_int_equal(utf8_prefix(text, size), bad);
        }
}

static void random_mixtures_are_judged_as_by_the_definition(void **state)
{
    (void)state;
    static const char *const pieces[] = { "a",
                                          "bcdefghijklmnop",
                                          "\xc3\xa9",
                                          "\xe2\x82\xac",
                                          "\xf0\x9f\x98\x80",
                                          "\xed\x9f\xbf",
                                          "\xed\xa0\x80",
                                          "\xf4\x8f\xbf\xbf",
                                          "\xf4\x90\x80\x80",
                                          "\xc0\x80",
                                          "\xe0\x80\x80" };
    uint32_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char text[64];
        size_t size = 0;
        for (;;) {
            seed = seed * 1664525 + 1013904223;
            uint32_t roll = seed >> 10;
            const char *piece = pieces[roll % 64 < 4 ? 6 + roll % 5 : roll % 6];
            if (size + strlen(piece) > sizeof text)
                break;
            memcpy(text + size, piece, strlen(piece));
            size += strlen(piece);
        }
        assert_int_equal(utf8_prefix(text, size), reference_prefix(text, size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_up_to_two_bytes_and_a_sample_of_longer_ones_is_judged_as_by_the_definition),
        cmocka_unit_test(a_bad_byte_is_found_at_every_place_of_a_long_text),
        cmocka_unit_test(random_mixtures_are_judged_as_by_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
