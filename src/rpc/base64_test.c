/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/base64.h"
#include "base/bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void encodes(proa_bytes raw, const char *text)
{
    char out[64];
    assert_int_equal(base64_encoded_size(raw.size), strlen(text));
    base64_encode(raw, out);
    assert_memory_equal(out, text, strlen(text));
}

static void decodes(const char *text, proa_bytes raw)
{
    char out[64];
    size_t size = 99;
    proa_bytes in = proa_bytes_of(text);
    assert_true(base64_is_valid(in));
    assert_true(base64_decode(in, out, &size));
    assert_int_equal(size, raw.size);
    assert_true(size <= base64_decoded_size_max(in.size));
    if (size)
        assert_memory_equal(out, raw.data, size);
}

static void refuses(const char *text)
{
    char out[64];
    size_t size = 99;
    assert_false(base64_is_valid(proa_bytes_of(text)));
    assert_false(base64_decode(proa_bytes_of(text), out, &size));
    assert_int_equal(size, 99);
}

static void base64_is_written_without_padding(void **state)
{
    (void)state;
    encodes(PROA_STR(""), "");
    encodes(PROA_STR("f"), "Zg");
    encodes(PROA_STR("fo"), "Zm8");
    encodes(PROA_STR("foo"), "Zm9v");
    encodes(PROA_STR("foobar"), "Zm9vYmFy");
    encodes(PROA_STR("\xab\xab\xab"), "q6ur");
    encodes(PROA_STR("\xfb\xff"), "+/8");
}

static void base64_is_read_padded_and_unpadded(void **state)
{
    (void)state;
    decodes("", PROA_STR(""));
    decodes("Zg", PROA_STR("f"));
    decodes("Zg==", PROA_STR("f"));
    decodes("Zm8", PROA_STR("fo"));
    decodes("Zm8=", PROA_STR("fo"));
    decodes("Zm9v", PROA_STR("foo"));
    decodes("+/8=", PROA_STR("\xfb\xff"));
    decodes("AAAAAA", PROA_STR("\0\0\0\0"));
    decodes("Zh", PROA_STR("f")); /* bits behind the last byte are not looked at */
}

static void base64_that_is_none_is_refused(void **state)
{
    (void)state;
    refuses("A");
    refuses("AAAAA");
    refuses("=");
    refuses("==");
    refuses("====");
    refuses("A===");
    refuses("AA=");
    refuses("AAA==");
    refuses("AA==AA==");
    refuses("=AAA");
    refuses("AA A");
    refuses("AA-_");
    refuses("AA\xc3\xa4");
    refuses("A\nAA");
}

static void base64_of_every_byte_comes_back(void **state)
{
    (void)state;
    char raw[256], text[512], back[512];
    for (int i = 0; i < 256; i++)
        raw[i] = (char)(i * 7);
    for (size_t size = 0; size <= sizeof raw; size++) {
        base64_encode((proa_bytes){ raw, size }, text);
        size_t got = 0;
        assert_true(base64_decode((proa_bytes){ text, base64_encoded_size(size) }, back, &got));
        assert_int_equal(got, size);
        assert_memory_equal(back, raw, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_written_without_padding),
        cmocka_unit_test(base64_is_read_padded_and_unpadded),
        cmocka_unit_test(base64_that_is_none_is_refused),
        cmocka_unit_test(base64_of_every_byte_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
