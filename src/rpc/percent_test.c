/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/percent.h"
#include "base/bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void encodes(proa_bytes text, const char *expected)
{
    char out[256], back[256];
    size_t size = percent_encode(text, out, sizeof out);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, size);
    assert_int_equal(percent_is_plain(text), text.size == size);
    assert_int_equal(percent_decode((proa_bytes){ out, size }, back), text.size);
    if (text.size)
        assert_memory_equal(back, text.data, text.size);
}

static void decodes(const char *text, const char *expected)
{
    char out[256];
    size_t size = percent_decode(proa_bytes_of(text), out);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, size);
}

static void grpc_message_passes_visible_ascii_and_encodes_the_rest(void **state)
{
    (void)state;
    encodes(PROA_STR(""), "");
    encodes(PROA_STR("a b~!\"#$&'"), "a b~!\"#$&'");
    encodes(PROA_STR("100%"), "100%25");
    encodes(PROA_STR("\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"),
            "%09%0Atest with whitespace%0D%0Aand Unicode BMP %E2%98%BA and non-BMP %F0%9F%98%88%09%0A");
    encodes(PROA_STR("\0\x7f\xff"), "%00%7F%FF");
}

static void grpc_message_neither_begins_nor_ends_with_a_space(void **state)
{
    (void)state;
    encodes(PROA_STR(" a b "), "%20a b%20");
    encodes(PROA_STR(" "), "%20");
    encodes(PROA_STR("  "), "%20%20");
}

static void grpc_message_that_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(percent_encode(PROA_STR("abcdef"), out, 3), 3);
    assert_int_equal(percent_encode(PROA_STR("a\u263a"), out, 9), 1);
    assert_int_equal(percent_encode(PROA_STR("a\u263a"), out, 10), 10);
    assert_int_equal(percent_encode(PROA_STR("\U0001f608"), out, 11), 0);
    assert_int_equal(percent_encode(PROA_STR("\x80\x80\x80\x80\x80"), out, 9), 9);
    assert_int_equal(percent_encode(PROA_STR("a   b"), out, 4), 1);
    assert_int_equal(percent_encode(PROA_STR("   b"), out, 4), 0);
    assert_int_equal(percent_encode(PROA_STR("abc"), out, 0), 0);
}

static void grpc_message_decoder_never_fails(void **state)
{
    (void)state;
    decodes("", "");
    decodes("%", "%");
    decodes("%4", "%4");
    decodes("%41", "A");
    decodes("%4g%", "%4g%");
    decodes("%%41", "%A");
    decodes("%e2%98%ba", "\u263a");
    decodes("100%25%", "100%%");
    decodes("\xff%41", "\xff"
                       "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grpc_message_passes_visible_ascii_and_encodes_the_rest),
        cmocka_unit_test(grpc_message_neither_begins_nor_ends_with_a_space),
        cmocka_unit_test(grpc_message_that_is_too_long_is_cut_between_characters),
        cmocka_unit_test(grpc_message_decoder_never_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
