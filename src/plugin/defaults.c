/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/defaults.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "plugin/layout.h"
#include "plugin/names.h"

/* The shortest text that reads back as the same number. */
static const char *float_constant(plugin *p, double value, bool is_float)
{
    if (isnan(value))
        return "NAN";
    if (isinf(value))
        return value < 0 ? "-INFINITY" : "INFINITY";
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    const char *point = strpbrk(text, ".e") ? "" : ".0";
    return plugin_format(p, "%s%s%s", text, point, is_float ? "f" : "");
}

static const char *string_constant(plugin *p, const char *macro, proa_bytes bytes)
{
    writer w = { 0 };
    writer_print(&w, "%s(", macro);
    writer_string(&w, bytes);
    writer_print(&w, ")");
    const char *text = w.failed ? "" : plugin_text(p, buffer_bytes(&w.text));
    writer_fini(&w);
    return text;
}

const char *defaults_constant(plugin *p, const model_field *field)
{
    const model_default *d = &field->fallback;
    switch (field->kind) {
    case PROA_KIND_DOUBLE:
    case PROA_KIND_FLOAT: return float_constant(p, d->d, field->kind == PROA_KIND_FLOAT);
    case PROA_KIND_INT32:
    case PROA_KIND_SINT32:
    case PROA_KIND_SFIXED32: return d->i == INT32_MIN ? "INT32_MIN" : plugin_format(p, "%lld", (long long)d->i);
    case PROA_KIND_INT64:
    case PROA_KIND_SINT64:
    case PROA_KIND_SFIXED64:
        return d->i == INT64_MIN ? "INT64_MIN" : plugin_format(p, "INT64_C(%lld)", (long long)d->i);
    case PROA_KIND_UINT32:
    case PROA_KIND_FIXED32: return plugin_format(p, "%lluu", (unsigned long long)d->u);
    case PROA_KIND_UINT64:
    case PROA_KIND_FIXED64: return plugin_format(p, "UINT64_C(%llu)", (unsigned long long)d->u);
    case PROA_KIND_BOOL: return d->u ? "true" : "false";
    case PROA_KIND_ENUM: return d->value->c_name;
    default: return string_constant(p, "PROA_STR", d->bytes);
    }
}

bool defaults_need_math(const model_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < messages[i].field_count; k++)
            if (!isfinite(messages[i].fields[k].fallback.d))
                return true;
        if (defaults_need_math(messages[i].messages, messages[i].message_count))
            return true;
    }
    return false;
}

const char *defaults_getter(plugin *p, const model_field *field)
{
    return plugin_format(p, "%s_%s%s", field->parent->c_name, field->name, names_is_suffix(field->name) ? "_" : "");
}

/* Whether the field is there, and its value, as C over `message`. */
static void write_getter(plugin *p, const model_field *field, writer *w)
{
    const bool is_bytes = field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES;
    const char *type = layout_value(field), *name = defaults_getter(p, field), *parent = field->parent->c_name;
    const char *head = plugin_format(p, "static inline %s %s(const %s *message)", type, name, parent);
    if (strlen(head) <= WRITER_COLUMNS_MAX)
        writer_line(w, "%s", head);
    else
        writer_print(w, "static inline %s\n%s(const %s *message)\n", type, name, parent);
    const char *has, *value = plugin_format(p, "message->%s", field->member);
    if (field->shape == PROA_SHAPE_ONEOF)
        has = plugin_format(p, "message->%s.which == %s", field->oneof->c_name, field->which);
    else if (is_bytes)
        has = plugin_format(p, "message->%s.data", field->member);
    else
        has = plugin_format(p, "message->%s.has", field->member);
    const char *behind = field->shape == PROA_SHAPE_ONEOF || is_bytes ? "" : ".value";
    writer_line(w, "{ return %s ? %s%s : %s; }", has, value, behind, defaults_constant(p, field));
}

void defaults_write_getters(plugin *p, const model_message *m, writer *w)
{
    for (size_t i = 0; i < m->field_count; i++)
        if (m->fields[i].fallback.is_set)
            write_getter(p, &m->fields[i], w);
}

void defaults_write_table(plugin *p, const model_field *field, writer *w)
{
    const char *constant = defaults_constant(p, field);
    switch (field->kind) {
    case PROA_KIND_DOUBLE: writer_print(w, ".d = %s", constant); return;
    case PROA_KIND_FLOAT: writer_print(w, ".f = %s", constant); return;
    case PROA_KIND_BOOL: writer_print(w, ".b = %s", constant); return;
    case PROA_KIND_STRING:
    case PROA_KIND_BYTES:
        writer_print(w, ".bytes = %s", string_constant(p, "PROA_STR_INIT", field->fallback.bytes));
        return;
    case PROA_KIND_UINT32:
    case PROA_KIND_FIXED32:
    case PROA_KIND_UINT64:
    case PROA_KIND_FIXED64: writer_print(w, ".u = %s", constant); return;
    default: writer_print(w, ".i = %s", constant); return;
    }
}
