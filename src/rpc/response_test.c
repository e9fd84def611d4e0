/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/response.h"
#include "base/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define S(text) PROA_STR_INIT(text)
#define NONE    ((proa_headers){ NULL, 0 })

static hpack_block block_of(hpack_field *fields, const proa_bytes *texts, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        fields[i] = (hpack_field){ texts[2 * i], texts[2 * i + 1], (uint8_t)hpack_name_of(texts[2 * i]), false };
    return (hpack_block){ .fields = fields, .count = (uint32_t)pairs };
}
#define BLOCK(...) \
    block_of((hpack_field[16]){ { .token = 0 } }, (const proa_bytes[]){ __VA_ARGS__ }, \
             sizeof((const proa_bytes[]){ __VA_ARGS__ }) / sizeof(proa_bytes) / 2)
#define HEAD S(":status"), S("200"), S("content-type"), S("application/grpc")

static void field_is(response_fields out, size_t i, const char *name, const char *value)
{
    assert_true(i < out.count);
    assert_true(
        bytes_is(out.data[i].name.data ? out.data[i].name : hpack_name_text(out.data[i].token), name, strlen(name)));
    assert_true(bytes_is(out.data[i].value, value, strlen(value)));
}

static void plain_reply_headers_and_trailers_are_static(void **state)
{
    (void)state;
    fields scratch = { 0 };
    response_fields out;
    memory_watch(0);
    assert_int_equal(response_write_headers(NONE, &scratch, &out), PROA_ERR_NONE);
    assert_int_equal(out.count, 2);
    field_is(out, 0, ":status", "200");
    field_is(out, 1, "content-type", "application/grpc");
    assert_int_equal(response_write_trailers(&(proa_status){ .code = PROA_OK }, NONE, false, &scratch, &out),
                     PROA_ERR_NONE);
    assert_int_equal(out.count, 1);
    field_is(out, 0, "grpc-status", "0");
    assert_int_equal(response_write_trailers(&(proa_status){ .code = PROA_OK }, NONE, true, &scratch, &out),
                     PROA_ERR_NONE);
    assert_int_equal(out.count, 3);
    field_is(out, 0, ":status", "200");
    field_is(out, 2, "grpc-status", "0");
    assert_int_equal(memory_unwatch(), 0);
}

static void trailers_only_carries_both_sets_in_one_list(void **state)
{
    (void)state;
    static const proa_header custom = { S("x-bin"), S("f") };
    fields scratch = { 0 };
    response_fields out;
    proa_status status = { PROA_NOT_FOUND, S("no 100%"), S("\x08\x05") };
    assert_int_equal(response_write_trailers(&status, (proa_headers){ &custom, 1 }, true, &scratch, &out),
                     PROA_ERR_NONE);
    assert_int_equal(out.count, 6);
    field_is(out, 0, ":status", "200");
    field_is(out, 1, "content-type", "application/grpc");
    field_is(out, 2, "grpc-status", "5");
    field_is(out, 3, "grpc-message", "no 100%25");
    field_is(out, 4, "grpc-status-details-bin", "CAU");
    field_is(out, 5, "x-bin", "Zg");
    fields_fini(&scratch);
}

static void details_are_never_sent_with_ok(void **state)
{
    (void)state;
    fields scratch = { 0 };
    response_fields out;
    proa_status status = { PROA_OK, S("fine"), S("\x08\x05") };
    assert_int_equal(response_write_trailers(&status, NONE, false, &scratch, &out), PROA_ERR_NONE);
    assert_int_equal(out.count, 2);
    field_is(out, 1, "grpc-message", "fine");
    fields_fini(&scratch);
}

static void status_that_is_none_is_sent_as_unknown(void **state)
{
    (void)state;
    static const int codes[] = { -1, -2, 17, 99, 1000 };
    fields scratch = { 0 };
    response_fields out;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        proa_status status = { .code = (proa_code)codes[i] };
        assert_int_equal(response_write_trailers(&status, NONE, false, &scratch, &out), PROA_ERR_NONE);
        field_is(out, 0, "grpc-status", "2");
    }
    fields_fini(&scratch);
}

static void long_status_message_is_cut(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, 'x', sizeof text);
    memcpy(text, "\xe2\x98\xba", 3);
    fields scratch = { 0 };
    response_fields out;
    proa_status status = { PROA_INTERNAL, { text, sizeof text }, { NULL, 0 } };
    assert_int_equal(response_write_trailers(&status, NONE, false, &scratch, &out), PROA_ERR_NONE);
    assert_int_equal(out.data[1].value.size, LIMITS_STATUS_MESSAGE_BYTES_MAX);
    fields_fini(&scratch);
}

static void forbidden_metadata_is_malformed(void **state)
{
    (void)state;
    static const proa_header bad = { S("grpc-status"), S("0") };
    fields scratch = { 0 };
    response_fields out;
    assert_int_equal(response_write_headers((proa_headers){ &bad, 1 }, &scratch, &out), PROA_ERR_MALFORMED);
    assert_int_equal(
        response_write_trailers(&(proa_status){ .code = PROA_OK }, (proa_headers){ &bad, 1 }, true, &scratch, &out),
        PROA_ERR_MALFORMED);
    fields_fini(&scratch);
}

static void reply_headers_leave_the_status_open(void **state)
{
    (void)state;
    hpack_block block = BLOCK(HEAD, S("grpc-encoding"), S("gzip"), S("grpc-status"), S("5"));
    assert_false(response_read_headers(&block, false).is_final);
    block = BLOCK(S(":status"), S("200"), S("content-type"), S("application/grpc+proto"));
    assert_false(response_read_headers(&block, false).is_final);
}

static void http_status_counts_only_where_grpc_status_is_absent(void **state)
{
    (void)state;
    hpack_block block = BLOCK(S(":status"), S("503"), S("content-type"), S("text/html"));
    response_verdict verdict = response_read_headers(&block, false);
    assert_true(verdict.is_final && !verdict.is_from_peer);
    assert_int_equal(verdict.code, PROA_UNAVAILABLE);
    assert_int_equal(verdict.http_status, 503);
    block = BLOCK(S(":status"), S("503"));
    assert_int_equal(response_read_headers(&block, true).code, PROA_UNAVAILABLE);
    block = BLOCK(S(":status"), S("503"), S("content-type"), S("application/grpc"), S("grpc-status"), S("5"));
    verdict = response_read_headers(&block, true);
    assert_true(verdict.is_from_peer);
    assert_int_equal(verdict.code, PROA_NOT_FOUND);
    block = BLOCK(S(":status"), S("503"), S("grpc-status"), S("5"));
    assert_int_equal(response_read_headers(&block, true).code, PROA_NOT_FOUND);
}

static void reply_that_is_not_grpc_is_unknown(void **state)
{
    (void)state;
    hpack_block block = BLOCK(S(":status"), S("200"), S("content-type"), S("text/html"), S("grpc-status"), S("0"));
    assert_int_equal(response_read_headers(&block, true).code, PROA_UNKNOWN);
    assert_int_equal(response_read_headers(&block, false).code, PROA_UNKNOWN);
    block = BLOCK(S(":status"), S("200"));
    assert_int_equal(response_read_headers(&block, false).code, PROA_UNKNOWN);
    block = BLOCK(HEAD);
    assert_int_equal(response_read_headers(&block, true).code, PROA_UNKNOWN); /* 200 without grpc-status */
}

static void trailers_without_grpc_status_are_unknown(void **state)
{
    (void)state;
    hpack_block block = BLOCK(S("x"), S("1"));
    response_verdict verdict = response_read_trailers(&block);
    assert_true(verdict.is_final && !verdict.is_from_peer);
    assert_int_equal(verdict.code, PROA_UNKNOWN);
    block = BLOCK(S("grpc-status"), S("0"));
    assert_int_equal(response_read_trailers(&block).code, PROA_OK);
    block = BLOCK(S("grpc-status"), S("17"));
    assert_int_equal(response_read_trailers(&block).code, PROA_UNKNOWN);
    block = BLOCK(S("grpc-status"), S(""));
    assert_int_equal(response_read_trailers(&block).code, PROA_UNKNOWN);
}

static void bad_base64_in_a_reply_is_internal(void **state)
{
    (void)state;
    hpack_block block = BLOCK(HEAD, S("x-bin"), S("*"));
    assert_int_equal(response_read_headers(&block, false).code, PROA_INTERNAL);
    block = BLOCK(HEAD, S("x-bin"), S("*"), S("grpc-status"), S("0"));
    assert_int_equal(response_read_headers(&block, true).code, PROA_INTERNAL);
    block = BLOCK(S("grpc-status"), S("0"), S("x-bin"), S("*"));
    assert_int_equal(response_read_trailers(&block).code, PROA_INTERNAL);
}

static proa_status status_of(hpack_block block, proa_arena *arena)
{
    proa_status status = { .code = response_read_trailers(&block).code };
    response_read_status(&block, arena, &status);
    return status;
}

static void grpc_message_is_decoded_leniently(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(0);
    proa_status status = status_of(BLOCK(S("grpc-status"), S("2"), S("grpc-message"), S("%E2%98%BA 100%")), arena);
    assert_true(BYTES_IS(status.message, "\u263a 100%"));
    assert_null(status_of(BLOCK(S("grpc-status"), S("2"), S("grpc-message"), S("")), arena).message.data);
    proa_arena_free(arena);
}

static void details_whose_code_differs_are_ignored(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(0);
    proa_status status = status_of(BLOCK(S("grpc-status"), S("5"), S("grpc-status-details-bin"), S("CAU=")), arena);
    assert_true(BYTES_IS(status.details, "\x08\x05"));
    assert_null(status_of(BLOCK(S("grpc-status"), S("6"), S("grpc-status-details-bin"), S("CAU")), arena).details.data);
    assert_null(status_of(BLOCK(S("grpc-status"), S("0"), S("grpc-status-details-bin"), S("CAA")), arena).details.data);
    assert_null(status_of(BLOCK(S("grpc-status"), S("5"), S("grpc-status-details-bin"), S("*")), arena).details.data);
    assert_null(status_of(BLOCK(S("grpc-status"), S("5"), S("grpc-status-details-bin"), S("CA")), arena).details.data);
    assert_int_equal(status_of(BLOCK(S("grpc-status"), S("5"), S("grpc-status-details-bin"), S("*")), arena).code, 5);
    proa_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_reply_headers_and_trailers_are_static),
        cmocka_unit_test(trailers_only_carries_both_sets_in_one_list),
        cmocka_unit_test(details_are_never_sent_with_ok),
        cmocka_unit_test(status_that_is_none_is_sent_as_unknown),
        cmocka_unit_test(long_status_message_is_cut),
        cmocka_unit_test(forbidden_metadata_is_malformed),
        cmocka_unit_test(reply_headers_leave_the_status_open),
        cmocka_unit_test(http_status_counts_only_where_grpc_status_is_absent),
        cmocka_unit_test(reply_that_is_not_grpc_is_unknown),
        cmocka_unit_test(trailers_without_grpc_status_are_unknown),
        cmocka_unit_test(bad_base64_in_a_reply_is_internal),
        cmocka_unit_test(grpc_message_is_decoded_leniently),
        cmocka_unit_test(details_whose_code_differs_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
