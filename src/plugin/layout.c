/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/layout.h"

#include <stdlib.h>

typedef struct scalar {
    const char *type, *name;
} scalar;

/* By kind: the type, and its name in proa_opt_x and proa_list_x. */
static const scalar scalars[] = {
    [PROA_KIND_DOUBLE] = { "double", "double" },    [PROA_KIND_FLOAT] = { "float", "float" },
    [PROA_KIND_INT64] = { "int64_t", "i64" },       [PROA_KIND_UINT64] = { "uint64_t", "u64" },
    [PROA_KIND_INT32] = { "int32_t", "i32" },       [PROA_KIND_FIXED64] = { "uint64_t", "u64" },
    [PROA_KIND_FIXED32] = { "uint32_t", "u32" },    [PROA_KIND_BOOL] = { "bool", "bool" },
    [PROA_KIND_STRING] = { "proa_bytes", "bytes" }, [PROA_KIND_BYTES] = { "proa_bytes", "bytes" },
    [PROA_KIND_UINT32] = { "uint32_t", "u32" },     [PROA_KIND_SFIXED32] = { "int32_t", "i32" },
    [PROA_KIND_SFIXED64] = { "int64_t", "i64" },    [PROA_KIND_SINT32] = { "int32_t", "i32" },
    [PROA_KIND_SINT64] = { "int64_t", "i64" },
};

const char *layout_value(const model_field *field)
{
    if (field->enumeration)
        return field->enumeration->c_name;
    if (field->message)
        return field->message->c_name;
    return scalars[field->kind].type;
}

const char *layout_stored(plugin *p, const model_field *field)
{
    if (field->shape == PROA_SHAPE_MAP)
        return field->entry;
    bool is_pointer = field->message && field->shape != PROA_SHAPE_LIST && field->shape != PROA_SHAPE_INLINE;
    return is_pointer ? plugin_format(p, "%s *", layout_value(field)) : layout_value(field);
}

const char *layout_member(plugin *p, const model_field *field)
{
    const char *name = field->c_name, *value = layout_value(field);
    switch (field->shape) {
    case PROA_SHAPE_MAP: return plugin_format(p, "struct { %s *data; size_t count; } %s", field->entry, name);
    case PROA_SHAPE_LIST:
        if ((field->message && field->message->file != field->parent->file) ||
            (field->enumeration && field->enumeration->file != field->parent->file))
            return plugin_format(p, "struct { %s *data; size_t count; } %s", value, name);
        if (field->message || field->enumeration)
            return plugin_format(p, "%s_list %s", value, name);
        return plugin_format(p, "proa_list_%s %s", scalars[field->kind].name, name);
    case PROA_SHAPE_EXPLICIT:
    case PROA_SHAPE_REQUIRED:
        if (field->message || field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES)
            break;
        if (field->enumeration)
            return plugin_format(p, "%s_opt %s", value, name);
        return plugin_format(p, "proa_opt_%s %s", scalars[field->kind].name, name);
    case PROA_SHAPE_INLINE: return plugin_format(p, "%s %s", value, name);
    default: break;
    }
    return plugin_format(p, field->message ? "%s *%s" : "%s %s", value, name);
}

static size_t count_messages(const model_message *m, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += (m[i].is_map_entry ? 0 : 1) + count_messages(m[i].messages, m[i].message_count);
    return total;
}

static void order_messages(model_message *m, size_t count, layout_order *out)
{
    for (size_t i = 0; i < count; i++) {
        if (m[i].is_map_entry)
            continue;
        order_messages(m[i].messages, m[i].message_count, out);
        m[i].order = out->count;
        out->messages[out->count++] = &m[i];
    }
}

/* What a struct names before it is defined is declared in front; an entry holds its message, so it waits for it. */
static void find_forward(const model_file *file, const layout_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        for (size_t k = 0; k < order->messages[i]->field_count; k++) {
            model_field *field = &order->messages[i]->fields[k];
            const bool is_map = field->shape == PROA_SHAPE_MAP;
            if (field->enumeration && field->enumeration->file == file && field->shape == PROA_SHAPE_LIST)
                ((model_enum *)(uintptr_t)field->enumeration)->has_list = true;
            model_message *target =
                (model_message *)(uintptr_t)(is_map ? field->message->fields[1].message : field->message);
            if (!target || target->file != file)
                continue;
            if (field->shape == PROA_SHAPE_LIST)
                target->has_list = true;
            if (target->order < i)
                continue;
            if (is_map)
                field->is_late = true;
            else
                target->is_forward = true;
        }
    }
}

proa_err layout_file(plugin *p, const model_file *file, layout_order *out)
{
    *out = (layout_order){ 0 };
    out->messages = plugin_new(p, count_messages(file->messages, file->message_count), sizeof *out->messages);
    if (!out->messages)
        return PROA_ERR_NOMEM;
    order_messages(file->messages, file->message_count, out);
    find_forward(file, out);
    return PROA_ERR_NONE;
}

static void note(const model_file *file)
{
    ((model_file *)(uintptr_t)file)->is_noted = true;
}

static void note_used(const model_message *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < m[i].field_count; k++) {
            if (m[i].fields[k].message)
                note(m[i].fields[k].message->file);
            if (m[i].fields[k].enumeration)
                note(m[i].fields[k].enumeration->file);
        }
        note_used(m[i].messages, m[i].message_count);
    }
}

/* The order of the request is no order: it depends on what else is asked for. */
static int compare_files(const void *a, const void *b)
{
    return strcmp((*(const model_file *const *)a)->path, (*(const model_file *const *)b)->path);
}

proa_err layout_find_imports(plugin *p, const model_file *file, layout_imports *out)
{
    for (size_t i = 0; i < p->file_count; i++)
        p->all_files[i].is_noted = false;
    note_used(file->messages, file->message_count);
    for (size_t i = 0; i < file->service_count; i++) {
        for (size_t k = 0; k < file->services[i].method_count; k++) {
            note(file->services[i].methods[k].request->file);
            note(file->services[i].methods[k].reply->file);
        }
    }
    const file_proto *proto = file->proto;
    for (size_t i = 0; i < proto->public_dependency.count; i++) {
        int32_t index = proto->public_dependency.data[i];
        const model_file *found = NULL;
        if (index >= 0 && (size_t)index < proto->dependency.count && proto->dependency.data[index].size)
            found = map_bytes_get(&p->files, proto->dependency.data[index]);
        if (!found)
            return plugin_fail(p, "%s: a public import is not in the request", file->path);
        note(found);
    }
    size_t count = 0;
    for (size_t i = 0; i < p->file_count; i++)
        count += p->all_files[i].is_noted;
    out->count = 0;
    out->files = plugin_new(p, count, sizeof *out->files);
    if (!out->files)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < p->file_count; i++)
        if (p->all_files[i].is_noted && &p->all_files[i] != file)
            out->files[out->count++] = &p->all_files[i];
    qsort(out->files, out->count, sizeof *out->files, compare_files);
    return PROA_ERR_NONE;
}

const char *layout_file_symbol(plugin *p, const model_file *file, bool is_upper)
{
    const char *stem = file->stem;
    bool is_plain = true;
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a: the same for ever */
    char *out = plugin_new(p, 2 * strlen(stem) + 16, 1), *to = out;
    if (!out)
        return "";
    for (size_t i = 0; stem[i]; i++) {
        const char c = stem[i];
        const bool is_lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        hash = (hash ^ (unsigned char)c) * UINT32_C(16777619);
        if (c == '/') {
            *to++ = '_';
            *to++ = '_';
        } else if (is_lower || (c >= 'A' && c <= 'Z')) {
            *to++ = is_upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        } else {
            *to++ = '_';
        }
        /* what would make two paths one: other characters, cases, _ beside a _ or a / */
        if (!is_lower && c != '/' &&
            (c != '_' || i == 0 || stem[i - 1] == '_' || stem[i - 1] == '/' || stem[i + 1] == '/'))
            is_plain = false;
    }
    if (out[0] >= '0' && out[0] <= '9')
        return plugin_format(p, "%c_%s_%08x", is_upper ? 'F' : 'f', out, (unsigned)hash);
    return is_plain ? out : plugin_format(p, "%s_%08x", out, (unsigned)hash);
}
