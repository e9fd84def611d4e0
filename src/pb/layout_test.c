/* SPDX-License-Identifier: Apache-2.0 */
/* The binary contract of table version 1, of the structs that generated code contains or bumps. Whoever must change a
 * number here makes a new table version: programs that are already compiled hold the old one. */
#include "pb/sample_testlib.h"
#include "pb/wire.h"

#define AT(T, member, offset) _Static_assert(offsetof(T, member) == (offset), #T "." #member " moved")
#define SIZE(T, size)         _Static_assert(sizeof(T) == (size), #T " changed its size")

_Static_assert(PROA_GEN_VERSION == 1, "these are the numbers of version 1");
#if UINTPTR_MAX == UINT64_MAX
SIZE(proa_bytes, 16);
SIZE(proa_opt_i32, 8);
AT(proa_opt_i32, has, 4);
SIZE(proa_opt_i64, 16);
AT(proa_opt_i64, has, 8);
SIZE(proa_opt_bool, 2);
SIZE(proa_opt_double, 16);
SIZE(proa_list_bytes, 16);
AT(proa_list_bytes, count, 8);

SIZE(proa_value, 16);
SIZE(proa_field, 88);
AT(proa_field, number, 0);
AT(proa_field, offset, 4);
AT(proa_field, presence, 8);
AT(proa_field, size, 12);
AT(proa_field, kind, 16);
AT(proa_field, shape, 17);
AT(proa_field, flags, 18);
AT(proa_field, oneof, 20);
AT(proa_field, name, 24);
AT(proa_field, json_name, 32);
AT(proa_field, type, 40);
AT(proa_field, enum_type, 48);
AT(proa_field, default_value, 56);
AT(proa_field, reserved, 72);
SIZE(proa_oneof, 16);
AT(proa_oneof, which, 8);

SIZE(proa_type, 128);
AT(proa_type, version, 0);
AT(proa_type, size, 4);
AT(proa_type, name, 8);
AT(proa_type, fields, 16);
AT(proa_type, oneofs, 24);
AT(proa_type, checks, 32);
AT(proa_type, field_count, 40);
AT(proa_type, oneof_count, 44);
AT(proa_type, check_count, 48);
AT(proa_type, flags, 52);
AT(proa_type, decode, 56);
AT(proa_type, encode, 64);
AT(proa_type, file, 72);
AT(proa_type, json, 80);
AT(proa_type, text, 88);
AT(proa_type, extensions, 96);
AT(proa_type, reserved, 104);

SIZE(proa_enum_value, 16);
SIZE(proa_enum_type, 56);
AT(proa_enum_type, is_closed, 4);
AT(proa_enum_type, name, 8);
AT(proa_enum_type, values, 16);
AT(proa_enum_type, value_count, 24);
AT(proa_enum_type, file, 32);

SIZE(proa_file, 120);
AT(proa_file, import_count, 4);
AT(proa_file, handshake, 8);
AT(proa_file, name, 16);
AT(proa_file, descriptor, 24);
AT(proa_file, imports, 40);
AT(proa_file, types, 48);
AT(proa_file, enums, 56);
AT(proa_file, services, 64);
AT(proa_file, type_count, 72);
AT(proa_file, enum_count, 76);
AT(proa_file, service_count, 80);

/* Read and written inline: appended to, never changed. */
AT(proa_arena_head, begin, 0);
AT(proa_arena_head, end, 8);
AT(arena_head, begin, 0);
AT(arena_head, end, 8);
AT(proa_decoder, safe, 0);
AT(proa_decoder, arena, 8);
AT(proa_decoder, budget, 16);
AT(proa_decoder, depth, 24);
AT(proa_decoder, seen, 28);
AT(proa_encoder, begin, 0);
AT(proa_encoder, end, 8);
AT(proa_encoder, depth, 16);
AT(proa_encoder, seen, 20);
SIZE(proa_varint, 16);

/* What the rules of layout make of the samples. */
SIZE(sample3_Node, 288);
AT(sample3_Node, unknown_, 0);
AT(sample3_Node, id, 8);
AT(sample3_Node, name, 16);
AT(sample3_Node, weight, 32);
AT(sample3_Node, ratio, 48);
AT(sample3_Node, children, 104);
AT(sample3_Node, left, 120);
AT(sample3_Node, counts, 128);
AT(sample3_Node, level, 160);
AT(sample3_Node, other_level, 164);
AT(sample3_Node, contact, 176);
AT(sample3_Node, contact.email, 184);
AT(sample3_Node, note, 200);
AT(sample3_Node, marks, 232);
AT(sample3_Node, depth, 252);
AT(sample3_Node_nodes_entry, value, 8);
SIZE(sample2_Legacy, 160);
AT(sample2_Legacy, id, 8);
AT(sample2_Legacy, choice, 144);
#endif
_Static_assert(sizeof(sample3_Level) == 4 && (sample3_Level)-1 < 0, "an enum is a signed 32-bit number");
_Static_assert(sizeof(sample2_Color) == 4 && (sample2_Color)-1 < 0, "a closed one too");

static void kinds_have_the_numbers_of_descriptor_proto(void **state)
{
    (void)state;
    assert_int_equal(PROA_KIND_DOUBLE, 1);
    assert_int_equal(PROA_KIND_BOOL, 8);
    assert_int_equal(PROA_KIND_STRING, 9);
    assert_int_equal(PROA_KIND_GROUP, 10);
    assert_int_equal(PROA_KIND_MESSAGE, 11);
    assert_int_equal(PROA_KIND_BYTES, 12);
    assert_int_equal(PROA_KIND_ENUM, 14);
    assert_int_equal(PROA_KIND_SINT64, 18);
}

/* What a table says must hold for its struct; a runtime that walks it believes it. */
static void check_table(const proa_type *type)
{
    assert_int_equal(type->version, 1);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const proa_field *field = &type->fields[i];
        assert_true(i == 0 || type->fields[i - 1].number < field->number);
        bool is_list = field->shape == PROA_SHAPE_LIST || field->shape == PROA_SHAPE_MAP;
        assert_true(field->offset + (is_list ? sizeof(wire_list) : field->size) <= type->size);
        assert_int_equal(field->type != NULL, field->kind == PROA_KIND_MESSAGE || field->kind == PROA_KIND_GROUP);
        assert_int_equal(field->enum_type != NULL, field->kind == PROA_KIND_ENUM);
        if (is_list && field->type)
            assert_int_equal(field->size, field->type->size);
        else if (field->shape != PROA_SHAPE_INLINE)
            assert_int_equal(field->size, wire_kind_size((proa_kind)field->kind));
        if (field->shape == PROA_SHAPE_ONEOF)
            assert_int_equal(field->presence, type->oneofs[field->oneof - 1].which);
    }
    assert_int_equal(type->decode == NULL, type->flags & PROA_TYPE_MAP_ENTRY);
    bool is_strict = false;
    for (uint32_t i = 0; i < type->check_count; i++)
        is_strict |= type->fields[type->checks[i]].shape == PROA_SHAPE_REQUIRED;
    assert_int_equal(is_strict, (type->flags & PROA_TYPE_REQUIRED) != 0);
}

static void tables_agree_with_their_structs(void **state)
{
    (void)state;
    const proa_file *file = sample2_Legacy_type.file;
    for (uint32_t i = 0; i < file->type_count; i++)
        check_table(file->types[i]);
    file = file->imports[0];
    assert_ptr_equal(file, sample3_Node_type.file);
    for (uint32_t i = 0; i < file->type_count; i++)
        check_table(file->types[i]);
    assert_ptr_equal(file->handshake, &proa_gen_v1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_the_numbers_of_descriptor_proto),
        cmocka_unit_test(tables_agree_with_their_structs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
