/* SPDX-License-Identifier: Apache-2.0 */
/* The second walk: what fields and methods refer to, how each field lies in its struct, defaults, required fields. */
#include "plugin/model.h"

#include <errno.h>
#include <stdlib.h>
#include "plugin/layout.h"
#include "plugin/names.h"

#define FAIL(field, ...) fail_field(p, field, plugin_format(p, __VA_ARGS__))

enum { NUMBER_MAX = (1 << 29) - 1 };

static proa_err fail_field(plugin *p, const model_field *field, const char *why)
{
    return plugin_fail(p, "%s: field %s.%s: %s", field->parent->file->path, field->parent->full_name, field->name, why);
}

/* protoc writes every type name in full, with a dot in front. */
static const model_type *find_type(plugin *p, proa_bytes name)
{
    return name.size > 1 && name.data[0] == '.' ? map_bytes_get(&p->types, name) : NULL;
}

static proa_err resolve_type(plugin *p, model_field *field)
{
    const field_proto *proto = field->proto;
    if (proto->number.value < 1 || proto->number.value > NUMBER_MAX)
        return FAIL(field, "its number is %d", (int)proto->number.value);
    field->number = (uint32_t)proto->number.value;
    if (!proto->type.has) /* also one that our descriptor.proto does not name: it is closed */
        return FAIL(field, "it has no type that is known");
    field->kind = (proa_kind)proto->type.value;
    if (field->kind != PROA_KIND_MESSAGE && field->kind != PROA_KIND_GROUP && field->kind != PROA_KIND_ENUM)
        return PROA_ERR_NONE;
    const model_type *type = find_type(p, proto->type_name);
    if (field->kind == PROA_KIND_ENUM)
        field->enumeration = type ? type->enumeration : NULL;
    else
        field->message = type ? type->message : NULL;
    if (!field->message && !field->enumeration)
        return FAIL(field, "its type \"%.*s\" is not in the request", PROA_FMT(proto->type_name));
    return PROA_ERR_NONE;
}

static bool is_map_key(const model_field *key)
{
    switch (key->kind) {
    case PROA_KIND_DOUBLE:
    case PROA_KIND_FLOAT:
    case PROA_KIND_BYTES:
    case PROA_KIND_GROUP:
    case PROA_KIND_MESSAGE:
    case PROA_KIND_ENUM: return false;
    default: return true;
    }
}

/* key = 1, value = 2, nothing else, and no map in a map. */
static bool is_map_entry(const model_message *entry)
{
    if (entry->field_count != 2 || entry->oneof_count)
        return false;
    const model_field *key = &entry->fields[0], *value = &entry->fields[1];
    return strcmp(key->name, "key") == 0 && key->number == 1 && is_map_key(key) && strcmp(value->name, "value") == 0 &&
           value->number == 2 && value->kind != PROA_KIND_GROUP && !(value->message && value->message->is_map_entry) &&
           key->proto->label.value != google_protobuf_FieldDescriptorProto_LABEL_REPEATED &&
           value->proto->label.value != google_protobuf_FieldDescriptorProto_LABEL_REPEATED;
}

static bool is_packable(proa_kind kind)
{
    return kind != PROA_KIND_STRING && kind != PROA_KIND_BYTES && kind != PROA_KIND_MESSAGE && kind != PROA_KIND_GROUP;
}

static proa_err resolve_shape(plugin *p, model_field *field)
{
    const field_proto *proto = field->proto;
    const bool is_proto3 = field->parent->file->is_proto3, is_map = field->message && field->message->is_map_entry;
    field->is_utf8 = field->kind == PROA_KIND_STRING && is_proto3;
    if (field->parent->is_map_entry) {
        field->shape = field->message ? PROA_SHAPE_INLINE : PROA_SHAPE_IMPLICIT;
    } else if (proto->label.value == google_protobuf_FieldDescriptorProto_LABEL_REPEATED) {
        field->shape = is_map ? PROA_SHAPE_MAP : PROA_SHAPE_LIST;
        const bool says = proto->options && proto->options->packed.has;
        field->is_packed = is_packable(field->kind) && (says ? proto->options->packed.value : is_proto3);
    } else if (proto->oneof_index.has && !proto->proto3_optional.value) {
        field->shape = PROA_SHAPE_ONEOF;
        field->oneof = &field->parent->oneofs[proto->oneof_index.value];
        if (field->oneof->last)
            field->oneof->last->next_in_oneof = field;
        else
            field->oneof->first = field;
        field->oneof->last = field;
    } else if (proto->label.value == google_protobuf_FieldDescriptorProto_LABEL_REQUIRED) {
        field->shape = PROA_SHAPE_REQUIRED;
    } else if (is_proto3 && !proto->proto3_optional.value && !field->message) {
        field->shape = PROA_SHAPE_IMPLICIT;
    } else {
        field->shape = PROA_SHAPE_EXPLICIT;
    }
    if (is_map && (field->shape != PROA_SHAPE_MAP || field->kind != PROA_KIND_MESSAGE))
        return FAIL(field, "a map entry is no type of a field");
    return PROA_ERR_NONE;
}

/* A number as a whole, in range, or nothing. */
static bool parse_signed(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return *text && !*end && errno == 0 && value >= low && value <= high;
}

static bool parse_unsigned(const char *text, uint64_t high, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return *text && *text != '-' && !*end && errno == 0 && value <= high;
}

/* descriptor.proto: bytes are C-escaped. */
static bool unescape(plugin *p, proa_bytes from, proa_bytes *out)
{
    char *to = plugin_new(p, from.size + 1, 1);
    size_t size = 0;
    for (size_t i = 0; to && i < from.size; i++) {
        char c = from.data[i];
        if (c == '\\') {
            static const char names[] = "abfnrtv\\'\"?", values[] = "\a\b\f\n\r\t\v\\'\"?";
            if (++i == from.size)
                return false;
            const char *found = from.data[i] ? strchr(names, from.data[i]) : NULL;
            int value = 0, digits = 0;
            for (; !found && digits < 3 && i + (size_t)digits < from.size; digits++) {
                char digit = from.data[i + (size_t)digits];
                if (digit < '0' || digit > '7')
                    break;
                value = value * 8 + (digit - '0');
            }
            if (!found && digits == 0)
                return false;
            c = found ? values[found - names] : (char)value;
            i += found ? 0 : (size_t)digits - 1;
        }
        to[size++] = c;
    }
    *out = (proa_bytes){ to, size };
    return true;
}

static bool parse_float(const model_field *field, const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (field->kind == PROA_KIND_FLOAT)
        *out = (float)*out;
    return *text && !*end && !strpbrk(text, "xX(pP");
}

static bool parse_default(plugin *p, const model_field *field, const char *text, model_default *out)
{
    switch (field->kind) {
    case PROA_KIND_DOUBLE:
    case PROA_KIND_FLOAT:
        if (!parse_float(field, text, &out->d))
            return false;
        out->is_set = strcmp(text, "0") != 0;
        return true;
    case PROA_KIND_INT32:
    case PROA_KIND_SINT32:
    case PROA_KIND_SFIXED32:
        if (!parse_signed(text, INT32_MIN, INT32_MAX, &out->i))
            return false;
        break;
    case PROA_KIND_INT64:
    case PROA_KIND_SINT64:
    case PROA_KIND_SFIXED64:
        if (!parse_signed(text, INT64_MIN, INT64_MAX, &out->i))
            return false;
        break;
    case PROA_KIND_UINT32:
    case PROA_KIND_FIXED32:
        if (!parse_unsigned(text, UINT32_MAX, &out->u))
            return false;
        break;
    case PROA_KIND_UINT64:
    case PROA_KIND_FIXED64:
        if (!parse_unsigned(text, UINT64_MAX, &out->u))
            return false;
        break;
    case PROA_KIND_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return false;
        out->u = text[0] == 't';
        break;
    case PROA_KIND_STRING: out->bytes = field->proto->default_value; break;
    case PROA_KIND_BYTES:
        if (!unescape(p, field->proto->default_value, &out->bytes))
            return false;
        break;
    default: return false;
    }
    out->is_set = out->i || out->u || out->bytes.size;
    return true;
}

static int compare_value_name(const void *key, const void *value)
{
    return strcmp(key, (*(const model_value *const *)value)->name);
}

static proa_err resolve_enum_default(plugin *p, model_field *field, proa_bytes given)
{
    const model_enum *e = field->enumeration;
    const char *name = given.data ? plugin_text(p, given) : e->values[0].name;
    const model_value *const *found = bsearch(name, e->by_name, e->value_count, sizeof *e->by_name, compare_value_name);
    if (!found)
        return FAIL(field, "its default \"%.*s\" is no value of %s", PROA_FMT(given), e->full_name);
    field->fallback.value = given.data ? *found : &e->values[0];
    field->fallback.i = field->fallback.value->number;
    field->fallback.is_set = field->fallback.i != 0;
    return PROA_ERR_NONE;
}

static proa_err resolve_default(plugin *p, model_field *field)
{
    if (field->shape == PROA_SHAPE_LIST || field->shape == PROA_SHAPE_MAP)
        return PROA_ERR_NONE;
    const proa_bytes given = field->proto->default_value;
    if (field->enumeration)
        return resolve_enum_default(p, field, given);
    if (given.data && !parse_default(p, field, plugin_text(p, given), &field->fallback))
        return FAIL(field, "its default \"%.*s\" is no such value", PROA_FMT(given));
    return PROA_ERR_NONE;
}

static int compare_numbers(const void *a, const void *b)
{
    const model_field *x = *(model_field *const *)a, *y = *(model_field *const *)b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static proa_err sort_fields(plugin *p, model_message *m)
{
    m->by_number = plugin_new(p, m->field_count, sizeof *m->by_number);
    if (!m->by_number)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < m->field_count; i++)
        m->by_number[i] = &m->fields[i];
    qsort(m->by_number, m->field_count, sizeof *m->by_number, compare_numbers);
    for (size_t i = 1; i < m->field_count; i++)
        if (m->by_number[i]->number == m->by_number[i - 1]->number)
            return plugin_fail(p, "%s: message %s: number %u is used twice", m->file->path, m->full_name,
                               (unsigned)m->by_number[i]->number);
    return PROA_ERR_NONE;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of members, sorted: what C++ does not let a member be called once the struct has used the type of that name. */
typedef struct used_types {
    const char **sorted;
    size_t count;
} used_types;

static proa_err find_used_types(plugin *p, const model_message *m, used_types *used)
{
    used->sorted = plugin_new(p, m->field_count, sizeof *used->sorted);
    if (!used->sorted)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < m->field_count; i++) {
        if (m->fields[i].message)
            used->sorted[used->count++] = m->fields[i].message->c_name;
        if (m->fields[i].enumeration)
            used->sorted[used->count++] = m->fields[i].enumeration->c_name;
    }
    qsort(used->sorted, used->count, sizeof *used->sorted, compare_texts);
    return PROA_ERR_NONE;
}

static const char *name_member(plugin *p, const used_types *used, const char *name)
{
    const char *member = plugin_member(p, name);
    if (used->count && bsearch(&member, used->sorted, used->count, sizeof *used->sorted, compare_texts))
        return plugin_format(p, "%s_", member);
    return member;
}

/* The type of the tag and its empty case have names of the same make. */
static const char *name_case(plugin *p, const model_field *field)
{
    const bool is_ours = strcmp(field->name, "which") == 0 || strcmp(field->name, "not_set") == 0;
    return plugin_format(p, "%s_%s%s", field->oneof->which, field->name, is_ours ? "_" : "");
}

static proa_err name_members(plugin *p, model_message *m)
{
    used_types used = { 0 };
    proa_err err = find_used_types(p, m, &used);
    if (err)
        return err;
    for (size_t i = 0; i < m->oneof_count; i++) {
        model_oneof *o = &m->oneofs[i];
        o->c_name = name_member(p, &used, o->name);
        if (strcmp(o->c_name, "unknown_") == 0)
            o->c_name = "unknown__";
        o->which = plugin_format(p, "%s_%s", m->c_name, o->name);
    }
    for (size_t i = 0; i < m->field_count; i++) {
        model_field *field = &m->fields[i];
        field->c_name = name_member(p, &used, field->name);
        if (strcmp(field->c_name, field->oneof ? "which" : "unknown_") == 0)
            field->c_name = plugin_format(p, "%s_", field->c_name);
        field->member = field->oneof ? plugin_format(p, "%s.%s", field->oneof->c_name, field->c_name) : field->c_name;
        if (field->oneof)
            field->which = name_case(p, field);
        if (field->shape == PROA_SHAPE_MAP)
            field->entry = plugin_format(p, "%s_%s_entry", m->c_name, field->name);
    }
    return PROA_ERR_NONE;
}

static proa_err resolve_message(plugin *p, model_message *m)
{
    for (size_t i = 0; i < m->field_count; i++) {
        model_field *field = &m->fields[i];
        proa_err err = resolve_type(p, field);
        if (err || (err = resolve_shape(p, field)) || (err = resolve_default(p, field)))
            return err;
        if (field->shape == PROA_SHAPE_IMPLICIT && !m->is_map_entry && field->fallback.is_set)
            return FAIL(field, "it has no presence, so its default is zero");
        if (field->message) {
            model_message *target = (model_message *)(uintptr_t)field->message;
            field->next_user = target->users;
            target->users = field;
        }
    }
    if (m->is_map_entry && !is_map_entry(m))
        return plugin_fail(p, "%s: message %s: this is no map entry", m->file->path, m->full_name);
    proa_err err = sort_fields(p, m);
    if (err || (err = name_members(p, m)))
        return err;
    for (size_t i = 0; i < m->message_count; i++)
        if ((err = resolve_message(p, &m->messages[i])))
            return err;
    return PROA_ERR_NONE;
}

static proa_err resolve_service(plugin *p, const model_file *file, model_service *s)
{
    for (size_t i = 0; i < s->method_count; i++) {
        model_method *m = &s->methods[i];
        const model_type *request = find_type(p, m->proto->input_type), *reply = find_type(p, m->proto->output_type);
        m->request = request ? request->message : NULL;
        m->reply = reply ? reply->message : NULL;
        if (!m->request || !m->reply || m->request->is_map_entry || m->reply->is_map_entry)
            return plugin_fail(p, "%s: method %s.%s: its request or reply is not in the request", file->path,
                               s->full_name, m->name);
        /* as for members of messages: C++ */
        if (strcmp(m->c_name, m->request->c_name) == 0 || strcmp(m->c_name, m->reply->c_name) == 0)
            m->c_name = plugin_format(p, "%s_", m->c_name);
    }
    return PROA_ERR_NONE;
}

/* ---- Which messages can lack a required field, at any depth: upwards from those that have one. */

static void start_missing(model_message *m, model_message **queue)
{
    for (size_t i = 0; i < m->field_count && !m->can_miss; i++)
        m->can_miss = m->fields[i].shape == PROA_SHAPE_REQUIRED;
    if (m->can_miss) {
        m->next_missing = *queue;
        *queue = m;
    }
    for (size_t i = 0; i < m->message_count; i++)
        start_missing(&m->messages[i], queue);
}

static void spread_missing(model_message *queue)
{
    while (queue) {
        model_message *m = queue;
        queue = m->next_missing;
        for (model_field *user = m->users; user; user = user->next_user) {
            model_message *parent = (model_message *)(uintptr_t)user->parent;
            if (parent->can_miss)
                continue;
            parent->can_miss = true;
            parent->next_missing = queue;
            queue = parent;
        }
    }
}

proa_err resolve_all(plugin *p)
{
    model_message *missing = NULL;
    for (size_t i = 0; i < p->file_count; i++) {
        model_file *f = &p->all_files[i];
        f->symbol = layout_file_symbol(p, f, false);
        proa_err err;
        for (size_t k = 0; k < f->message_count; k++)
            if ((err = resolve_message(p, &f->messages[k])))
                return err;
        for (size_t k = 0; k < f->service_count; k++)
            if ((err = resolve_service(p, f, &f->services[k])))
                return err;
        for (size_t k = 0; k < f->message_count; k++)
            start_missing(&f->messages[k], &missing);
    }
    spread_missing(missing);
    return arena_is_exhausted(p->arena) ? PROA_ERR_NOMEM : PROA_ERR_NONE;
}
