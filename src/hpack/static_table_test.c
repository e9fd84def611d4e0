/* SPDX-License-Identifier: Apache-2.0 */
/* The static table and the tokens of names. */
#include "hpack/static_table.h"
#include "base/bytes.h"
#include "hpack/hpack_testlib.h"

static void entries_are_where_the_rfc_has_them(void **state)
{
    (void)state;
    static const struct {
        unsigned index;
        const char *name, *value;
    } some[] = {
        { 1, ":authority", "" },    { 2, ":method", "GET" },
        { 3, ":method", "POST" },   { 5, ":path", "/index.html" },
        { 7, ":scheme", "https" },  { 8, ":status", "200" },
        { 14, ":status", "500" },   { 16, "accept-encoding", "gzip, deflate" },
        { 31, "content-type", "" }, { 38, "host", "" },
        { 58, "user-agent", "" },   { 61, "www-authenticate", "" },
    };
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        assert_true(proa_bytes_is_equal(static_table[some[i].index].name, proa_bytes_of(some[i].name)));
        assert_true(proa_bytes_is_equal(static_table[some[i].index].value, proa_bytes_of(some[i].value)));
    }
}

static void every_entry_is_found_by_name_and_value(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= STATIC_TABLE_COUNT; i++) {
        static_name known = static_name_of(static_table[i].name);
        assert_int_equal(known.token, static_table[i].token);
        assert_true(known.index >= 1 && known.index <= i);
        assert_true(proa_bytes_is_equal(static_table[known.index].name, static_table[i].name));
        if (known.token)
            assert_int_equal(static_match(known.token, static_table[i].value), i);
    }
}

static void every_token_has_a_text_that_leads_back(void **state)
{
    (void)state;
    for (unsigned token = 1; token < HPACK_NAME_COUNT; token++) {
        proa_bytes text = hpack_name_text(token);
        assert_true(text.size > 0);
        assert_int_equal(hpack_name_of(text), token);
        assert_int_equal(static_tokens[token].index, static_name_of(text).index);
        hpack_field field = hpack_field_of(token, PROA_STR("v"));
        assert_int_equal(field.token, token);
    }
    assert_true(
        proa_bytes_is_equal(hpack_name_text(HPACK_NAME_GRPC_STATUS_DETAILS_BIN), PROA_STR("grpc-status-details-bin")));
    assert_true(proa_bytes_is_equal(hpack_name_text(HPACK_NAME_PROXY_CONNECTION), PROA_STR("proxy-connection")));
    assert_true(proa_bytes_is_equal(hpack_name_text(HPACK_NAME_TE), PROA_STR("te")));
}

static void tokens_know_whether_the_table_has_values(void **state)
{
    (void)state;
    for (unsigned token = 1; token < HPACK_NAME_COUNT; token++) {
        bool has_values = false;
        for (uint32_t i = 1; i <= STATIC_TABLE_COUNT; i++)
            has_values |= static_table[i].token == token && static_table[i].value.size;
        assert_int_equal(static_tokens[token].has_values, has_values);
    }
}

static void pseudo_and_hop_names_are_ranges(void **state)
{
    (void)state;
    for (unsigned token = 1; token < HPACK_NAME_COUNT; token++)
        assert_true((hpack_name_text(token).data[0] == ':') == (token <= HPACK_NAME_PSEUDO_LAST));
    assert_int_equal(hpack_name_of(PROA_STR("connection")), HPACK_NAME_PSEUDO_LAST + 1);
    assert_int_equal(hpack_name_of(PROA_STR("upgrade")), HPACK_NAME_HOP_LAST);
}

static void other_names_are_unknown(void **state)
{
    (void)state;
    static const char *names[] = { "",
                                   "t",
                                   "TE",
                                   "tE",
                                   "te ",
                                   ":",
                                   ":x",
                                   ":statuS",
                                   "content-typE",
                                   "grpc-timeouT",
                                   "x-request-id",
                                   "accept",
                                   "access-control-allow-origin-and-some-more",
                                   "access-control-allow-origiN" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(hpack_name_of(proa_bytes_of(names[i])), HPACK_NAME_UNKNOWN);
    assert_int_equal(hpack_name_of((proa_bytes){ NULL, 0 }), HPACK_NAME_UNKNOWN);
    assert_int_equal(static_name_of(PROA_STR("accept")).index, 19);
    assert_int_equal(hpack_name_text(HPACK_NAME_UNKNOWN).size, 0);
}

static void values_match_as_a_whole(void **state)
{
    (void)state;
    assert_int_equal(static_match(HPACK_NAME_STATUS, PROA_STR("200")), 8);
    assert_int_equal(static_match(HPACK_NAME_STATUS, PROA_STR("201")), 0);
    assert_int_equal(static_match(HPACK_NAME_STATUS, PROA_STR("2000")), 0);
    assert_int_equal(static_match(HPACK_NAME_PATH, PROA_STR("/")), 4);
    assert_int_equal(static_match(HPACK_NAME_GRPC_STATUS, PROA_STR("200")), 0);
    assert_int_equal(static_match(HPACK_NAME_CONTENT_TYPE, PROA_STR("")), 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_where_the_rfc_has_them),
        cmocka_unit_test(every_entry_is_found_by_name_and_value),
        cmocka_unit_test(every_token_has_a_text_that_leads_back),
        cmocka_unit_test(tokens_know_whether_the_table_has_values),
        cmocka_unit_test(pseudo_and_hop_names_are_ranges),
        cmocka_unit_test(other_names_are_unknown),
        cmocka_unit_test(values_match_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
