/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/metadata.h"
#include "base/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A block as the decoder gives it: pairs of name and value. */
static hpack_block block_of(hpack_field *fields, const proa_bytes *texts, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        fields[i] = (hpack_field){ texts[2 * i], texts[2 * i + 1], (uint8_t)hpack_name_of(texts[2 * i]), false };
    return (hpack_block){ .fields = fields, .count = (uint32_t)pairs };
}
#define BLOCK(...) \
    block_of((hpack_field[32]){ { .token = 0 } }, (const proa_bytes[]){ __VA_ARGS__ }, \
             sizeof((const proa_bytes[]){ __VA_ARGS__ }) / sizeof(proa_bytes) / 2)
#define S(text) PROA_STR_INIT(text)

static void is(proa_headers headers, size_t i, const char *name, proa_bytes value)
{
    assert_true(i < headers.count);
    assert_true(bytes_is(headers.data[i].name, name, strlen(name)));
    assert_non_null(headers.data[i].value.data);
    assert_true(proa_bytes_is_equal(headers.data[i].value, value));
}

static void reserved_names_are_not_custom_metadata(void **state)
{
    (void)state;
    hpack_block block =
        BLOCK(S(":method"), S("POST"), S(":path"), S("/a/b"), S("te"), S("trailers"), S("content-type"),
              S("application/grpc"), S("grpc-timeout"), S("1S"), S("grpc-encoding"), S("identity"), S("grpc-trace-bin"),
              S("!!"), S("grpc-new"), S("x"), S("content-length"), S("5"), S("user-agent"), S("me"), S("x-one"), S("1"),
              S("trailer"), S("grpc-status"), S("grp"), S("2"), S("host"), S("h"));
    proa_arena *arena = proa_arena_new(0);
    assert_true(metadata_is_sound(&block));
    proa_headers headers = metadata_read(&block, arena);
    assert_int_equal(headers.count, 3);
    is(headers, 0, "user-agent", PROA_STR("me"));
    is(headers, 1, "x-one", PROA_STR("1"));
    is(headers, 2, "grp", PROA_STR("2"));
    proa_arena_free(arena);
}

static void no_custom_metadata_is_an_empty_list_and_not_an_absent_one(void **state)
{
    (void)state;
    hpack_block block = BLOCK(S(":status"), S("200"));
    proa_arena *arena = proa_arena_new(0);
    proa_headers headers = metadata_read(&block, arena);
    assert_non_null(headers.data);
    assert_int_equal(headers.count, 0);
    proa_arena_free(arena);
}

static void duplicates_keep_their_order(void **state)
{
    (void)state;
    hpack_block block = BLOCK(S("a"), S("1"), S("b"), S("2"), S("a"), S("3, 4"), S("a"), S(""));
    proa_arena *arena = proa_arena_new(0);
    proa_headers headers = metadata_read(&block, arena);
    assert_int_equal(headers.count, 4);
    is(headers, 0, "a", PROA_STR("1"));
    is(headers, 1, "b", PROA_STR("2"));
    is(headers, 2, "a", PROA_STR("3, 4"));
    is(headers, 3, "a", PROA_STR(""));
    proa_arena_free(arena);
}

static void bin_values_are_split_at_commas_before_they_are_decoded(void **state)
{
    (void)state;
    hpack_block block =
        BLOCK(S("x-bin"), S("q6ur"), S("x-bin"), S("Zg==,Zm8"), S("y-bin"), S(""), S("z-bin"), S("Zg, ,Zm9v"));
    proa_arena *arena = proa_arena_new(0);
    assert_true(metadata_is_sound(&block));
    proa_headers headers = metadata_read(&block, arena);
    assert_int_equal(headers.count, 7);
    is(headers, 0, "x-bin", PROA_STR("\xab\xab\xab"));
    is(headers, 1, "x-bin", PROA_STR("f"));
    is(headers, 2, "x-bin", PROA_STR("fo"));
    is(headers, 3, "y-bin", PROA_STR(""));
    is(headers, 4, "z-bin", PROA_STR("f"));
    is(headers, 5, "z-bin", PROA_STR(""));
    is(headers, 6, "z-bin", PROA_STR("foo"));
    proa_arena_free(arena);
}

static void bin_value_that_is_no_base64_is_not_sound(void **state)
{
    (void)state;
    static const char *const bad[] = { "A", "Zg=", "Zg==Zg==", "Z g", "Zg,*", "\xff" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        hpack_field field = { PROA_STR("x-bin"), proa_bytes_of(bad[i]), 0, false };
        hpack_block block = { .fields = &field, .count = 1 };
        assert_false(metadata_is_sound(&block));
        field.name = PROA_STR("x-bi"); /* the same in text is none of our business */
        assert_true(metadata_is_sound(&block));
    }
}

static void odd_values_that_http_allows_are_handed_on(void **state)
{
    (void)state;
    hpack_block block = BLOCK(S("a"), S("\t\x80\xff\x7f"), S("A!#$%&'*+^`|~"), S("b"));
    proa_arena *arena = proa_arena_new(0);
    proa_headers headers = metadata_read(&block, arena);
    assert_int_equal(headers.count, 2);
    is(headers, 0, "a", PROA_STR("\t\x80\xff\x7f"));
    proa_arena_free(arena);
}

static proa_err validates(proa_bytes name, proa_bytes value)
{
    proa_header header = { name, value };
    return metadata_validate((proa_headers){ &header, 1 });
}

static void what_is_sent_has_names_and_values_of_the_grammar(void **state)
{
    (void)state;
    assert_int_equal(validates(PROA_STR("x-a_b.9"), PROA_STR(" ~az")), PROA_ERR_NONE);
    assert_int_equal(validates(PROA_STR("x"), PROA_STR("")), PROA_ERR_NONE);
    assert_int_equal(validates(PROA_STR("x-bin"), PROA_STR("\0\xff\n")), PROA_ERR_NONE);
    assert_int_equal(validates(PROA_STR("user-agent"), PROA_STR("me")), PROA_ERR_NONE);
    static const proa_bytes names[] = {
        S(""),
        S("X"),
        S("a b"),
        S("a:b"),
        S(":path"),
        S("a\0"),
        S("\xc3\xa4"),
        S("a/b"),
        S("a\r\nb"),
        S("grpc-x"),
        S("grpc-status"),
        S("te"),
        S("content-type"),
        S("connection"),
        S("host"),
        S("transfer-encoding"),
        S("content-length"),
        S("upgrade"),
        S("keep-alive"),
        S("proxy-connection"),
        S("trailer"),
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(validates(names[i], PROA_STR("v")), PROA_ERR_MALFORMED);
    static const proa_bytes values[] = { S("a\r\nb: c"), S("\0"), S("a\nb"), S("\x7f"),
                                         S("\xc3\xa4"),  S("\t"), S("a\x1f") };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(validates(PROA_STR("x"), values[i]), PROA_ERR_MALFORMED);
}

static void what_is_sent_is_unpadded_stripped_and_keeps_secrets_out_of_tables(void **state)
{
    (void)state;
    static const proa_header list[] = {
        { S("x-bin"), S("\xfb\xff") }, { S("y"), S("  v v ") },      { S("authorization"), S("Bearer 1") },
        { S("z-bin"), S("") },         { S("user-agent"), S("me") }, { S("q"), { NULL, 0 } },
    };
    proa_headers headers = { list, sizeof list / sizeof list[0] };
    fields out = { 0 };
    assert_int_equal(metadata_validate(headers), PROA_ERR_NONE);
    assert_int_equal(fields_begin(&out, headers.count, metadata_text_size(headers)), PROA_ERR_NONE);
    metadata_write(headers, &out);
    assert_int_equal(out.count, 5);
    assert_true(BYTES_IS(out.data[0].value, "+/8"));
    assert_true(BYTES_IS(out.data[1].value, "v v"));
    assert_int_equal(out.data[2].token, HPACK_NAME_AUTHORIZATION);
    assert_true(out.data[2].is_never_indexed);
    assert_false(out.data[1].is_never_indexed);
    assert_true(BYTES_IS(out.data[3].value, ""));
    assert_true(BYTES_IS(out.data[4].name, "q"));
    assert_non_null(out.data[4].value.data);
    fields_fini(&out);
}

static void what_is_sent_comes_back(void **state)
{
    (void)state;
    char raw[100];
    proa_arena *arena = proa_arena_new(0);
    fields out = { 0 };
    for (size_t size = 0; size <= sizeof raw; size++) {
        for (size_t i = 0; i < size; i++)
            raw[i] = (char)(i * size + 3);
        proa_header header = { PROA_STR("k-bin"), { raw, size } };
        proa_headers one = { &header, 1 };
        assert_int_equal(fields_begin(&out, 1, metadata_text_size(one)), PROA_ERR_NONE);
        metadata_write(one, &out);
        hpack_block block = { .fields = out.data, .count = 1 };
        is(metadata_read(&block, arena), 0, "k-bin", (proa_bytes){ raw, size });
    }
    fields_fini(&out);
    proa_arena_free(arena);
}

static void running_out_of_memory_gives_absent_headers(void **state)
{
    (void)state;
    hpack_block block = BLOCK(S("a"), S("1"), S("b-bin"), S("Zg,Zg"), S("c"), S("3"));
    bool done = false;
    size_t nth = 1;
    for (; !done; nth++) {
        proa_arena *arena = proa_arena_new(16);
        memory_watch(nth);
        proa_headers headers = metadata_read(&block, arena);
        done = memory_unwatch() < nth;
        assert_int_equal(headers.data != NULL, done);
        proa_arena_free(arena);
    }
    assert_true(nth > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_names_are_not_custom_metadata),
        cmocka_unit_test(no_custom_metadata_is_an_empty_list_and_not_an_absent_one),
        cmocka_unit_test(duplicates_keep_their_order),
        cmocka_unit_test(bin_values_are_split_at_commas_before_they_are_decoded),
        cmocka_unit_test(bin_value_that_is_no_base64_is_not_sound),
        cmocka_unit_test(odd_values_that_http_allows_are_handed_on),
        cmocka_unit_test(what_is_sent_has_names_and_values_of_the_grammar),
        cmocka_unit_test(what_is_sent_is_unpadded_stripped_and_keeps_secrets_out_of_tables),
        cmocka_unit_test(what_is_sent_comes_back),
        cmocka_unit_test(running_out_of_memory_gives_absent_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
