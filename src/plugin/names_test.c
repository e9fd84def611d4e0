/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const anywhere[] = {
#include "plugin/reserved_anywhere.inc"
};
static const char *const globals[] = {
#include "plugin/reserved_globals.inc"
};

static void assert_is_sorted(const char *const *words, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(words[i - 1], words[i]) >= 0)
            fail_msg("%s stands before %s", words[i - 1], words[i]);
}

static void tables_of_reserved_words_are_sorted(void **state)
{
    (void)state;
    assert_is_sorted(anywhere, sizeof anywhere / sizeof anywhere[0]);
    assert_is_sorted(globals, sizeof globals / sizeof globals[0]);
}

static void words_of_the_contract_are_no_members(void **state)
{
    (void)state;
    static const char *const words[] = {
        "and",       "linux",     "unix",   "errno",        "EOF",     "NULL",     "major",   "minor", "stdin",
        "assert",    "INT32_MAX", "bool",   "true",         "I",       "signed",   "typeof",  "class", "new",
        "asm",       "register",  "i386",   "constexpr",    "nullptr", "co_await", "int32_t", "_Foo",  "__bar",
        "proa_call", "PROA_API",  "xor_eq", "thread_local", "SIGINT",  "EINVAL",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (names_is_free_member(words[i]))
            fail_msg("%s is free", words[i]);
}

static void ordinary_names_are_free(void **state)
{
    (void)state;
    static const char *const words[] = { "name",    "time", "data", "count", "type",
                                         "message", "x",    "_foo", "id",    "interface" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!names_is_free_member(words[i]))
            fail_msg("%s is taken", words[i]);
}

static void functions_and_our_own_variables_are_no_globals(void **state)
{
    (void)state;
    static const char *const words[] = { "time",    "FILE", "size_t", "printf", "call",
                                         "message", "p",    "_foo",   "main",   "and" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (names_is_free_global(words[i]))
            fail_msg("%s is free", words[i]);
    assert_true(names_is_free_global("acme_time"));
}

static void identifiers_are_what_protoc_lets_through(void **state)
{
    (void)state;
    assert_true(names_is_identifier(PROA_STR("a_1")));
    assert_true(names_is_identifier(PROA_STR("_A")));
    static const char *const not_one[] = { "", "1a", "a-b", "a b", "a.b", "a\n", "caf\303\251", "a\"" };
    for (size_t i = 0; i < sizeof not_one / sizeof not_one[0]; i++)
        assert_false(names_is_identifier(proa_bytes_of(not_one[i])));
    assert_false(names_is_identifier((proa_bytes){ "a\0b", 3 }));
    assert_false(names_is_identifier((proa_bytes){ NULL, 0 }));
    char large[NAMES_SIZE_MAX + 1];
    memset(large, 'a', sizeof large);
    assert_true(names_is_identifier((proa_bytes){ large, NAMES_SIZE_MAX }));
    assert_false(names_is_identifier((proa_bytes){ large, NAMES_SIZE_MAX + 1 }));
}

static void suffixes_of_generated_names_are_known(void **state)
{
    (void)state;
    assert_true(names_is_suffix("type") && names_is_suffix("encode") && names_is_suffix("decode") &&
                names_is_suffix("list"));
    assert_false(names_is_suffix("name"));
    assert_true(names_is_service_suffix("serve") && names_is_service_suffix("service"));
    assert_false(names_is_service_suffix("Serve"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_reserved_words_are_sorted),
        cmocka_unit_test(words_of_the_contract_are_no_members),
        cmocka_unit_test(ordinary_names_are_free),
        cmocka_unit_test(functions_and_our_own_variables_are_no_globals),
        cmocka_unit_test(identifiers_are_what_protoc_lets_through),
        cmocka_unit_test(suffixes_of_generated_names_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
