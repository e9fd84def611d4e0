/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, and the assertion that says which rule broke. */
#include "base/assert.h"
#include "base/error.h"
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void the_code_comes_back_and_the_text_is_set(void **state)
{
    (void)state;
    proa_error error = { .code = PROA_ERR_IO, .line = 7, .offset = 3, .text = "old" };
    assert_int_equal(error_set(&error, PROA_ERR_LIMIT, "%d of %s", 5, "six"), PROA_ERR_LIMIT);
    assert_int_equal(error.code, PROA_ERR_LIMIT);
    assert_int_equal(error.line, 0);
    assert_int_equal(error.offset, 0);
    assert_string_equal(error.text, "5 of six");
    assert_int_equal(error_set(NULL, PROA_ERR_NOMEM, "nobody reads it"), PROA_ERR_NOMEM);
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    proa_error error;
    error_set(&error, PROA_ERR_IO, "%500d", 1);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void an_error_may_wrap_itself(void **state)
{
    (void)state;
    proa_error error;
    error_set(&error, PROA_ERR_IO, "refused");
    error_set(&error, error.code, "127.0.0.1:80: %s", error.text);
    assert_string_equal(error.text, "127.0.0.1:80: refused");
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = PROA_ERR_NONE; a <= PROA_ERR_CONFIG; a++) {
        assert_string_not_equal(error_name((proa_err)a), "unknown error");
        for (int b = PROA_ERR_NONE; b < a; b++)
            assert_string_not_equal(error_name((proa_err)a), error_name((proa_err)b));
    }
    assert_string_equal(error_name((proa_err)999), "unknown error");
}

static jmp_buf back;
static const char *broken;

static void jump(const char *rule)
{
    broken = rule;
    longjmp(back, 1);
}

static void a_broken_rule_reaches_the_hook(void **state)
{
    (void)state;
    PROA_ASSERT(true, "never broken");
    assert_set_hook(jump);
    if (setjmp(back) == 0)
        PROA_ASSERT(1 + 1 == 3, "sums are right");
    assert_set_hook(NULL);
    assert_string_equal(broken, "sums are right");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_code_comes_back_and_the_text_is_set),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(an_error_may_wrap_itself),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(a_broken_rule_reaches_the_hook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
