/* SPDX-License-Identifier: Apache-2.0 */
/* Results are read whole; whatever is cut or not flat is refused, and no byte behind the text is touched. */
#include "cli/bench_flat.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char sample[] =
    "{ \"path\": \"/a.B/C\",\n \"calls\":200, \"cpu\" : 0.5,\"limited\":true, \"x\":\"a\\\"b\" }\n";

/* A copy without room behind it, for the sanitizer. */
static bool read(const char *text, size_t size, bench_flat *out)
{
    char *copy = malloc(size + 1);
    const char *why = NULL;
    assert_non_null(copy);
    memcpy(copy, text, size);
    copy[size] = 0;
    bool ok = bench_flat_read(copy, out, &why);
    assert_non_null(why);
    free(copy);
    return ok;
}

static void members_have_their_values(void **state)
{
    (void)state;
    bench_flat *flat = malloc(sizeof *flat);
    assert_true(read(sample, strlen(sample), flat));
    assert_int_equal(flat->count, 5);
    assert_string_equal(bench_flat_find(flat, "path")->text, "/a.B/C");
    assert_true(bench_flat_find(flat, "path")->is_text);
    assert_true(bench_flat_find(flat, "calls")->number == 200);
    assert_true(bench_flat_find(flat, "cpu")->is_number && bench_flat_find(flat, "cpu")->number == 0.5);
    assert_string_equal(bench_flat_find(flat, "limited")->text, "true");
    assert_false(bench_flat_find(flat, "limited")->is_number);
    assert_string_equal(bench_flat_find(flat, "x")->text, "a\\\"b");
    assert_null(bench_flat_find(flat, "nothing"));
    free(flat);
}

static void a_text_that_is_cut_is_refused(void **state)
{
    (void)state;
    bench_flat *flat = malloc(sizeof *flat);
    size_t whole = strlen(sample) - 1; /* the newline may go */
    for (size_t size = 0; size < whole; size++)
        assert_false(read(sample, size, flat));
    assert_true(read(sample, whole, flat));
    free(flat);
}

static void what_is_not_flat_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",           "[]",          "1",          "{\"a\":{}}",  "{\"a\":[1]}",
                                         "{\"a\":1,}", "{\"a\" 1}",   "{a:1}",      "{\"a\":1}{}", "{\"a\":nan}",
                                         "{\"a\":}",   "{\"a\":1 2}", "{,\"a\":1}", "{\"a\":\"b}", "{\"a\":0x}" };
    bench_flat *flat = malloc(sizeof *flat);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(read(wrong[i], strlen(wrong[i]), flat));
    assert_true(read("{}", 2, flat));
    assert_int_equal(flat->count, 0);
    free(flat);
}

static void more_than_fits_is_refused(void **state)
{
    (void)state;
    bench_flat *flat = malloc(sizeof *flat);
    char text[8 * (BENCH_FLAT_MEMBERS_MAX + 2)] = "{";
    for (int i = 0; i < BENCH_FLAT_MEMBERS_MAX + 1; i++)
        strcat(text, i ? ",\"a\":1" : "\"a\":1");
    strcat(text, "}");
    assert_false(read(text, strlen(text), flat));
    char name[BENCH_FLAT_TEXT_MAX + 16];
    memset(name, 'n', sizeof name);
    memcpy(name, "{\"", 2);
    memcpy(name + sizeof name - 5, "\":1}", 5);
    assert_false(read(name, strlen(name), flat));
    free(flat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_have_their_values),
        cmocka_unit_test(a_text_that_is_cut_is_refused),
        cmocka_unit_test(what_is_not_flat_is_refused),
        cmocka_unit_test(more_than_fits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
