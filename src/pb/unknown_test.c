/* SPDX-License-Identifier: Apache-2.0 */
#include "pb/sample_testlib.h"
#include "pb/wire.h"

static void unknown_fields_of_every_wire_type_are_kept_as_they_were(void **state)
{
    sample3_Node *m = DECODE3(
        *state, "\xa0\x1f\x05\xa1\x1f\1\2\3\4\5\6\7\x08\xa2\x1f\x02hi\xa3\x1f\x08\x01\x13\x14\xa4\x1f\xa5\x1f\1\2\3\4");
    assert_encodes(
        *state, sample3_Node, m,
        "\xa0\x1f\x05\xa1\x1f\1\2\3\4\5\6\7\x08\xa2\x1f\x02hi\xa3\x1f\x08\x01\x13\x14\xa4\x1f\xa5\x1f\1\2\3\4");
}

static void their_order_is_kept_and_they_come_last(void **state)
{
    sample3_Node *m = DECODE3(*state, "\xa0\x1f\x01\x08\x05\xa0\x1f\x02\x98\x1f\x03\x12\x01n\xa0\x1f\x04");
    assert_encodes(*state, sample3_Node, m, "\x08\x05\x12\x01n\xa0\x1f\x01\xa0\x1f\x02\x98\x1f\x03\xa0\x1f\x04");
}

static void a_run_of_them_is_one_view_of_the_input(void **state)
{
    sample3_Node *m = DECODE3(*state, "\xa0\x1f\x01\x98\x1f\x03\x08\x01\xa0\x1f\x04");
    assert_bytes(m->unknown_->bytes, "\xa0\x1f\x01\x98\x1f\x03");
    assert_bytes(m->unknown_->next->bytes, "\xa0\x1f\x04");
    assert_null(m->unknown_->next->next);
}

static void each_message_keeps_its_own(void **state)
{
    sample3_Node *m =
        DECODE3(*state, "\x4a\x03\xa0\x1f\x01\x42\x05\xa0\x1f\x02\x08\x01\xa0\x1f\x03\x4a\x03\xa0\x1f\x04");
    assert_encodes(*state, sample3_Node, m, "\x42\x05\x08\x01\xa0\x1f\x02\x4a\x06\xa0\x1f\x01\xa0\x1f\x04\xa0\x1f\x03");
}

static void numbers_of_an_enum_are_found_dense_sparse_and_with_aliases(void **state)
{
    static const proa_enum_value values[] = { { "A", -5 }, { "B", 0 },   { "C", 0 },
                                              { "D", 1 },  { "E", 100 }, { "F", INT32_MAX } };
    static const proa_enum_type type = { .version = 1, .values = values, .value_count = 6 }, empty = { .version = 1 };
    (void)state;
    static const int32_t in[] = { -5, 0, 1, 100, INT32_MAX },
                         out[] = { INT32_MIN, -6, -4, -1, 2, 99, 101, INT32_MAX - 1 };
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        assert_true(proa_is_named(&type, in[i]));
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
        assert_false(proa_is_named(&type, out[i]));
    assert_false(proa_is_named(&empty, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(unknown_fields_of_every_wire_type_are_kept_as_they_were),
        BENCH_TEST(their_order_is_kept_and_they_come_last),
        BENCH_TEST(a_run_of_them_is_one_view_of_the_input),
        BENCH_TEST(each_message_keeps_its_own),
        cmocka_unit_test(numbers_of_an_enum_are_found_dense_sparse_and_with_aliases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
