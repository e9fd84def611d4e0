/* SPDX-License-Identifier: Apache-2.0 */
/* Requests whose blocks have the same size and differ in one byte, between ones that are the same: a block that is recognised
 * brings what was worked out of it before, and that of no other. What a call was told stays so when later ones came. */
#include "rpc/rpc_testlib.h"

#define SECOND INT64_C(1000000000)

/* Literals without indexing alone: the same fields are the same bytes. */
static void put(buffer *out, const char *name, const char *value)
{
    char sizes[2] = { (char)strlen(name), (char)strlen(value) };
    assert_int_equal(buffer_append(out, "\0", 1), 0);
    assert_int_equal(buffer_append(out, &sizes[0], 1), 0);
    assert_int_equal(buffer_append(out, name, strlen(name)), 0);
    assert_int_equal(buffer_append(out, &sizes[1], 1), 0);
    assert_int_equal(buffer_append(out, value, strlen(value)), 0);
}

typedef struct alike {
    const char *path, *type, *timeout, *value;
    bool is_refused;
} alike;

static void send_one(raw *raw, uint32_t stream, const alike *a)
{
    buffer block = { 0 };
    assert_int_equal(buffer_append(&block, "\x83\x86", 2), 0); /* POST, http */
    put(&block, ":path", a->path);
    put(&block, "content-type", a->type);
    put(&block, "te", "trailers");
    put(&block, "grpc-timeout", a->timeout);
    put(&block, "x", a->value);
    raw_frame(raw, 1, 4 | 1, stream, buffer_bytes(&block));
    buffer_fini(&block);
}

#define TYPE "application/grpc"
#define PLAIN \
    { \
        "/a.B/C", TYPE, "5S", "1", false \
    }

static const alike all[] = {
    PLAIN,
    PLAIN,
    PLAIN,
    PLAIN,
    { "/a.B/D", TYPE, "5S", "1", false },
    { "/a.B/C", TYPE, "7S", "1", false },
    { "/a.B/C", TYPE, "5S", "2", false },
    { "/a.B.C", TYPE, "5S", "1", true },
    { "/a.B/C", "application/grpx", "5S", "1", true },
    { "/a.B/C", TYPE, "5s", "1", true },
    PLAIN,
    { "/a.B/D", TYPE, "5S", "1", false },
    { "/a.B.C", TYPE, "5S", "1", true },
    { "/a.B/D", TYPE, "5S", "1", false },
    { "/a.B.C", TYPE, "5S", "1", true },
    PLAIN,
    { "/a.B/C", TYPE, "7S", "1", false },
    { "/a.B/C", TYPE, "5S", "2", false },
    PLAIN,
};
enum { ALL = sizeof all / sizeof all[0] };

static void check(rpc_exchange *call, const alike *a, int64_t begun, proa_arena *arena)
{
    proa_headers headers = rpc_exchange_request_headers(call, arena);
    assert_true(proa_bytes_is_equal(rpc_exchange_path(call), proa_bytes_of(a->path)));
    assert_int_equal(rpc_exchange_deadline(call), begun + (a->timeout[0] - '0') * SECOND);
    assert_int_equal(headers.count, 1);
    assert_true(proa_bytes_is_equal(headers.data[0].name, PROA_STR("x")));
    assert_true(proa_bytes_is_equal(headers.data[0].value, proa_bytes_of(a->value)));
}

static void requests_that_are_alike_are_told_apart(void **state)
{
    (void)state;
    FOR_EACH_CUT(cut)
    {
        raw raw;
        int64_t begun[ALL];
        size_t taken = 0;
        proa_arena *arena = proa_arena_new(0);
        raw_begin(&raw, H2_SERVER, (rpc_options){ .role = H2_SERVER }, cut);
        for (uint32_t i = 0; i < ALL; i++) {
            send_one(&raw, 2 * i + 1, &all[i]);
            raw_run(&raw);
            begun[i] = raw.side.now;
            taken += !all[i].is_refused;
            assert_int_equal(raw.side.count, taken);
            if (i % 2 && !all[i].is_refused) /* the others when all have come */
                check(raw.side.seen[taken - 1], &all[i], begun[i], arena);
        }
        for (size_t i = 0, k = 0; i < ALL; i++)
            if (!all[i].is_refused)
                check(raw.side.seen[k++], &all[i], begun[i], arena);
        for (size_t i = 0; i < taken; i++)
            finish_with(raw.side.seen[i], PROA_OK, NULL);
        raw_run(&raw);
        for (size_t i = 0; i < taken; i++)
            rpc_exchange_release(raw.side.seen[i]);
        raw_end(&raw);
        proa_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(requests_that_are_alike_are_told_apart) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
