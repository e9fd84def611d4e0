/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/kinds.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_GROUP = 3, WIRE_FIXED32 = 5 };

typedef struct kind_facts {
    const char *word, *constant;
    uint32_t wire;
} kind_facts;

static const kind_facts kinds[] = {
    [PROA_KIND_DOUBLE] = { "double", "PROA_KIND_DOUBLE", WIRE_FIXED64 },
    [PROA_KIND_FLOAT] = { "float", "PROA_KIND_FLOAT", WIRE_FIXED32 },
    [PROA_KIND_INT64] = { "int64", "PROA_KIND_INT64", WIRE_VARINT },
    [PROA_KIND_UINT64] = { "uint64", "PROA_KIND_UINT64", WIRE_VARINT },
    [PROA_KIND_INT32] = { "int32", "PROA_KIND_INT32", WIRE_VARINT },
    [PROA_KIND_FIXED64] = { "fixed64", "PROA_KIND_FIXED64", WIRE_FIXED64 },
    [PROA_KIND_FIXED32] = { "fixed32", "PROA_KIND_FIXED32", WIRE_FIXED32 },
    [PROA_KIND_BOOL] = { "bool", "PROA_KIND_BOOL", WIRE_VARINT },
    [PROA_KIND_STRING] = { "string", "PROA_KIND_STRING", WIRE_BYTES },
    [PROA_KIND_GROUP] = { "group", "PROA_KIND_GROUP", WIRE_GROUP },
    [PROA_KIND_MESSAGE] = { "message", "PROA_KIND_MESSAGE", WIRE_BYTES },
    [PROA_KIND_BYTES] = { "bytes", "PROA_KIND_BYTES", WIRE_BYTES },
    [PROA_KIND_UINT32] = { "uint32", "PROA_KIND_UINT32", WIRE_VARINT },
    [PROA_KIND_ENUM] = { "enum", "PROA_KIND_ENUM", WIRE_VARINT },
    [PROA_KIND_SFIXED32] = { "sfixed32", "PROA_KIND_SFIXED32", WIRE_FIXED32 },
    [PROA_KIND_SFIXED64] = { "sfixed64", "PROA_KIND_SFIXED64", WIRE_FIXED64 },
    [PROA_KIND_SINT32] = { "sint32", "PROA_KIND_SINT32", WIRE_VARINT },
    [PROA_KIND_SINT64] = { "sint64", "PROA_KIND_SINT64", WIRE_VARINT },
};

static proa_kind read_kind(const model_field *field)
{
    return field->kind == PROA_KIND_STRING && !field->is_utf8 ? PROA_KIND_BYTES : field->kind;
}

const char *kinds_word(const model_field *field)
{
    return kinds[read_kind(field)].word;
}

const char *kinds_constant(const model_field *field)
{
    return kinds[field->kind].constant;
}

const char *kinds_read_constant(const model_field *field)
{
    return kinds[read_kind(field)].constant;
}

bool kinds_is_packable(const model_field *field)
{
    const uint32_t wire = kinds[field->kind].wire;
    return wire != WIRE_BYTES && wire != WIRE_GROUP;
}

uint32_t kinds_single_tag(const model_field *field)
{
    return field->number << 3 | kinds[field->kind].wire;
}

uint32_t kinds_packed_tag(const model_field *field)
{
    return field->number << 3 | WIRE_BYTES;
}

uint32_t kinds_tag(const model_field *field)
{
    return field->is_packed ? kinds_packed_tag(field) : kinds_single_tag(field);
}

/* As somebody of the same package writes it. */
static const char *type_name(const model_field *field)
{
    const char *full = field->enumeration ? field->enumeration->full_name
                       : field->message   ? field->message->full_name
                                          : NULL;
    if (!full)
        return kinds[field->kind].word;
    const char *package = field->parent->file->package;
    const size_t size = strlen(package);
    return size && strncmp(full, package, size) == 0 && full[size] == '.' ? full + size + 1 : full;
}

const char *kinds_declaration(plugin *p, const model_field *field)
{
    if (field->shape == PROA_SHAPE_MAP)
        return plugin_format(p, "map<%s, %s> %s = %u", type_name(&field->message->fields[0]),
                             type_name(&field->message->fields[1]), field->name, (unsigned)field->number);
    const bool is_plain = field->parent->file->is_proto3 && !field->proto->proto3_optional.value;
    const char *label = "optional ";
    if (field->shape == PROA_SHAPE_LIST)
        label = "repeated ";
    else if (field->shape == PROA_SHAPE_REQUIRED)
        label = "required ";
    else if (field->shape == PROA_SHAPE_ONEOF || is_plain)
        label = "";
    if (field->kind == PROA_KIND_GROUP)
        return plugin_format(p, "%sgroup %s = %u", label, field->message->name, (unsigned)field->number);
    return plugin_format(p, "%s%s %s = %u", label, type_name(field), field->name, (unsigned)field->number);
}
