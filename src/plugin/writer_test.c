/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void assert_text(writer *w, const char *want)
{
    const proa_bytes text = buffer_bytes(&w->text);
    char copy[2048];
    assert_true(text.size < sizeof copy);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    assert_false(w->failed);
    assert_string_equal(copy, want);
    writer_fini(w);
}

static void lines_are_indented_and_blank_ones_do_not_pile_up(void **state)
{
    (void)state;
    writer w = { .depth = 1 };
    writer_line(&w, "a %d", 1);
    writer_blank(&w);
    writer_blank(&w);
    w.depth = 0;
    writer_line(&w, "b");
    assert_text(&w, "    a 1\n\nb\n");
}

static void a_string_reads_back_as_the_same_bytes(void **state)
{
    (void)state;
    writer w = { 0 };
    writer_string(&w, (proa_bytes){ "a\"\\?\0001\xff\n~", 9 });
    assert_text(&w, "\"a\\\"\\\\\\?\\0001\\377\\012~\"");
}

static void a_long_list_is_wrapped_at_the_width_and_a_short_one_is_not(void **state)
{
    (void)state;
    writer w = { 0 };
    const char *items[] = { "one", "two" };
    writer_wrap(&w, "f(", items, 2, ");");
    assert_text(&w, "f(one, two);\n");

    char word[101];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    const char *words[] = { word, word };
    char want[512];
    snprintf(want, sizeof want, "f(%s,\n    %s);\n", word, word);
    writer_wrap(&w, "f(", words, 2, ");");
    assert_text(&w, want);
}

static void text_over_the_small_buffer_is_whole(void **state)
{
    (void)state;
    char word[901];
    memset(word, 'y', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    writer w = { 0 };
    writer_print(&w, "%s", word);
    assert_text(&w, word);
}

static void running_out_of_memory_is_remembered(void **state)
{
    (void)state;
    writer w = { 0 };
    memory_watch(1);
    writer_line(&w, "a");
    memory_unwatch();
    writer_line(&w, "b");
    assert_true(w.failed);
    writer_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_indented_and_blank_ones_do_not_pile_up),
        cmocka_unit_test(a_string_reads_back_as_the_same_bytes),
        cmocka_unit_test(a_long_list_is_wrapped_at_the_width_and_a_short_one_is_not),
        cmocka_unit_test(text_over_the_small_buffer_is_whole),
        cmocka_unit_test(running_out_of_memory_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
