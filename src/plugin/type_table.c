/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/type_table.h"

#include <stdlib.h>
#include "plugin/defaults.h"
#include "plugin/kinds.h"
#include "plugin/layout.h"

static const char *const shapes[] = {
    [PROA_SHAPE_EXPLICIT] = "PROA_SHAPE_EXPLICIT", [PROA_SHAPE_REQUIRED] = "PROA_SHAPE_REQUIRED",
    [PROA_SHAPE_ONEOF] = "PROA_SHAPE_ONEOF",       [PROA_SHAPE_LIST] = "PROA_SHAPE_LIST",
    [PROA_SHAPE_MAP] = "PROA_SHAPE_MAP",           [PROA_SHAPE_INLINE] = "PROA_SHAPE_INLINE",
};

enum { PARTS_MAX = 16 };

typedef struct parts {
    const char *items[PARTS_MAX];
    size_t count;
} parts;

static void add(parts *list, const char *text)
{
    list->items[list->count++] = text;
}

/* Lies as proa_opt_x or x_opt: the value and `has`. */
static bool is_opt(const model_field *field)
{
    return (field->shape == PROA_SHAPE_EXPLICIT || field->shape == PROA_SHAPE_REQUIRED) && !field->message &&
           field->kind != PROA_KIND_STRING && field->kind != PROA_KIND_BYTES;
}

static const char *flags_of(plugin *p, const model_field *field)
{
    const char *all = plugin_format(p, "%s%s%s", field->is_packed ? " | PROA_FIELD_PACKED" : "",
                                    field->is_utf8 ? " | PROA_FIELD_UTF8" : "",
                                    field->fallback.is_set ? " | PROA_FIELD_DEFAULT" : "");
    return *all ? all + 3 : NULL;
}

/* protoc fills json_name in; a descriptor from elsewhere may lack it. */
static const char *json_name(plugin *p, const model_field *field)
{
    writer w = { 0 };
    proa_bytes name = field->proto->json_name;
    if (name.size) {
        writer_string(&w, name);
    } else {
        bool is_upper = false;
        writer_print(&w, "\"");
        for (const char *c = field->name; *c; c++) {
            if (*c != '_')
                writer_print(&w, "%c", is_upper && *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
            is_upper = *c == '_';
        }
        writer_print(&w, "\"");
    }
    const char *text = w.failed ? "\"\"" : plugin_text(p, buffer_bytes(&w.text));
    writer_fini(&w);
    return text;
}

static const char *default_part(plugin *p, const model_field *field)
{
    writer w = { 0 };
    writer_print(&w, ".default_value = { ");
    defaults_write_table(p, field, &w);
    writer_print(&w, " }");
    const char *text = w.failed ? "" : plugin_text(p, buffer_bytes(&w.text));
    writer_fini(&w);
    return text;
}

/* c_name: of the struct, a message's or an entry's. */
static void write_field(plugin *p, const char *c_name, const model_field *field, writer *w)
{
    parts list = { 0 };
    add(&list, plugin_format(p, ".number = %u", (unsigned)field->number));
    add(&list, plugin_format(p, ".name = \"%s\"", field->name));
    add(&list, plugin_format(p, ".json_name = %s", json_name(p, field)));
    add(&list, plugin_format(p, ".kind = %s", kinds_constant(field)));
    if (field->shape != PROA_SHAPE_IMPLICIT)
        add(&list, plugin_format(p, ".shape = %s", shapes[field->shape]));
    const char *flags = flags_of(p, field);
    if (flags)
        add(&list, plugin_format(p, ".flags = %s", flags));
    if (field->oneof)
        add(&list, plugin_format(p, ".oneof = %d", (int)(field->oneof - field->parent->oneofs) + 1));
    add(&list, plugin_format(p, ".offset = offsetof(%s, %s%s)", c_name, field->member, is_opt(field) ? ".value" : ""));
    if (is_opt(field))
        add(&list, plugin_format(p, ".presence = offsetof(%s, %s.has)", c_name, field->member));
    if (field->oneof)
        add(&list, plugin_format(p, ".presence = offsetof(%s, %s.which)", c_name, field->oneof->c_name));
    add(&list, plugin_format(p, ".size = sizeof(%s)", layout_stored(p, field)));
    if (field->message)
        add(&list, plugin_format(p, field->shape == PROA_SHAPE_MAP ? ".type = &%s_type_" : ".type = &%s_type",
                                 field->shape == PROA_SHAPE_MAP ? field->entry : field->message->c_name));
    if (field->enumeration)
        add(&list, plugin_format(p, ".enum_type = &%s_enum", field->enumeration->c_name));
    if (field->fallback.is_set)
        add(&list, default_part(p, field));
    writer_wrap(w, "{ ", list.items, list.count, " },");
}

static void write_fields(plugin *p, const model_message *m, const char *c_name, writer *w)
{
    if (m->field_count == 0)
        return;
    writer_line(w, "static const proa_field %s_fields_[] = {", c_name);
    w->depth++;
    for (size_t i = 0; i < m->field_count; i++)
        write_field(p, c_name, m->by_number[i], w);
    w->depth--;
    writer_line(w, "};");
}

static void write_oneofs(const model_message *m, writer *w)
{
    if (m->oneof_count == 0)
        return;
    writer_line(w, "static const proa_oneof %s_oneofs_[] = {", m->c_name);
    for (size_t i = 0; i < m->oneof_count; i++)
        writer_line(w, "    { \"%s\", offsetof(%s, %s.which) },", m->oneofs[i].name, m->c_name, m->oneofs[i].c_name);
    writer_line(w, "};");
}

/* Something required may miss in it. */
static bool is_checked(const model_field *field)
{
    return field->shape == PROA_SHAPE_REQUIRED || (field->message && field->message->can_miss);
}

/* How many there are. */
static size_t write_checks(plugin *p, const model_message *m, const char *c_name, writer *w)
{
    const char **items = plugin_new(p, m->field_count, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; items && i < m->field_count; i++)
        if (is_checked(m->by_number[i]))
            items[count++] = plugin_format(p, "%zu", i);
    if (count)
        writer_wrap(w, plugin_format(p, "static const uint32_t %s_checks_[] = { ", c_name), items, count, " };");
    return count;
}

static bool has_required(const model_message *m)
{
    for (size_t i = 0; i < m->field_count; i++)
        if (m->by_number[i]->shape == PROA_SHAPE_REQUIRED)
            return true;
    return false;
}

static void write_type(const model_message *m, const char *c_name, size_t check_count, writer *w)
{
    writer_line(w, m->is_map_entry ? "static const proa_type %s_type_ = {" : "const proa_type %s_type = {", c_name);
    w->depth++;
    writer_line(w, ".version = PROA_GEN_VERSION,");
    writer_line(w, ".size = sizeof(%s),", c_name);
    writer_line(w, ".name = \"%s\",", m->full_name);
    if (m->field_count) {
        writer_line(w, ".fields = %s_fields_,", c_name);
        writer_line(w, ".field_count = %zu,", m->field_count);
    }
    if (m->oneof_count) {
        writer_line(w, ".oneofs = %s_oneofs_,", c_name);
        writer_line(w, ".oneof_count = %zu,", m->oneof_count);
    }
    if (check_count) {
        writer_line(w, ".checks = %s_checks_,", c_name);
        writer_line(w, ".check_count = %zu,", check_count);
    }
    if (m->is_map_entry) {
        writer_line(w, ".flags = PROA_TYPE_MAP_ENTRY,");
    } else {
        if (has_required(m))
            writer_line(w, ".flags = PROA_TYPE_REQUIRED,");
        writer_line(w, ".decode = %s_decoder_,", c_name);
        writer_line(w, ".encode = %s_encoder_,", c_name);
    }
    writer_line(w, ".file = &%s_proto_file,", m->file->symbol);
    w->depth--;
    writer_line(w, "};");
}

void type_table_write(plugin *p, const model_message *m, writer *w)
{
    write_fields(p, m, m->c_name, w);
    write_oneofs(m, w);
    const size_t check_count = write_checks(p, m, m->c_name, w);
    write_type(m, m->c_name, check_count, w);
}

void type_table_write_entry(plugin *p, const model_field *map, writer *w)
{
    write_fields(p, map->message, map->entry, w);
    const size_t check_count = write_checks(p, map->message, map->entry, w);
    write_type(map->message, map->entry, check_count, w);
}

/* By number; aliases stay in the order of the .proto. */
static int compare_values(const void *a, const void *b)
{
    const model_value *x = *(const model_value *const *)a, *y = *(const model_value *const *)b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x < y ? -1 : x > y;
}

void type_table_write_enum(plugin *p, const model_enum *e, writer *w)
{
    const model_value **sorted = plugin_new(p, e->value_count, sizeof *sorted);
    if (!sorted)
        return;
    for (size_t i = 0; i < e->value_count; i++)
        sorted[i] = &e->values[i];
    qsort(sorted, e->value_count, sizeof *sorted, compare_values);
    writer_blank(w);
    writer_line(w, "/* ---- enum %s%s */", e->full_name, e->is_closed ? ": closed" : "");
    writer_blank(w);
    writer_line(w, "static const proa_enum_value %s_values_[] = {", e->c_name);
    for (size_t i = 0; i < e->value_count; i++) {
        const char *number =
            sorted[i]->number == INT32_MIN ? "INT32_MIN" : plugin_format(p, "%d", (int)sorted[i]->number);
        writer_line(w, "    { \"%s\", %s },", sorted[i]->name, number);
    }
    writer_line(w, "};");
    writer_line(w, "const proa_enum_type %s_enum = {", e->c_name);
    w->depth++;
    writer_line(w, ".version = PROA_GEN_VERSION,");
    if (e->is_closed)
        writer_line(w, ".is_closed = 1,");
    writer_line(w, ".name = \"%s\",", e->full_name);
    writer_line(w, ".values = %s_values_,", e->c_name);
    writer_line(w, ".value_count = %zu,", e->value_count);
    writer_line(w, ".file = &%s_proto_file,", e->file->symbol);
    w->depth--;
    writer_line(w, "};");
}
