/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered is found while everything is as it was, and only then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/bytes.h"
#include "h2/repeat.h"

static const proa_bytes block = { "\x88\xbe", 2 };

static void the_same_fields_are_found(void **state)
{
    (void)state;
    repeat r = { 0 };
    char value[] = "application/grpc";
    hpack_field fields[] = { hpack_field_of(HPACK_NAME_STATUS, PROA_STR("200")),
                             hpack_field_of(HPACK_NAME_CONTENT_TYPE, (proa_bytes){ value, 16 }) };
    assert_null(repeat_find(&r, fields, 2, 0).data);
    assert_null(repeat_find(&r, fields, 0, 0).data);
    repeat_keep(&r, fields, 2, 5, block);
    assert_true(proa_bytes_is_equal(repeat_find(&r, fields, 2, 5), block));
    assert_null(repeat_find(&r, fields, 2, 6).data);
    assert_null(repeat_find(&r, fields, 1, 5).data);
    value[15] = 'x'; /* the same place, other bytes */
    assert_null(repeat_find(&r, fields, 2, 5).data);
    value[15] = 'c';
    fields[1].value.size = 15;
    assert_null(repeat_find(&r, fields, 2, 5).data);
    fields[1].value.size = 16;
    fields[1].token = HPACK_NAME_SERVER;
    assert_null(repeat_find(&r, fields, 2, 5).data);
    fields[1].token = HPACK_NAME_CONTENT_TYPE;
    fields[1].is_never_indexed = true;
    assert_null(repeat_find(&r, fields, 2, 5).data);
}

static void what_is_long_secret_or_unknown_is_not_kept(void **state)
{
    (void)state;
    static const char text[200];
    repeat r = { 0 };
    hpack_field field = hpack_field_of(HPACK_NAME_SERVER, (proa_bytes){ text, REPEAT_BYTES_MAX });
    repeat_keep(&r, &field, 1, 1, (proa_bytes){ text, REPEAT_BLOCK_MAX + 1 });
    assert_int_equal(r.count, 0);
    repeat_keep(&r, &field, 1, 1, (proa_bytes){ text, REPEAT_BLOCK_MAX });
    assert_int_equal(repeat_find(&r, &field, 1, 1).size, REPEAT_BLOCK_MAX);
    hpack_field large = field;
    large.value.size++;
    repeat_keep(&r, &large, 1, 2, block);
    large = field;
    large.is_never_indexed = true;
    repeat_keep(&r, &large, 1, 2, block);
    large = (hpack_field){ .name = PROA_STR("x"), .value = PROA_STR("y") };
    repeat_keep(&r, &large, 1, 2, block);
    hpack_field many[REPEAT_FIELDS_MAX + 1];
    for (size_t i = 0; i <= REPEAT_FIELDS_MAX; i++)
        many[i] = hpack_field_of(HPACK_NAME_STATUS, PROA_STR("200"));
    repeat_keep(&r, many, REPEAT_FIELDS_MAX + 1, 2, block);
    assert_int_equal(repeat_find(&r, &field, 1, 1).size, REPEAT_BLOCK_MAX); /* what was kept stays */
    repeat_keep(&r, many, REPEAT_FIELDS_MAX, 2, block);
    assert_true(proa_bytes_is_equal(repeat_find(&r, many, REPEAT_FIELDS_MAX, 2), block));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_fields_are_found),
        cmocka_unit_test(what_is_long_secret_or_unknown_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
