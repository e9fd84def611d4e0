/* SPDX-License-Identifier: Apache-2.0 */
#include "pb/sample_testlib.h"
#include <stdlib.h>

static const char NODE[] =
    "\x08\x96\x01\x12\x03"
    "Ada\x18\x03\x21\0\0\0\0\0\0\xf8\x3f\x2a\x02\x00\xff\x32\x04\x01\x96\x01\x03\x3a\x02"
    "ab\x3a\x00"
    "\x42\x06\x08\x01\x42\x02\x08\x02\x42\x00\x4a\x03\x12\x01l\x52\x05\x0a\x01k\x10\x01\x5a\x06\x08\x01\x12\x02\x08\x03\x60\x01"
    "\x82\x01\x02\x08\x01\x8a\x01\x00\x90\x01\x01\xfa\x7f\x08\1\2\3\4\5\6\7\x08\xa3\x1f\x08\x01\xa4\x1f\xa0\x1f\x07";
static const char LEGACY[] =
    "\x08\x01\x10\x02\x18\x01\x2b\x0a\x01n\x15\1\0\0\0\x2c\x33\x08\x01\x34\x3a\x05\x0a\x01r\x10\x01"
    "\x42\x02\x08\x01\x52\x01t\x6b\x0a\x02\x08\x02\x6c\x18\x09";

/* The original is overwritten before the copy is looked at. */
static void check(const proa_type *type, const char *wire, size_t size)
{
    proa_arena *first = proa_arena_new(0), *second = proa_arena_new(0);
    char *input = malloc(size);
    memcpy(input, wire, size);
    void *message = proa_decode(type, (proa_bytes){ input, size }, first, NULL);
    assert_non_null(message);
    void *copy = proa_clone(type, message, second);
    assert_non_null(copy);
    memset(input, 0xff, size);
    free(input);
    proa_arena_free(first);
    proa_bytes again;
    assert_int_equal(proa_encode(type, copy, second, &again), PROA_ERR_NONE);
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, wire, size);
    proa_arena_free(second);
}

static void a_copy_lives_without_its_original(void **state)
{
    (void)state;
    check(&sample3_Node_type, NODE, sizeof NODE - 1);
    check(&sample2_Legacy_type, LEGACY, sizeof LEGACY - 1);
    check(&sample3_Node_type, BYTES("\x72\x01"
                                    "e"));
    check(&sample3_Node_type, BYTES("\x78\x05"));
    check(&sample3_Node_type, BYTES(""));
}

static void what_a_user_built_on_the_stack_is_copied(void **state)
{
    bench *b = *state;
    sample3_Node left = { .name = PROA_STR("left") };
    sample3_Node m = { .id = 1, .left = &left, .contact = { .which = sample3_Node_contact_phone, .phone = 3 } };
    sample3_Node *copy = proa_clone(&sample3_Node_type, &m, b->arena);
    left.name = PROA_STR("gone");
    assert_bytes(copy->left->name, "left");
    assert_int_equal(copy->contact.phone, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_copy_lives_without_its_original),
        BENCH_TEST(what_a_user_built_on_the_stack_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
