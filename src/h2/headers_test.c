/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9113 8: lists that are well-formed and lists that are not. A list is text, "name: value" a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/bytes.h"
#include "h2/headers.h"

static const char *check(const char *text, h2_headers_kind kind, uint32_t *verdict)
{
    hpack_field fields[16];
    hpack_block block = { .fields = fields };
    for (; *text; block.count++) {
        size_t line = strcspn(text, "\n");
        const char *colon = memchr(text + 1, ':', line - 1);
        assert_non_null(colon);
        proa_bytes name = { text, (size_t)(colon - text) };
        fields[block.count] = (hpack_field){ .name = name, .value = { colon + 2, line - name.size - 2 } };
        fields[block.count].token = (uint8_t)hpack_name_of(name);
        text += line + (text[line] == '\n');
    }
    const char *reason = headers_check(&block, kind);
    assert_ptr_equal(headers_check(&block, kind), reason); /* remembered */
    if (verdict)
        *verdict = block.verdict;
    return reason;
}

static void expect(const char *text, h2_headers_kind kind, const char *reason)
{
    const char *is = check(text, kind, NULL);
    if ((is == NULL) != (reason == NULL) || (is && strcmp(is, reason) != 0))
        fail_msg("%s\nis %s, must be %s", text, is ? is : "fine", reason ? reason : "fine");
}

#define PSEUDO ":method: GET\n:scheme: http\n:path: /\n"

static void requests(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { PSEUDO, NULL },
        { PSEUDO ":authority: a\nhost: A\nte: trailers\nx-y: \x80\xff tab\there\nempty: \n", NULL },
        { ":method: OPTIONS\n:scheme: https\n:path: *\n", NULL },
        { ":method: CONNECT\n:authority: a:1\n", NULL },
        { ":method: CONNECT\n:authority: a:1\n:path: /\n", "pseudo-headers of CONNECT" },
        { ":method: CONNECT\n", "pseudo-headers of CONNECT" },
        { "", "pseudo-header missing" },
        { ":method: GET\n:scheme: http\n", "pseudo-header missing" },
        { ":method: GET\n:path: /\n", "pseudo-header missing" },
        { ":scheme: http\n:path: /\n", "pseudo-header missing" },
        { ":method: GET\n:scheme: http\n:path: \n", "empty :path" },
        { PSEUDO ":path: /\n", "pseudo-header twice" },
        { PSEUDO "a: b\n:authority: c\n", "pseudo-header behind a field" },
        { PSEUDO ":status: 200\n", "pseudo-header of the other direction" },
        { PSEUDO ":protocol: websocket\n", "unknown pseudo-header" },
        { PSEUDO ":x: y\n", "unknown pseudo-header" },
        { PSEUDO "Upper: x\n", "invalid field name" },
        { PSEUDO "sp ace: x\n", "invalid field name" },
        { PSEUDO "del\x7f: x\n", "invalid field name" },
        { PSEUDO "high\x80: x\n", "invalid field name" },
        { PSEUDO "a: cr\rhere\n", "invalid field value" },
        { PSEUDO "a: 12345678cr\rhere\n", "invalid field value" },
        { PSEUDO "a:  x\n", "invalid field value" },
        { PSEUDO "a: x \n", "invalid field value" },
        { PSEUDO "a: \tx\n", "invalid field value" },
        { PSEUDO "a: x\t\n", "invalid field value" },
        { PSEUDO "connection: close\n", "connection-specific field" },
        { PSEUDO "keep-alive: 1\n", "connection-specific field" },
        { PSEUDO "proxy-connection: 1\n", "connection-specific field" },
        { PSEUDO "transfer-encoding: chunked\n", "connection-specific field" },
        { PSEUDO "upgrade: h2c\n", "connection-specific field" },
        { PSEUDO "te: trailers, deflate\n", "te is not trailers" },
        { PSEUDO ":authority: user@host\n", "userinfo in :authority" },
        { PSEUDO ":authority: a\nhost: b\n", "host differs from :authority" },
        { PSEUDO "content-length: 5\ncontent-length: 5\n", NULL },
        { PSEUDO "content-length: 5\ncontent-length: 6\n", "invalid content-length" },
        { PSEUDO "content-length: -1\n", "invalid content-length" },
        { PSEUDO "content-length: 5x\n", "invalid content-length" },
        { PSEUDO "content-length: 1000000000000000000\n", "invalid content-length" },
        { PSEUDO "content-length: \n", "invalid content-length" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i].text, H2_HEADERS_REQUEST, cases[i].reason);
}

static void responses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
        uint32_t facts;
    } cases[] = {
        { ":status: 200\n", NULL, 0 },
        { ":status: 999\nset-cookie: a\n", NULL, 0 },
        { ":status: 100\n", NULL, HEADERS_IS_INFORMATIONAL },
        { ":status: 204\n", NULL, HEADERS_IS_BODILESS },
        { ":status: 304\ncontent-length: 7\n", NULL, HEADERS_IS_BODILESS | HEADERS_HAS_LENGTH },
        { ":status: 101\n", ":status 101", 0 },
        { ":status: 20\n", "invalid :status", 0 },
        { ":status: 2000\n", "invalid :status", 0 },
        { ":status: 0ab\n", "invalid :status", 0 },
        { ":status: 099\n", "invalid :status", 0 },
        { "a: b\n", "pseudo-header missing", 0 },
        { ":status: 200\n:path: /\n", "pseudo-header of the other direction", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t verdict;
        expect(cases[i].text, H2_HEADERS_RESPONSE, cases[i].reason);
        check(cases[i].text, H2_HEADERS_RESPONSE, &verdict);
        if (!cases[i].reason)
            assert_int_equal(verdict & ~0xffffu, cases[i].facts);
    }
}

static void trailers(void **state)
{
    (void)state;
    expect("grpc-status: 0\n", H2_HEADERS_TRAILERS, NULL);
    expect("", H2_HEADERS_TRAILERS, NULL);
    expect(":status: 200\n", H2_HEADERS_TRAILERS, "pseudo-header in trailers");
    expect("connection: x\n", H2_HEADERS_TRAILERS, "connection-specific field");
    expect("content-length: x\n", H2_HEADERS_TRAILERS, NULL); /* means nothing there */
}

static void every_control_byte_of_a_value_is_judged(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t at = 1; at < 18; at++) {
            char value[19];
            memset(value, 'v', sizeof value);
            value[at] = (char)c;
            hpack_field field = { .name = PROA_STR("x"), .value = { value, sizeof value } };
            hpack_block block = { .fields = &field, .count = 1 };
            bool is_forbidden = c == 0 || c == '\n' || c == '\r';
            assert_int_equal(headers_check(&block, H2_HEADERS_TRAILERS) != NULL, is_forbidden);
        }
}

static void one_block_is_judged_once_as_each(void **state)
{
    (void)state;
    hpack_field field = hpack_field_of(HPACK_NAME_STATUS, PROA_STR("200"));
    hpack_block block = { .fields = &field, .count = 1 };
    assert_null(headers_check(&block, H2_HEADERS_RESPONSE));
    assert_non_null(headers_check(&block, H2_HEADERS_TRAILERS));
    field.value = PROA_STR("bad");
    assert_null(headers_check(&block, H2_HEADERS_RESPONSE)); /* not looked at again */
    assert_non_null(headers_check(&block, H2_HEADERS_TRAILERS));
}

static void what_we_send_is_looked_at_for_two_facts(void **state)
{
    (void)state;
    hpack_field head[] = { hpack_field_of(HPACK_NAME_METHOD, PROA_STR("HEAD")),
                           hpack_field_of(HPACK_NAME_PATH, PROA_STR("/")) };
    hpack_field text[] = { { .name = PROA_STR(":path"), .value = PROA_STR("/") },
                           { .name = PROA_STR(":method"), .value = PROA_STR("HEAD") } };
    hpack_field early = hpack_field_of(HPACK_NAME_STATUS, PROA_STR("103"));
    hpack_field late = hpack_field_of(HPACK_NAME_STATUS, PROA_STR("200"));
    assert_true(headers_is_head(head, 2));
    assert_true(headers_is_head(text, 2));
    assert_false(headers_is_head(&late, 1));
    assert_true(headers_is_informational(&early, 1));
    assert_false(headers_is_informational(&late, 1));
    assert_false(headers_is_informational(NULL, 0));
}

/* RFC 9113 8.2.1: each byte at each place of names and values that are shorter and longer than a word. */
static void each_byte_is_judged_at_each_place(void **state)
{
    (void)state;
    char text[24];
    hpack_field fields[] = { hpack_field_of(HPACK_NAME_STATUS, PROA_STR("200")), { .name = PROA_STR("a") } };
    for (size_t size = 1; size <= sizeof text; size++)
        for (size_t at = 0; at < size; at++)
            for (int byte = 0; byte < 256; byte++) {
                memset(text, 'x', size);
                text[at] = (char)byte;
                bool is_edge = at == 0 || at + 1 == size;
                bool is_bad_value =
                    byte == 0 || byte == '\n' || byte == '\r' || (is_edge && (byte == ' ' || byte == '\t'));
                fields[1] = (hpack_field){ .name = PROA_STR("a"), .value = { text, size } };
                hpack_block block = { .fields = fields, .count = 2 };
                assert_int_equal(headers_check(&block, H2_HEADERS_RESPONSE) != NULL, is_bad_value);
                bool is_bad_name = byte <= 0x20 || byte >= 0x7f || byte == ':' || (byte >= 'A' && byte <= 'Z');
                fields[1] = (hpack_field){ .name = { text, size }, .value = PROA_STR("v") };
                block = (hpack_block){ .fields = fields, .count = 2 };
                assert_int_equal(headers_check(&block, H2_HEADERS_RESPONSE) != NULL, is_bad_name);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_judged_at_each_place),
        cmocka_unit_test(requests),
        cmocka_unit_test(responses),
        cmocka_unit_test(trailers),
        cmocka_unit_test(every_control_byte_of_a_value_is_judged),
        cmocka_unit_test(one_block_is_judged_once_as_each),
        cmocka_unit_test(what_we_send_is_looked_at_for_two_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
