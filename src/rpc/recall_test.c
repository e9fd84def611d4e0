/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests are known again; and that what goes out for them is what went out before. */
#include "rpc/recall.h"
#include "rpc/rpc_testlib.h"

static const proa_bytes none;

static void path_and_timeout_are_the_key(void **state)
{
    (void)state;
    recall r = { 0 };
    assert_null(recall_find(&r, PROA_STR("/a/b"), none));
    assert_null(recall_find(&r, none, none));
    recall_entry *e = recall_add(&r, PROA_STR("/a/b"), none);
    recall_entry *timed = recall_add(&r, PROA_STR("/a/b"), PROA_STR("10S"));
    assert_ptr_equal(recall_find(&r, PROA_STR("/a/b"), none), e);
    assert_ptr_equal(recall_find(&r, PROA_STR("/a/b"), PROA_STR("10S")), timed);
    assert_null(recall_find(&r, PROA_STR("/a/b"), PROA_STR("11S")));
    assert_null(recall_find(&r, PROA_STR("/a/c"), none));
    assert_null(recall_find(&r, PROA_STR("/a/bc"), none));
}

static void what_is_used_stays(void **state)
{
    (void)state;
    recall r = { 0 };
    recall_add(&r, PROA_STR("/a/kept"), none);
    for (char i = 0; i < 26; i++) {
        char path[] = "/a/x";
        path[3] = (char)('a' + i);
        recall_add(&r, (proa_bytes){ path, 4 }, none);
        assert_non_null(recall_find(&r, PROA_STR("/a/kept"), none));
    }
    assert_null(recall_find(&r, PROA_STR("/a/a"), none));
}

static void what_is_too_long_is_not_kept(void **state)
{
    (void)state;
    recall r = { 0 };
    char path[RECALL_PATH_MAX + 1];
    memset(path, 'p', sizeof path);
    assert_null(recall_add(&r, (proa_bytes){ path, sizeof path }, none));
    assert_non_null(recall_add(&r, (proa_bytes){ path, sizeof path - 1 }, none));
    assert_non_null(recall_find(&r, (proa_bytes){ path, sizeof path - 1 }, none));
}

/* The same, with and without a deadline, between others: a reader of its own decodes each. */
static void requests_that_come_again_are_the_same_on_the_wire(void **state)
{
    (void)state;
    raw raw;
    raw_begin(&raw, H2_CLIENT, (rpc_options){ .role = H2_CLIENT }, 0);
    static const proa_header custom = { PROA_STR_INIT("a"), PROA_STR_INIT("1") };
    static const char *const paths[] = { "/a.B/C", "/a.B/D" };
    for (unsigned i = 0; i < 24; i++) {
        rpc_exchange *call;
        bool is_timed = i % 3 == 1, is_custom = i % 4 == 3;
        rpc_request request = { .path = proa_bytes_of(paths[i % 2]),
                                .headers = { &custom, is_custom },
                                .deadline_ns = is_timed ? raw.side.now + PROA_SECOND : INT64_MAX };
        assert_int_equal(rpc_exchange_begin(raw.side.endpoint, &request, raw.side.now, &call), PROA_ERR_NONE);
        char expected[300];
        snprintf(expected, sizeof expected,
                 "%u HEADERS :method=POST :scheme=http :path=%s :authority=host te=trailers%s "
                 "content-type=application/grpc user-agent=test%s",
                 2 * i + 1, paths[i % 2], is_timed ? " grpc-timeout=1S" : "", is_custom ? " a=1" : "");
        raw_is(&raw, expected);
        rpc_exchange_cancel(call, PROA_CANCELLED, "enough");
        side_is(&raw.side, "END");
        rpc_exchange_release(call);
        raw_run(&raw);
        raw.frames.size = 0;
    }
    raw_end(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_and_timeout_are_the_key),
        cmocka_unit_test(what_is_used_stays),
        cmocka_unit_test(what_is_too_long_is_not_kept),
        cmocka_unit_test(requests_that_come_again_are_the_same_on_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
