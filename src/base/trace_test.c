/* SPDX-License-Identifier: Apache-2.0 */
/* Trace lines reach the sink when their area is on; what a peer sent is printable. */
#include "base/trace.h"
#include "base/bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void keep(void *user, const char *line)
{
    memcpy(user, line, strlen(line) + 1);
}

static int evaluated;

static int count(void)
{
    return ++evaluated;
}

static void only_areas_that_are_on_are_evaluated(void **state)
{
    (void)state;
    char line[2000] = "";
    const trace *t = &(const trace){ keep, line, TRACE_H2 }, *none = NULL;
    TRACE(t, TRACE_RPC, "%d", count());
    TRACE(none, TRACE_H2, "%d", count());
    assert_int_equal(evaluated, 0);
    assert_string_equal(line, "");
    TRACE(t, TRACE_H2, "stream %d", count());
    assert_string_equal(line, "stream 1");
    trace_write(t, TRACE_RPC, "off");
    assert_string_equal(line, "stream 1");
    TRACE(t, TRACE_H2, "%1500d", 1);
    assert_int_equal(strlen(line), 1023);
}

static void lists_of_areas_are_read(void **state)
{
    (void)state;
    assert_int_equal(trace_areas_of(NULL), 0);
    assert_int_equal(trace_areas_of(""), 0);
    assert_int_equal(trace_areas_of("h2"), TRACE_H2);
    assert_int_equal(trace_areas_of("h2,io"), TRACE_H2 | TRACE_IO);
    assert_int_equal(trace_areas_of(" rpc, nonsense,,h"), TRACE_RPC);
    assert_int_equal(trace_areas_of("all"), TRACE_H2 | TRACE_RPC | TRACE_IO);
}

static void bytes_of_a_peer_are_printable(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(trace_escape(PROA_STR("a\"b\\c\n\x80z\0"), out, sizeof out), "\"a\\\"b\\\\c\\x0a\\x80z\\x00\"");
    assert_string_equal(trace_escape((proa_bytes){ NULL, 0 }, out, sizeof out), "\"\"");
}

static void a_cut_escape_stays_within_its_room(void **state)
{
    (void)state;
    char out[64];
    const proa_bytes bytes = PROA_STR("\x01\x02 plain text that is long \x7f\xff, and some more \"quoted\"");
    for (size_t size = 0; size < sizeof out; size++) {
        memset(out, '#', sizeof out);
        const char *text = trace_escape(bytes, out, size);
        assert_true(strlen(text) < size || size == 0);
        for (size_t at = size; at < sizeof out; at++)
            assert_int_equal(out[at], '#');
        if (size >= 10)
            assert_string_equal(text + strlen(text) - 4, "...\"");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_areas_that_are_on_are_evaluated),
        cmocka_unit_test(lists_of_areas_are_read),
        cmocka_unit_test(bytes_of_a_peer_are_printable),
        cmocka_unit_test(a_cut_escape_stays_within_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
