/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer against a model: what goes in comes out, in order, also when there is no memory. */
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    buffer b = { 0 };
    uint32_t seed = 1;
    unsigned char in = 0, out = 0;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t size = seed >> 16 & 0x7f;
        if (seed >> 28 < 8) {
            char chunk[128];
            for (size_t at = 0; at < size; at++)
                chunk[at] = (char)in++;
            assert_int_equal(buffer_append(&b, chunk, size), PROA_ERR_NONE);
        } else {
            size = size < buffer_size(&b) ? size : buffer_size(&b);
            proa_bytes bytes = buffer_bytes(&b);
            for (size_t at = 0; at < size; at++)
                assert_int_equal((unsigned char)bytes.data[at], out++);
            buffer_consume(&b, size);
        }
    }
    assert_true(b.capacity < 1 << 16);
    buffer_fini(&b);
    assert_null(b.data);
}

static void an_emptied_buffer_starts_over(void **state)
{
    (void)state;
    buffer b = { 0 };
    assert_int_equal(buffer_bytes(&b).size, 0);
    assert_non_null(buffer_bytes(&b).data);
    assert_int_equal(buffer_append(&b, NULL, 0), PROA_ERR_NONE);
    assert_int_equal(buffer_append(&b, "abc", 3), PROA_ERR_NONE);
    buffer_consume(&b, 2);
    assert_int_equal(b.begin, 2);
    buffer_consume(&b, 1);
    assert_int_equal(b.begin, 0);
    assert_int_equal(b.end, 0);
    buffer_fini(&b);
}

static void a_steady_queue_neither_grows_nor_allocates(void **state)
{
    (void)state;
    buffer b = { 0 };
    char chunk[100] = { 0 };
    assert_int_equal(buffer_append(&b, chunk, 100), PROA_ERR_NONE);
    assert_int_equal(buffer_append(&b, chunk, 100), PROA_ERR_NONE);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(buffer_append(&b, chunk, 100), PROA_ERR_NONE);
        buffer_consume(&b, 100);
    }
    memory_watch(1);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buffer_append(&b, chunk, 100), PROA_ERR_NONE);
        buffer_consume(&b, 100);
    }
    assert_int_equal(memory_unwatch(), 0);
    assert_true(b.capacity <= 1024);
    buffer_fini(&b);
}

static void no_memory_leaves_the_content(void **state)
{
    (void)state;
    buffer b = { 0 };
    char large[1000] = { 0 };
    assert_int_equal(buffer_append(&b, "abc", 3), PROA_ERR_NONE);
    memory_watch(1);
    assert_int_equal(buffer_append(&b, large, sizeof large), PROA_ERR_NOMEM);
    memory_unwatch();
    assert_true(BYTES_IS(buffer_bytes(&b), "abc"));
    assert_int_equal(buffer_reserve(&b, SIZE_MAX - 1), PROA_ERR_NOMEM);
    assert_int_equal(buffer_reserve(&b, SIZE_MAX / 2), PROA_ERR_NOMEM);
    assert_true(BYTES_IS(buffer_bytes(&b), "abc"));
    buffer_fini(&b);
}

static void shrink_frees_only_an_empty_large_block(void **state)
{
    (void)state;
    buffer b = { 0 };
    assert_int_equal(buffer_reserve(&b, 5000), PROA_ERR_NONE);
    buffer_shrink(&b, 1 << 16);
    assert_non_null(b.data);
    assert_int_equal(buffer_append(&b, "x", 1), PROA_ERR_NONE);
    buffer_shrink(&b, 100);
    assert_non_null(b.data);
    buffer_consume(&b, 1);
    buffer_shrink(&b, 100);
    assert_null(b.data);
    buffer_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(an_emptied_buffer_starts_over),
        cmocka_unit_test(a_steady_queue_neither_grows_nor_allocates),
        cmocka_unit_test(no_memory_leaves_the_content),
        cmocka_unit_test(shrink_frees_only_an_empty_large_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
