/* SPDX-License-Identifier: Apache-2.0 */
/* Views: absent, empty, equal, prefixes, hashes, big-endian numbers. */
#include "base/bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void absent_text_is_an_absent_view(void **state)
{
    (void)state;
    assert_null(proa_bytes_of(NULL).data);
    assert_int_equal(proa_bytes_of(NULL).size, 0);
    assert_int_equal(proa_bytes_of("abc").size, 3);
}

static void equal_is_by_content(void **state)
{
    (void)state;
    assert_true(proa_bytes_is_equal(PROA_STR("a\0b"), PROA_STR("a\0b")));
    assert_false(proa_bytes_is_equal(PROA_STR("a\0b"), PROA_STR("a\0c")));
    assert_false(proa_bytes_is_equal(PROA_STR("ab"), PROA_STR("abc")));
    assert_true(proa_bytes_is_equal(PROA_STR(""), (proa_bytes){ NULL, 0 }));
    assert_true(BYTES_IS(PROA_STR("te"), "te"));
    assert_false(BYTES_IS(PROA_STR("te"), "t"));
    assert_true(BYTES_IS(((proa_bytes){ NULL, 0 }), ""));
}

static void prefixes_are_found(void **state)
{
    (void)state;
    assert_true(bytes_starts_with(PROA_STR("grpc-status"), PROA_STR("grpc-")));
    assert_false(bytes_starts_with(PROA_STR("grpc"), PROA_STR("grpc-")));
    assert_false(bytes_starts_with(PROA_STR("grpx-"), PROA_STR("grpc-")));
    assert_true(bytes_starts_with((proa_bytes){ NULL, 0 }, PROA_STR("")));
}

static void the_hash_depends_on_every_byte_the_size_and_the_seed(void **state)
{
    (void)state;
    char text[20] = { 0 };
    for (size_t size = 0; size <= sizeof text; size++) {
        proa_bytes bytes = { text, size };
        uint64_t hash = bytes_hash(bytes, 1);
        assert_true(hash == bytes_hash(bytes, 1));
        assert_true(hash != bytes_hash(bytes, 2));
        assert_true(size == 0 || hash != bytes_hash((proa_bytes){ text, size - 1 }, 1));
        for (size_t at = 0; at < size; at++) {
            text[at] ^= 1;
            assert_true(hash != bytes_hash(bytes, 1));
            text[at] ^= 1;
        }
    }
}

static void numbers_are_big_endian(void **state)
{
    (void)state;
    char out[4];
    bytes_put_u32_be(out, 0xfe010203);
    assert_memory_equal(out, "\xfe\x01\x02\x03", 4);
    assert_true(bytes_u32_be(out) == 0xfe010203);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_text_is_an_absent_view),
        cmocka_unit_test(equal_is_by_content),
        cmocka_unit_test(prefixes_are_found),
        cmocka_unit_test(the_hash_depends_on_every_byte_the_size_and_the_seed),
        cmocka_unit_test(numbers_are_big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
