/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in place where they can be, kept where they must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/base.h"
#include "h2/input.h"

static void a_unit_inside_a_feed_is_seen_in_place(void **state)
{
    (void)state;
    input in = { 0 };
    proa_err err = PROA_ERR_NONE;
    const char *fed = "abcdef";
    memory_watch(0);
    assert_int_equal(input_feed(&in, (proa_bytes){ fed, 6 }), 0);
    assert_ptr_equal(input_need(&in, 4, &err).data, fed);
    input_skip(&in, 4);
    assert_ptr_equal(input_some(&in).data, fed + 4);
    assert_null(input_need(&in, 3, &err).data);
    input_skip(&in, 2);
    assert_int_equal(input_keep(&in), 0);
    assert_int_equal(memory_unwatch(), 0);
    assert_int_equal(input_size(&in), 0);
}

/* Units of n bytes through feeds of m bytes: they come out whole and in order. */
static void a_unit_that_is_cut_is_gathered(void **state)
{
    (void)state;
    for (size_t unit = 1; unit < 40; unit += 3)
        for (size_t piece = 1; piece < 60; piece += 7) {
            input in = { 0 };
            unsigned char next_in = 0, next_out = 0;
            for (size_t fed = 0; fed < 600; fed += piece) {
                char bytes[64];
                for (size_t i = 0; i < piece; i++)
                    bytes[i] = (char)next_in++;
                assert_int_equal(input_feed(&in, (proa_bytes){ bytes, piece }), 0);
                proa_err err = PROA_ERR_NONE;
                for (proa_bytes got; (got = input_need(&in, unit, &err)).data != NULL; input_skip(&in, unit))
                    for (size_t i = 0; i < unit; i++)
                        assert_int_equal((unsigned char)got.data[i], next_out++);
                assert_int_equal(err, 0);
                assert_int_equal(input_keep(&in), 0);
                memset(bytes, 0, sizeof bytes); /* the pump has them back */
                assert_true(input_size(&in) < unit);
            }
            buffer_fini(&in.kept);
        }
}

static void no_memory_is_told(void **state)
{
    (void)state;
    input in = { 0 };
    proa_err err = PROA_ERR_NONE;
    assert_int_equal(input_feed(&in, PROA_STR("abc")), 0);
    memory_watch(1);
    assert_int_equal(input_keep(&in), PROA_ERR_NOMEM);
    memory_unwatch();
    char large[1000] = { 0 };
    assert_int_equal(input_feed(&in, PROA_STR("a")), 0);
    assert_int_equal(input_keep(&in), 0);
    assert_int_equal(input_feed(&in, (proa_bytes){ large, sizeof large }), 0);
    memory_watch(1);
    assert_null(input_need(&in, 900, &err).data);
    memory_unwatch();
    assert_int_equal(err, PROA_ERR_NOMEM);
    buffer_fini(&in.kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_inside_a_feed_is_seen_in_place),
        cmocka_unit_test(a_unit_that_is_cut_is_gathered),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
