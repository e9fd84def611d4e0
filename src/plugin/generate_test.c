/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that protoc would never send, and some that it would: each wrong one gives one clear line. */
#include "plugin/plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "google/protobuf/compiler/plugin.proa.h"

typedef google_protobuf_FileDescriptorProto file_proto;
typedef google_protobuf_DescriptorProto message_proto;
typedef google_protobuf_FieldDescriptorProto field_proto;
typedef google_protobuf_compiler_CodeGeneratorRequest request_proto;
typedef google_protobuf_compiler_CodeGeneratorResponse response_proto;

#define S(literal) PROA_STR_INIT(literal)
#define T(kind) \
    { \
        google_protobuf_FieldDescriptorProto_TYPE_##kind, true \
    }
#define L(label) \
    { \
        google_protobuf_FieldDescriptorProto_LABEL_##label, true \
    }
#define LIST(array) \
    { \
        (array), sizeof(array) / sizeof((array)[0]) \
    }

/* What the plugin says to one file, its response decoded; and how it ended. */
static response_proto *answer(const request_proto *request, proa_arena *arena)
{
    proa_bytes wire, out;
    proa_error error = { 0 };
    assert_int_equal(google_protobuf_compiler_CodeGeneratorRequest_encode(request, arena, &wire), PROA_ERR_NONE);
    assert_int_equal(plugin_run(wire, arena, &out, &error), PROA_ERR_NONE);
    response_proto *response = google_protobuf_compiler_CodeGeneratorResponse_decode(out, arena, &error);
    assert_non_null(response);
    assert_int_equal(response->supported_features.value, 1);
    return response;
}

static void assert_line(const file_proto *files, size_t count, const char *want)
{
    proa_arena *arena = proa_arena_new(0);
    proa_bytes names[4];
    for (size_t i = 0; i < count; i++)
        names[i] = files[i].name;
    const request_proto request = { .file_to_generate = { names, count },
                                    .proto_file = { (file_proto *)(uintptr_t)files, count } };
    const response_proto *response = answer(&request, arena);
    char line[1100];
    snprintf(line, sizeof line, "%.*s", PROA_FMT(response->error));
    assert_string_equal(line, want);
    assert_int_equal(response->file.count, *want ? 0 : 2 * count);
    proa_arena_free(arena);
}

static void assert_file(file_proto file, const char *want)
{
    if (!file.name.data)
        file.name = PROA_STR("a.proto");
    if (!file.syntax.data)
        file.syntax = PROA_STR("proto3");
    assert_line(&file, 1, want);
}

static void assert_message(message_proto message, const char *want)
{
    if (!message.name.data)
        message.name = PROA_STR("M");
    assert_file((file_proto){ .message_type = { &message, 1 } }, want);
}

static void assert_field(field_proto field, const char *want)
{
    if (!field.name.data)
        field.name = PROA_STR("f");
    if (!field.label.has)
        field.label = (google_protobuf_FieldDescriptorProto_Label_opt)L(OPTIONAL);
    message_proto message = { .field = { &field, 1 } };
    assert_message(message, want);
}

static void a_plain_message_is_written(void **state)
{
    (void)state;
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(INT32) }, "");
}

static void an_empty_request_is_answered(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(0);
    const response_proto *response = answer(&(request_proto){ 0 }, arena);
    assert_null(response->error.data);
    assert_int_equal(response->file.count, 0);
    proa_arena_free(arena);
}

static void a_request_that_is_none_is_an_error(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(0);
    proa_bytes out = { 0 };
    proa_error error = { 0 };
    assert_int_equal(plugin_run(PROA_STR("\x7a\x05\x0a"), arena, &out, &error), PROA_ERR_MALFORMED);
    assert_null(out.data);
    assert_true(error.text[0]);
    assert_int_equal(plugin_run(PROA_STR("\x7a\x05\x0a"), arena, &out, NULL), PROA_ERR_MALFORMED);
    proa_arena_free(arena);
}

static void a_request_that_is_cut_anywhere_does_no_harm(void **state)
{
    (void)state;
    proa_arena *kept = proa_arena_new(0);
    field_proto field = { .name = S("f"), .number = PROA_SOME(1), .type = T(STRING), .label = L(OPTIONAL) };
    message_proto message = { .name = S("M"), .field = { &field, 1 } };
    file_proto file = { .name = S("a.proto"), .package = S("p"), .message_type = { &message, 1 } };
    const request_proto request = { .file_to_generate = { &file.name, 1 }, .proto_file = { &file, 1 } };
    proa_bytes wire;
    assert_int_equal(google_protobuf_compiler_CodeGeneratorRequest_encode(&request, kept, &wire), PROA_ERR_NONE);
    for (size_t size = 0; size < wire.size; size++) {
        proa_arena *arena = proa_arena_new(0);
        proa_bytes out;
        proa_error error = { 0 };
        const proa_err err = plugin_run((proa_bytes){ wire.data, size }, arena, &out, &error);
        assert_true(err == PROA_ERR_NONE || err == PROA_ERR_MALFORMED);
        proa_arena_free(arena);
    }
    proa_arena_free(kept);
}

static void a_default_of_an_enum_is_one_of_its_values(void **state)
{
    (void)state;
    google_protobuf_EnumValueDescriptorProto values[] = { { .name = S("B"), .number = PROA_SOME(2) },
                                                          { .name = S("A") } };
    google_protobuf_EnumDescriptorProto e = { .name = S("E"), .value = LIST(values) };
    field_proto field = { .name = S("f"),
                          .number = PROA_SOME(1),
                          .type = T(ENUM),
                          .type_name = S(".M.E"),
                          .label = L(OPTIONAL),
                          .default_value = S("A") };
    message_proto message = { .name = S("M"), .field = { &field, 1 }, .enum_type = { &e, 1 } };
    file_proto file = { .syntax = S("proto2"), .message_type = { &message, 1 } };
    assert_file(file, "");
    field.default_value = PROA_STR("C");
    assert_file(file, "a.proto: field M.f: its default \"C\" is no value of M.E");
    field.default_value = PROA_STR("");
    assert_file(file, "a.proto: field M.f: its default \"\" is no value of M.E");
}

static void paths_lead_nowhere_but_below_the_output_folder(void **state)
{
    (void)state;
    static const char *const paths[] = { "../a.proto", "/a.proto", "a/../b.proto", "a//b.proto", "./a.proto", ".proto",
                                         "a",          "a.proto/", "a\\b.proto",   "a\"b.proto", "c:a.proto" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char want[200];
        snprintf(want, sizeof want, "%s: this is no path of a .proto file that can be generated", paths[i]);
        assert_file((file_proto){ .name = proa_bytes_of(paths[i]) }, want);
    }
    assert_file((file_proto){ .name = S("a\nb.proto") },
                "a?b.proto: this is no path of a .proto file that can be generated");
}

static void a_file_that_is_not_described_cannot_be_generated(void **state)
{
    (void)state;
    proa_arena *arena = proa_arena_new(0);
    proa_bytes name = PROA_STR("missing.proto");
    const response_proto *response = answer(&(request_proto){ .file_to_generate = { &name, 1 } }, arena);
    assert_true(BYTES_IS(response->error, "missing.proto: the request does not describe this file"));
    proa_arena_free(arena);
}

static void editions_are_refused(void **state)
{
    (void)state;
    assert_file((file_proto){ .syntax = S("editions") },
                "a.proto: syntax \"editions\" is not supported, only proto2 and proto3 are");
}

static void names_are_identifiers(void **state)
{
    (void)state;
    assert_message((message_proto){ .name = S("a b") },
                   "a.proto: a message in \"\" has the name \"a b\", which is no identifier");
    assert_message((message_proto){ .name = S("") },
                   "a.proto: a message in \"\" has the name \"\", which is no identifier");
    assert_field((field_proto){ .name = S("x;int y"), .number = PROA_SOME(1), .type = T(INT32) },
                 "a.proto: a field in \"M\" has the name \"x;int y\", which is no identifier");
    assert_file((file_proto){ .package = S("a..b") }, "a.proto: package \"a..b\" is no name");
    assert_file((file_proto){ .package = S("a.") }, "a.proto: package \"a.\" is no name");
    assert_file((file_proto){ .package = S(".a") }, "a.proto: package \".a\" is no name");
}

static void numbers_and_types_of_fields_are_in_range(void **state)
{
    (void)state;
    assert_field((field_proto){ .type = T(INT32) }, "a.proto: field M.f: its number is 0");
    assert_field((field_proto){ .number = PROA_SOME(-1), .type = T(INT32) }, "a.proto: field M.f: its number is -1");
    assert_field((field_proto){ .number = PROA_SOME(1 << 29), .type = T(INT32) },
                 "a.proto: field M.f: its number is 536870912");
    assert_field((field_proto){ .number = PROA_SOME(1), .type_name = S(".M") },
                 "a.proto: field M.f: it has no type that is known");
    assert_field(
        (field_proto){ .number = PROA_SOME(1), .type = PROA_SOME((google_protobuf_FieldDescriptorProto_Type)19) },
        "a.proto: field M.f: it has no type that is known");
    field_proto twice[] = { { .name = S("a"), .number = PROA_SOME(1), .type = T(INT32) },
                            { .name = S("b"), .number = PROA_SOME(1), .type = T(INT32) } };
    assert_message((message_proto){ .field = LIST(twice) }, "a.proto: message M: number 1 is used twice");
}

static void types_are_in_the_request_and_of_the_right_kind(void **state)
{
    (void)state;
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(MESSAGE), .type_name = S(".Nope") },
                 "a.proto: field M.f: its type \".Nope\" is not in the request");
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(MESSAGE) },
                 "a.proto: field M.f: its type \"\" is not in the request");
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(ENUM), .type_name = S(".M") },
                 "a.proto: field M.f: its type \".M\" is not in the request");
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(MESSAGE), .type_name = S("M") },
                 "a.proto: field M.f: its type \"M\" is not in the request");
    google_protobuf_MethodDescriptorProto method = { .name = S("Do"), .input_type = S(".M"), .output_type = S(".M") };
    google_protobuf_ServiceDescriptorProto service = { .name = S("S"), .method = { &method, 1 } };
    assert_file((file_proto){ .service = { &service, 1 } },
                "a.proto: method S.Do: its request or reply is not in the request");
}

static void defaults_are_values_of_their_type(void **state)
{
    (void)state;
    static const struct {
        google_protobuf_FieldDescriptorProto_Type type;
        const char *text;
    } wrong[] = {
        { google_protobuf_FieldDescriptorProto_TYPE_INT32, "1; int x" },
        { google_protobuf_FieldDescriptorProto_TYPE_INT32, "2147483648" },
        { google_protobuf_FieldDescriptorProto_TYPE_INT32, "" },
        { google_protobuf_FieldDescriptorProto_TYPE_UINT32, "-1" },
        { google_protobuf_FieldDescriptorProto_TYPE_UINT64, "18446744073709551616" },
        { google_protobuf_FieldDescriptorProto_TYPE_BOOL, "yes" },
        { google_protobuf_FieldDescriptorProto_TYPE_DOUBLE, "0x1p3" },
        { google_protobuf_FieldDescriptorProto_TYPE_FLOAT, "nan(1)" },
        { google_protobuf_FieldDescriptorProto_TYPE_BYTES, "\\" },
        { google_protobuf_FieldDescriptorProto_TYPE_BYTES, "\\q" },
        { google_protobuf_FieldDescriptorProto_TYPE_MESSAGE, "x" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char want[200];
        snprintf(want, sizeof want, "a.proto: field M.f: its default \"%s\" is no such value", wrong[i].text);
        assert_field((field_proto){ .number = PROA_SOME(1),
                                    .type = { wrong[i].type, true },
                                    .type_name = S(".M"),
                                    .default_value = proa_bytes_of(wrong[i].text) },
                     want);
    }
}

static void what_has_no_presence_has_no_default(void **state)
{
    (void)state;
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(INT32), .default_value = S("1") },
                 "a.proto: field M.f: it has no presence, so its default is zero");
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(INT32), .default_value = S("0") }, "");
}

static void oneofs_are_there_and_not_empty(void **state)
{
    (void)state;
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(INT32), .oneof_index = PROA_SOME(0) },
                 "a.proto: message M: a field is in a oneof that is not there");
    assert_field((field_proto){ .number = PROA_SOME(1), .type = T(INT32), .oneof_index = PROA_SOME(-1) },
                 "a.proto: message M: a field is in a oneof that is not there");
    google_protobuf_OneofDescriptorProto oneofs[] = { { .name = S("a") }, { .name = S("b") } };
    field_proto field = { .name = S("f"), .number = PROA_SOME(1), .type = T(INT32), .oneof_index = PROA_SOME(1) };
    assert_message((message_proto){ .field = { &field, 1 }, .oneof_decl = LIST(oneofs) },
                   "a.proto: message M: a oneof is empty");
}

static void fields_of_a_oneof_need_not_stand_together(void **state)
{
    (void)state;
    google_protobuf_OneofDescriptorProto oneofs[] = { { .name = S("o") }, { .name = S("p") } };
    field_proto fields[] = {
        { .name = S("a"), .number = PROA_SOME(1), .type = T(INT32), .oneof_index = PROA_SOME(0) },
        { .name = S("b"), .number = PROA_SOME(2), .type = T(INT32), .oneof_index = PROA_SOME(1) },
        { .name = S("c"), .number = PROA_SOME(3), .type = T(INT32), .oneof_index = PROA_SOME(0) },
    };
    assert_message((message_proto){ .field = LIST(fields), .oneof_decl = LIST(oneofs) }, "");
}

static void a_map_entry_has_key_and_value_and_is_only_that(void **state)
{
    (void)state;
    google_protobuf_MessageOptions is_entry = { .map_entry = PROA_SOME(true) };
    field_proto pair[] = { { .name = S("key"), .number = PROA_SOME(1), .type = T(DOUBLE) },
                           { .name = S("value"), .number = PROA_SOME(2), .type = T(INT32) } };
    message_proto entry = { .name = S("E"), .field = LIST(pair), .options = &is_entry };
    field_proto field = {
        .name = S("f"), .number = PROA_SOME(1), .type = T(MESSAGE), .type_name = S(".M.E"), .label = L(REPEATED)
    };
    message_proto message = { .name = S("M"), .field = { &field, 1 }, .nested_type = { &entry, 1 } };
    assert_message(message, "a.proto: message M.E: this is no map entry");
    pair[0].type = (google_protobuf_FieldDescriptorProto_Type_opt)T(STRING);
    assert_message(message, "");
    pair[1] = (field_proto){ .name = S("value"), .number = PROA_SOME(2), .type = T(MESSAGE), .type_name = S(".M.E") };
    assert_message(message, "a.proto: field M.E.value: a map entry is no type of a field");
    pair[1] = (field_proto){ .name = S("value"), .number = PROA_SOME(2), .type = T(INT32) };
    field.label = (google_protobuf_FieldDescriptorProto_Label_opt)L(OPTIONAL);
    assert_message(message, "a.proto: field M.f: a map entry is no type of a field");
    entry.field.count = 1;
    field.label = (google_protobuf_FieldDescriptorProto_Label_opt)L(REPEATED);
    assert_message(message, "a.proto: message M.E: this is no map entry");
}

static void an_enum_has_a_value_and_a_type_is_defined_once(void **state)
{
    (void)state;
    google_protobuf_EnumDescriptorProto e = { .name = S("E") };
    assert_file((file_proto){ .enum_type = { &e, 1 } }, "a.proto: enum E has no value");
    message_proto twice[] = { { .name = S("M") }, { .name = S("M") } };
    assert_file((file_proto){ .message_type = LIST(twice) }, "a.proto: M is defined twice");
    file_proto files[] = { { .name = S("a.proto") }, { .name = S("a.proto") } };
    assert_line(files, 2, "a.proto: the file is twice in the request");
}

static void public_imports_are_in_the_request(void **state)
{
    (void)state;
    int32_t one = 1;
    assert_file((file_proto){ .public_dependency = { &one, 1 } }, "a.proto: a public import is not in the request");
}

static void nesting_is_limited(void **state)
{
    (void)state;
    enum { LEVELS = 90 };
    static message_proto levels[LEVELS];
    for (size_t i = 0; i < LEVELS; i++) {
        levels[i] = (message_proto){ .name = S("M") };
        if (i + 1 < LEVELS)
            levels[i].nested_type = (google_protobuf_DescriptorProto_list){ &levels[i + 1], 1 };
    }
    assert_file((file_proto){ .message_type = { levels, 1 } }, "a.proto: messages are nested more than 64 deep");
    levels[20].nested_type.count = 0;
    assert_file((file_proto){ .message_type = { levels, 1 } }, "");
}

static void a_name_that_grows_beyond_all_bounds_is_refused(void **state)
{
    (void)state;
    char name[1000];
    memset(name, 'a', sizeof name);
    message_proto inner = { .name = { name, sizeof name } },
                  outer = { .name = { name, sizeof name }, .nested_type = { &inner, 1 } };
    assert_file((file_proto){ .message_type = { &outer, 1 } },
                "a.proto: the name of a type has more than 1024 characters");
}

static void running_out_of_memory_anywhere_is_one_error(void **state)
{
    (void)state;
    field_proto fields[] = {
        { .name = S("a"), .number = PROA_SOME(1), .type = T(MESSAGE), .type_name = S(".p.M"), .label = L(REPEATED) },
        { .name = S("b"), .number = PROA_SOME(2), .type = T(STRING), .default_value = S("x"), .label = L(OPTIONAL) },
    };
    message_proto message = { .name = S("M"), .field = LIST(fields) };
    google_protobuf_MethodDescriptorProto method = { .name = S("Do"),
                                                     .input_type = S(".p.M"),
                                                     .output_type = S(".p.M") };
    google_protobuf_ServiceDescriptorProto service = { .name = S("S"), .method = { &method, 1 } };
    file_proto file = {
        .name = S("a.proto"), .package = S("p"), .message_type = { &message, 1 }, .service = { &service, 1 }
    };
    const request_proto request = { .file_to_generate = { &file.name, 1 }, .proto_file = { &file, 1 } };
    proa_arena *kept = proa_arena_new(0);
    proa_bytes wire, out = { 0 };
    assert_int_equal(google_protobuf_compiler_CodeGeneratorRequest_encode(&request, kept, &wire), PROA_ERR_NONE);
    size_t tries = 0;
    for (proa_err err = PROA_ERR_NOMEM; err; tries++) {
        assert_true(tries < 2000);
        proa_arena *arena = proa_arena_new(64);
        memory_watch(tries + 1);
        err = plugin_run(wire, arena, &out, NULL);
        memory_unwatch();
        assert_true(err == PROA_ERR_NONE || err == PROA_ERR_NOMEM);
        proa_arena_free(arena);
    }
    assert_true(tries > 10);
    proa_arena_free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_message_is_written),
        cmocka_unit_test(an_empty_request_is_answered),
        cmocka_unit_test(a_request_that_is_none_is_an_error),
        cmocka_unit_test(a_request_that_is_cut_anywhere_does_no_harm),
        cmocka_unit_test(a_default_of_an_enum_is_one_of_its_values),
        cmocka_unit_test(paths_lead_nowhere_but_below_the_output_folder),
        cmocka_unit_test(a_file_that_is_not_described_cannot_be_generated),
        cmocka_unit_test(editions_are_refused),
        cmocka_unit_test(names_are_identifiers),
        cmocka_unit_test(numbers_and_types_of_fields_are_in_range),
        cmocka_unit_test(types_are_in_the_request_and_of_the_right_kind),
        cmocka_unit_test(defaults_are_values_of_their_type),
        cmocka_unit_test(what_has_no_presence_has_no_default),
        cmocka_unit_test(oneofs_are_there_and_not_empty),
        cmocka_unit_test(fields_of_a_oneof_need_not_stand_together),
        cmocka_unit_test(a_map_entry_has_key_and_value_and_is_only_that),
        cmocka_unit_test(an_enum_has_a_value_and_a_type_is_defined_once),
        cmocka_unit_test(public_imports_are_in_the_request),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(a_name_that_grows_beyond_all_bounds_is_refused),
        cmocka_unit_test(running_out_of_memory_anywhere_is_one_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
