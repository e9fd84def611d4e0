/* SPDX-License-Identifier: Apache-2.0 */
/* google.rpc.Status by hand: what is written is found again, and a peer's rubbish is found to be none. */
#include <stdio.h>
#include <stdlib.h>
#include "call/call_testlib.h"

/* Two types of messages that are nothing but their bytes. */
static proa_bytes decoded;

static const char *decode(proa_decoder *d, const char *p, const char *end, void *message)
{
    (void)d;
    (void)message;
    decoded = (proa_bytes){ p, (size_t)(end - p) };
    return end;
}

static char *encode(proa_encoder *e, char *p, const void *message)
{
    (void)e;
    (void)message;
    return p;
}

static const proa_type
    one = { .version = PROA_GEN_VERSION, .size = 8, .name = "t.One", .decode = decode, .encode = encode },
    other = { .version = PROA_GEN_VERSION, .size = 8, .name = "t.Other", .decode = decode, .encode = encode };

static bool finds(proa_bytes details, const proa_type *type)
{
    proa_arena *arena = proa_arena_new(0);
    proa_status status = { .code = PROA_ABORTED, .details = details };
    decoded = (proa_bytes){ NULL, 0 };
    bool found = proa_status_detail(&status, type, arena) != NULL;
    proa_arena_free(arena);
    return found;
}

/* code 10, message "hi", an Any of t.Other with 3 bytes, one of t.One with 2 */
static const char whole[] = "\x08\x0a\x12\x02hi"
                            "\x1a\x10\x0a\x09x/t.Other\x12\x03"
                            "abc"
                            "\x1a\x0d\x0a\x07x/t.One\x12\x02"
                            "de";

static void detail_of_a_type_is_found(void **state)
{
    (void)state;
    proa_bytes all = { whole, sizeof whole - 1 };
    assert_true(finds(all, &one));
    assert_true(proa_bytes_is_equal(decoded, PROA_STR("de")));
    assert_true(finds(all, &other));
    assert_true(proa_bytes_is_equal(decoded, PROA_STR("abc")));
    assert_false(finds((proa_bytes){ NULL, 0 }, &one));
}

static void name_must_be_whole(void **state)
{
    (void)state;
    static const char longer[] = "\x1a\x0b\x0a\x09x/at.One12", bare[] = "\x1a\x07\x0a\x05t.One";
    assert_false(finds((proa_bytes){ longer, sizeof longer - 1 }, &one));
    assert_false(finds((proa_bytes){ bare, sizeof bare - 1 }, &one)); /* a URL has a slash */
}

/* Each in a block of its own size, so that reading behind it is seen. */
static void cut_details_are_none(void **state)
{
    (void)state;
    for (size_t size = 0; size + 1 < sizeof whole; size++) {
        char *cut = malloc(size ? size : 1);
        memcpy(cut, whole, size);
        assert_false(finds((proa_bytes){ cut, size }, &one));
        free(cut);
    }
}

static void rubbish_is_none(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        size_t size = (size_t)(seed >> 8) % 40;
        char *bytes = malloc(size ? size : 1);
        memcpy(bytes, whole, size < sizeof whole ? size : sizeof whole);
        for (size_t k = 0; k < size; k++) {
            seed = seed * 1103515245u + 12345u;
            if ((seed >> 16) % 4 == 0)
                bytes[k] = (char)(seed >> 20);
        }
        seed = seed * 1103515245u + 12345u;
        finds((proa_bytes){ bytes, size }, &one);
        free(bytes);
    }
}

/* ---- From a handler to a client */

static proa_bytes raw;

static proa_code with_details(proa_call *call)
{
    proa_code code = proa_call_fail(call, PROA_ABORTED, "no luck");
    if (raw.data)
        code = proa_call_set_status(call, (proa_status){ PROA_ABORTED, PROA_STR("from elsewhere"), raw });
    proa_call_add_detail(call, &one, "");
    proa_call_add_detail(call, &other, "");
    return code;
}

static proa_code fine_with_details(proa_call *call)
{
    proa_call_add_detail(call, &one, "");
    return PROA_OK;
}

static proa_bytes details_from(proa_handler handler, proa_arena *arena)
{
    desk d;
    desk_open(&d, handler);
    proa_call *call = desk_call(&d, NULL);
    TURN_UNTIL(&d, call_is_over(call));
    proa_bytes details = proa_arena_copy(arena, proa_call_status(call).details);
    proa_call_end(call);
    desk_close(&d);
    return details;
}

static void details_travel(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(0);
    raw = (proa_bytes){ NULL, 0 };
    proa_bytes details = details_from(with_details, arena);
    assert_true(finds(details, &one) && finds(details, &other));
    assert_memory_equal(details.data, "\x08\x0a\x12\x07no luck", 11);

    /* those of another call stay, ours come behind them */
    static const char foreign[] = "\x08\x0a\x1a\x0e\x0a\x07x/t.One\x12\x03old";
    raw = (proa_bytes){ foreign, sizeof foreign - 1 };
    details = details_from(with_details, arena);
    assert_memory_equal(details.data, foreign, sizeof foreign - 1);
    assert_true(finds(details, &one));
    assert_true(proa_bytes_is_equal(decoded, PROA_STR("old")));
    assert_true(finds(details, &other));

    assert_int_equal(details_from(fine_with_details, arena).size, 0); /* OK has none */
    proa_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detail_of_a_type_is_found),
        cmocka_unit_test(name_must_be_whole),
        cmocka_unit_test(cut_details_are_none),
        cmocka_unit_test(rubbish_is_none),
        cmocka_unit_test(details_travel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
