/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/request.h"
#include "base/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define S(text) PROA_STR_INIT(text)
enum { USUAL = 6 };

/* A good request, in which one value is replaced (NULL: left out) and one field added. */
static request_head read_with(hpack_name token, proa_bytes value, hpack_field added)
{
    hpack_field fields[USUAL + 1] = {
        hpack_field_of(HPACK_NAME_METHOD, PROA_STR("POST")),
        hpack_field_of(HPACK_NAME_SCHEME, PROA_STR("http")),
        hpack_field_of(HPACK_NAME_PATH, PROA_STR("/a.B/C")),
        hpack_field_of(HPACK_NAME_AUTHORITY, PROA_STR("h")),
        hpack_field_of(HPACK_NAME_TE, PROA_STR("trailers")),
        hpack_field_of(HPACK_NAME_CONTENT_TYPE, PROA_STR("application/grpc")),
    };
    hpack_block block = { .fields = fields, .count = 0 };
    for (size_t i = 0; i < USUAL; i++) {
        if (fields[i].token == token && !value.data)
            continue;
        fields[block.count] = fields[i];
        if (fields[i].token == token)
            fields[block.count].value = value;
        block.count++;
    }
    if (added.name.size)
        fields[block.count++] = added;
    request_head head;
    return *request_read(&block, &head);
}

static request_refusal refusal_with(hpack_name token, proa_bytes value)
{
    return read_with(token, value, (hpack_field){ .token = 0 }).refusal;
}

static request_head read_and(const char *name, proa_bytes value)
{
    proa_bytes text = proa_bytes_of(name);
    return read_with(HPACK_NAME_UNKNOWN, value, (hpack_field){ text, value, (uint8_t)hpack_name_of(text), false });
}

static void path_is_exactly_service_and_method(void **state)
{
    (void)state;
    static const char *const good[] = {
        "/a/b", "/pkg.v1.Service/Do_It", "/grpc.health.v1.Health/Check", "/a-b~c/9", "/.a/b.", "/.../x"
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(request_is_path(proa_bytes_of(good[i])));
    static const proa_bytes bad[] = {
        S(""),       S("/"),           S("//"),     S("a/b"),    S("/a"),       S("/a/"),        S("//b"),
        S("/a//b"),  S("//a/b"),       S("/a/b/"),  S("/a/b/c"), S("/a%2Fb/c"), S("/a/b%00"),    S("/a/b\0"),
        S("/\0/b"),  S("/./b"),        S("/../b"),  S("/a/.."),  S("/a/."),     S("/a/b?c"),     S("/a/b#c"),
        S("/a b/c"), S(" /a/b"),       S("/a/b "),  S("\\a\\b"), S("/a\\b/c"),  S("http://a/b"), S("*"),
        S("/a/b;c"), S("/\xc3\xa4/b"), S("/a/b\n"), S("/a:b/c"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(request_is_path(bad[i]));
        assert_int_equal(refusal_with(HPACK_NAME_PATH, bad[i]), REQUEST_BAD_PATH);
    }
    static char huge[64 * 1024];
    memset(huge, 'a', sizeof huge);
    huge[0] = '/';
    assert_false(request_is_path((proa_bytes){ huge, sizeof huge }));
    assert_int_equal(request_answer_of(REQUEST_BAD_PATH)->code, PROA_UNIMPLEMENTED);
}

static void method_other_than_post_is_405(void **state)
{
    (void)state;
    static const char *const bad[] = { "GET", "post", "PUT", "POSTS", "" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(refusal_with(HPACK_NAME_METHOD, proa_bytes_of(bad[i])), REQUEST_NOT_POST);
    const request_answer *answer = request_answer_of(REQUEST_NOT_POST);
    assert_true(BYTES_IS(answer->fields[0].value, "405"));
    assert_true(BYTES_IS(answer->fields[answer->count - 1].name, "allow"));
}

static void content_type_other_than_grpc_is_415(void **state)
{
    (void)state;
    static const char *const good[] = { "application/grpc",       "application/grpc+proto",
                                        "application/grpc+json",  "application/grpc;charset=utf-8",
                                        "application/grpc ; x=y", "Application/GRPC+Proto" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(refusal_with(HPACK_NAME_CONTENT_TYPE, proa_bytes_of(good[i])), REQUEST_FINE);
    static const char *const bad[] = { "",
                                       "application/grp",
                                       "application/grpc-web",
                                       "application/grpcx",
                                       "application/json",
                                       "text/application/grpc",
                                       " application/grpc" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(refusal_with(HPACK_NAME_CONTENT_TYPE, proa_bytes_of(bad[i])), REQUEST_NOT_GRPC);
    assert_int_equal(refusal_with(HPACK_NAME_CONTENT_TYPE, (proa_bytes){ NULL, 0 }), REQUEST_NOT_GRPC);
    assert_true(BYTES_IS(request_answer_of(REQUEST_NOT_GRPC)->fields[0].value, "415"));
}

static void content_type_of_another_codec_than_proto_is_foreign(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool is_foreign;
    } rows[] = {
        { "application/grpc", false },         { "application/grpc;charset=utf-8", false },
        { "application/grpc+proto", false },   { "Application/GRPC+Proto; x=y", false },
        { "application/grpc+json", true },     { "application/grpc+protobuf", true },
        { "application/grpc+", true },         { "application/grpc+prot", true },
        { "application/grpc+foo ;x=y", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        request_head head =
            read_with(HPACK_NAME_CONTENT_TYPE, proa_bytes_of(rows[i].type), (hpack_field){ .token = 0 });
        assert_int_equal(head.refusal, REQUEST_FINE);
        assert_int_equal(head.is_foreign, rows[i].is_foreign);
    }
}

static void te_may_be_missing(void **state)
{
    (void)state;
    assert_int_equal(refusal_with(HPACK_NAME_TE, (proa_bytes){ NULL, 0 }), REQUEST_FINE);
}

static void grpc_timeout_becomes_a_time_and_a_malformed_one_is_internal(void **state)
{
    (void)state;
    assert_int_equal(read_and("x", PROA_STR("y")).timeout_ns, INT64_MAX);
    assert_int_equal(read_and("grpc-timeout", PROA_STR("250m")).timeout_ns, 250 * PROA_MILLISECOND);
    assert_int_equal(read_and("grpc-timeout", PROA_STR("99999999H")).timeout_ns, INT64_MAX);
    assert_int_equal(read_and("grpc-timeout", PROA_STR("0n")).timeout_ns, 0);
    static const char *const bad[] = { "", "1", "-1S", "123456789S", "1x", "\xd9\xa1S" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_and("grpc-timeout", proa_bytes_of(bad[i])).refusal, REQUEST_BAD_TIMEOUT);
    assert_int_equal(request_answer_of(REQUEST_BAD_TIMEOUT)->code, PROA_INTERNAL);
    hpack_field twice[] = {
        hpack_field_of(HPACK_NAME_METHOD, PROA_STR("POST")),
        hpack_field_of(HPACK_NAME_PATH, PROA_STR("/a/b")),
        hpack_field_of(HPACK_NAME_CONTENT_TYPE, PROA_STR("application/grpc")),
        hpack_field_of(HPACK_NAME_GRPC_TIMEOUT, PROA_STR("x")),
        hpack_field_of(HPACK_NAME_GRPC_TIMEOUT, PROA_STR("1S")),
    };
    hpack_block block = { .fields = twice, .count = 5 };
    request_head head;
    assert_int_equal(request_read(&block, &head)->refusal, REQUEST_BAD_TIMEOUT);
}

static void grpc_encoding_other_than_identity_is_unimplemented_and_told_what_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(read_and("grpc-encoding", PROA_STR("identity")).refusal, REQUEST_FINE);
    assert_int_equal(read_and("grpc-encoding", PROA_STR("gzip")).refusal, REQUEST_BAD_ENCODING);
    assert_int_equal(read_and("grpc-encoding", PROA_STR("")).refusal, REQUEST_BAD_ENCODING);
    assert_int_equal(read_and("grpc-accept-encoding", PROA_STR("gzip,deflate")).refusal, REQUEST_FINE);
    const request_answer *answer = request_answer_of(REQUEST_BAD_ENCODING);
    assert_int_equal(answer->code, PROA_UNIMPLEMENTED);
    assert_int_equal(answer->fields[answer->count - 1].token, HPACK_NAME_GRPC_ACCEPT_ENCODING);
    assert_true(BYTES_IS(answer->fields[answer->count - 1].value, "identity"));
}

static void bin_header_that_is_no_base64_is_internal(void **state)
{
    (void)state;
    assert_int_equal(read_and("x-bin", PROA_STR("Zg==")).refusal, REQUEST_FINE);
    assert_int_equal(read_and("x-bin", PROA_STR("*")).refusal, REQUEST_BAD_METADATA);
    assert_int_equal(request_answer_of(REQUEST_BAD_METADATA)->code, PROA_INTERNAL);
}

static void every_refusal_has_an_answer_that_agrees_with_itself(void **state)
{
    (void)state;
    for (int refusal = REQUEST_FINE + 1; refusal < REQUEST_REFUSALS; refusal++) {
        const request_answer *answer = request_answer_of((request_refusal)refusal);
        assert_int_equal(answer->fields[0].token, HPACK_NAME_STATUS);
        assert_true(bytes_is(answer->fields[1].value, answer->has_body ? "text/plain" : "application/grpc",
                             answer->has_body ? 10 : 16));
        assert_int_equal(answer->fields[2].token, HPACK_NAME_GRPC_STATUS);
        char code[8];
        assert_true(snprintf(code, sizeof code, "%d", answer->code) > 0);
        assert_true(bytes_is(answer->fields[2].value, code, strlen(code)));
        assert_true(bytes_is(answer->fields[3].value, answer->text, strlen(answer->text)));
        assert_int_equal(answer->is_http, BYTES_IS(answer->fields[0].value, "405") ||
                                              BYTES_IS(answer->fields[0].value, "415") ||
                                              BYTES_IS(answer->fields[0].value, "431"));
        assert_int_equal(answer->has_body, answer->is_http && !BYTES_IS(answer->fields[0].value, "431"));
    }
}

static void head_of_a_block_that_comes_again_is_read_once(void **state)
{
    (void)state;
    hpack_field fields[] = {
        hpack_field_of(HPACK_NAME_METHOD, PROA_STR("POST")),
        hpack_field_of(HPACK_NAME_PATH, PROA_STR("/a/b")),
        hpack_field_of(HPACK_NAME_CONTENT_TYPE, PROA_STR("application/grpc")),
    };
    hpack_block block = { .fields = fields, .count = 3 };
    request_head scratch;
    memory_watch(0);
    assert_ptr_equal(request_read(&block, &scratch), &scratch);
    assert_int_equal(memory_unwatch(), 0); /* most blocks come once */
    assert_null(block.note_free);
    const request_head *head = request_read(&block, &scratch);
    assert_ptr_not_equal(head, &scratch);
    fields[0].value = PROA_STR("GET"); /* nobody looks any more */
    memory_watch(0);
    assert_ptr_equal(request_read(&block, &scratch), head);
    assert_int_equal(memory_unwatch(), 0);
    assert_int_equal(head->refusal, REQUEST_FINE);
    assert_true(BYTES_IS(head->path, "/a/b"));
    block.note_free(block.note);
}

static const request_origin origin = { .authority = S("host:1"), .user_agent = S("grpc-c-proa/9") };

static void field_is(const fields *out, size_t i, const char *name, const char *value)
{
    assert_true(i < out->count);
    assert_true(bytes_is(out->data[i].name, name, strlen(name)));
    assert_true(bytes_is(out->data[i].value, value, strlen(value)));
}

static void request_headers_are_in_the_order_of_the_specification(void **state)
{
    (void)state;
    static const proa_header custom[] = { { S("x-a"), S("1") }, { S("x-bin"), S("f") }, { S("x-a"), S("2") } };
    rpc_request request = { .path = S("/a/b"), .headers = { custom, 3 } };
    fields out = { 0 };
    assert_int_equal(request_write(&request, &origin, PROA_STR("1S"), &out), PROA_ERR_NONE);
    static const char *const expected[][2] = {
        { ":method", "POST" },
        { ":scheme", "http" },
        { ":path", "/a/b" },
        { ":authority", "host:1" },
        { "te", "trailers" },
        { "grpc-timeout", "1S" },
        { "content-type", "application/grpc" },
        { "user-agent", "grpc-c-proa/9" },
        { "x-a", "1" },
        { "x-bin", "Zg" },
        { "x-a", "2" },
    };
    assert_int_equal(out.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < out.count; i++)
        field_is(&out, i, expected[i][0], expected[i][1]);
    fields_fini(&out);
}

static void request_without_deadline_has_no_timeout(void **state)
{
    (void)state;
    rpc_request request = { .path = S("/a/b"), .deadline_ns = INT64_MAX };
    request_origin secure = origin;
    secure.is_tls = true;
    fields out = { 0 };
    assert_int_equal(request_write(&request, &secure, (proa_bytes){ NULL, 0 }, &out), PROA_ERR_NONE);
    assert_int_equal(out.count, 7);
    field_is(&out, 1, ":scheme", "https");
    field_is(&out, 5, "content-type", "application/grpc");
    fields_fini(&out);
}

static void user_agent_of_the_program_stands_in_front_of_ours(void **state)
{
    (void)state;
    static const proa_header custom[] = { { S("x"), S("1") }, { S("user-agent"), S(" mine/1 ") } };
    rpc_request request = { .path = S("/a/b"), .headers = { custom, 2 }, .deadline_ns = INT64_MAX };
    fields out = { 0 };
    assert_int_equal(request_write(&request, &origin, (proa_bytes){ NULL, 0 }, &out), PROA_ERR_NONE);
    field_is(&out, 6, "user-agent", "mine/1 grpc-c-proa/9");
    field_is(&out, 7, "x", "1");
    assert_int_equal(out.count, 8);
    assert_true(bytes_starts_with(proa_bytes_of(request_user_agent), PROA_STR("grpc-c-proa/")));
    fields_fini(&out);
}

static void request_that_http_forbids_is_not_written(void **state)
{
    (void)state;
    static const proa_header bad = { S("X"), S("1") };
    fields out = { 0 };
    rpc_request request = { .path = S("/a/b"), .headers = { &bad, 1 }, .deadline_ns = INT64_MAX };
    assert_int_equal(request_write(&request, &origin, (proa_bytes){ NULL, 0 }, &out), PROA_ERR_MALFORMED);
    request = (rpc_request){ .path = S("a/b"), .deadline_ns = INT64_MAX };
    assert_int_equal(request_write(&request, &origin, (proa_bytes){ NULL, 0 }, &out), PROA_ERR_MALFORMED);
    fields_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_exactly_service_and_method),
        cmocka_unit_test(method_other_than_post_is_405),
        cmocka_unit_test(content_type_other_than_grpc_is_415),
        cmocka_unit_test(content_type_of_another_codec_than_proto_is_foreign),
        cmocka_unit_test(te_may_be_missing),
        cmocka_unit_test(grpc_timeout_becomes_a_time_and_a_malformed_one_is_internal),
        cmocka_unit_test(grpc_encoding_other_than_identity_is_unimplemented_and_told_what_is_accepted),
        cmocka_unit_test(bin_header_that_is_no_base64_is_internal),
        cmocka_unit_test(every_refusal_has_an_answer_that_agrees_with_itself),
        cmocka_unit_test(head_of_a_block_that_comes_again_is_read_once),
        cmocka_unit_test(request_headers_are_in_the_order_of_the_specification),
        cmocka_unit_test(request_without_deadline_has_no_timeout),
        cmocka_unit_test(user_agent_of_the_program_stands_in_front_of_ours),
        cmocka_unit_test(request_that_http_forbids_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
