/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/status.h"
#include "base/bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void codes_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(proa_code_name(PROA_OK), "OK");
    assert_string_equal(proa_code_name(PROA_INTERNAL), "INTERNAL");
    assert_string_equal(proa_code_name(PROA_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(proa_code_name((proa_code)17), "UNKNOWN");
    assert_string_equal(proa_code_name(PROA_WAIT), "UNKNOWN");
}

static void http_status_maps_to_a_code(void **state)
{
    (void)state;
    static const struct {
        unsigned http;
        proa_code code;
    } rows[] = {
        { 400, PROA_INTERNAL },      { 401, PROA_UNAUTHENTICATED }, { 403, PROA_PERMISSION_DENIED },
        { 404, PROA_UNIMPLEMENTED }, { 429, PROA_UNAVAILABLE },     { 431, PROA_UNKNOWN },
        { 502, PROA_UNAVAILABLE },   { 503, PROA_UNAVAILABLE },     { 504, PROA_UNAVAILABLE },
        { 200, PROA_UNKNOWN },       { 301, PROA_UNKNOWN },         { 405, PROA_UNKNOWN },
        { 415, PROA_UNKNOWN },       { 500, PROA_UNKNOWN },         { 0, PROA_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(rpc_code_of_http(rows[i].http), rows[i].code);
}

static void rst_stream_code_maps_to_a_code(void **state)
{
    (void)state;
    static const struct {
        uint32_t h2;
        proa_code code;
    } rows[] = {
        { H2_NO_ERROR, PROA_INTERNAL },
        { H2_PROTOCOL_ERROR, PROA_INTERNAL },
        { H2_INTERNAL_ERROR, PROA_INTERNAL },
        { H2_FLOW_CONTROL_ERROR, PROA_INTERNAL },
        { H2_SETTINGS_TIMEOUT, PROA_INTERNAL },
        { H2_STREAM_CLOSED, PROA_INTERNAL },
        { H2_FRAME_SIZE_ERROR, PROA_INTERNAL },
        { H2_REFUSED_STREAM, PROA_UNAVAILABLE },
        { H2_CANCEL, PROA_CANCELLED },
        { H2_COMPRESSION_ERROR, PROA_INTERNAL },
        { H2_CONNECT_ERROR, PROA_INTERNAL },
        { H2_ENHANCE_YOUR_CALM, PROA_RESOURCE_EXHAUSTED },
        { H2_INADEQUATE_SECURITY, PROA_PERMISSION_DENIED },
        { H2_HTTP_1_1_REQUIRED, PROA_INTERNAL },
        { 14, PROA_UNKNOWN },
        { UINT32_MAX, PROA_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(rpc_code_of_h2(rows[i].h2), rows[i].code);
}

static void code_maps_to_rst_stream_as_in_c_core(void **state)
{
    (void)state;
    static const struct {
        proa_code code;
        uint32_t h2;
    } rows[] = {
        { PROA_OK, H2_NO_ERROR },
        { PROA_CANCELLED, H2_CANCEL },
        { PROA_UNKNOWN, H2_INTERNAL_ERROR },
        { PROA_INVALID_ARGUMENT, H2_INTERNAL_ERROR },
        { PROA_DEADLINE_EXCEEDED, H2_CANCEL },
        { PROA_PERMISSION_DENIED, H2_INADEQUATE_SECURITY },
        { PROA_RESOURCE_EXHAUSTED, H2_ENHANCE_YOUR_CALM },
        { PROA_UNIMPLEMENTED, H2_INTERNAL_ERROR },
        { PROA_INTERNAL, H2_INTERNAL_ERROR },
        { PROA_UNAVAILABLE, H2_REFUSED_STREAM },
        { PROA_UNAUTHENTICATED, H2_INTERNAL_ERROR },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(rpc_h2_of_code(rows[i].code), rows[i].h2);
}

static void error_maps_to_a_code(void **state)
{
    (void)state;
    static const struct {
        proa_err error;
        proa_code code;
    } rows[] = {
        { PROA_ERR_NONE, PROA_OK },
        { PROA_ERR_NOMEM, PROA_RESOURCE_EXHAUSTED },
        { PROA_ERR_LIMIT, PROA_RESOURCE_EXHAUSTED },
        { PROA_ERR_MALFORMED, PROA_INTERNAL },
        { PROA_ERR_REQUIRED, PROA_INTERNAL },
        { PROA_ERR_CLOSED, PROA_UNAVAILABLE },
        { PROA_ERR_ADDRESS, PROA_UNAVAILABLE },
        { PROA_ERR_IO, PROA_UNAVAILABLE },
        { PROA_ERR_TLS, PROA_UNAVAILABLE },
        { PROA_ERR_CONFIG, PROA_INTERNAL },
        { (proa_err)99, PROA_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(rpc_code_of_err(rows[i].error), rows[i].code);
}

static void grpc_status_is_decimal_and_the_rest_is_unknown(void **state)
{
    (void)state;
    for (int code = 0; code <= 16; code++)
        assert_int_equal(status_parse(status_text((proa_code)code)), code);
    static const char *const bad[] = { "", "17", "99", "100", "-1", "x", "1x", " 1", "4294967296" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(status_parse(proa_bytes_of(bad[i])), PROA_UNKNOWN);
    assert_true(BYTES_IS(status_text((proa_code)17), "2"));
    assert_true(BYTES_IS(status_text(PROA_WAIT), "2"));
    assert_true(BYTES_IS(status_text(PROA_UNAUTHENTICATED), "16"));
}

static void details_code_is_field_one_wherever_it_stands(void **state)
{
    (void)state;
    static const struct {
        proa_bytes bytes;
        bool is_status;
        uint64_t code;
    } rows[] = {
        { PROA_STR_INIT(""), true, 0 },
        { PROA_STR_INIT("\x08\x05"), true, 5 },
        { PROA_STR_INIT("\x12\x02hi\x08\x05"), true, 5 },
        { PROA_STR_INIT("\x08\x05\x08\x07\x1a\x00"), true, 7 },
        { PROA_STR_INIT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true, UINT64_MAX },
        { PROA_STR_INIT("\x21"
                        "12345678"
                        "\x2d"
                        "1234"),
          true, 0 },
        { PROA_STR_INIT("\x08"), false, 0 },
        { PROA_STR_INIT("\x12\x05hi"), false, 0 },
        { PROA_STR_INIT("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01hi"), false, 0 },
        { PROA_STR_INIT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, 0 },
        { PROA_STR_INIT("\x00\x01"), false, 0 },
        { PROA_STR_INIT("\x0b\x0c"), false, 0 },
        { PROA_STR_INIT("\x21"
                        "1234"),
          false, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t code = 99;
        assert_int_equal(status_details_code(rows[i].bytes, &code), rows[i].is_status);
        assert_int_equal(code, rows[i].is_status ? rows[i].code : 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_their_names),
        cmocka_unit_test(http_status_maps_to_a_code),
        cmocka_unit_test(rst_stream_code_maps_to_a_code),
        cmocka_unit_test(code_maps_to_rst_stream_as_in_c_core),
        cmocka_unit_test(error_maps_to_a_code),
        cmocka_unit_test(grpc_status_is_decimal_and_the_rest_is_unknown),
        cmocka_unit_test(details_code_is_field_one_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
