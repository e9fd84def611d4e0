/* SPDX-License-Identifier: Apache-2.0 */
/* Fields mostly come in the order of their numbers, so behind each case the tag of the next field is tried before the
 * switch. Only fields that are tried so have a label. */
#include "plugin/decode_code.h"

#include "plugin/defaults.h"
#include "plugin/kinds.h"
#include "plugin/layout.h"

enum { TAG_PEEK_MAX = 0x4000 }; /* tags of one and two bytes; proa_is_next_ says no to all others */

/* What the case of one field needs; member is "m->host". */
typedef struct field_case {
    plugin *p;
    writer *w;
    const model_field *field, *next; /* next by number; NULL: none that is tried */
    const char *member;
    bool has_label;
} field_case;

static bool is_repeated_message(const model_field *field)
{
    return field->message && field->shape == PROA_SHAPE_LIST;
}

static bool is_closed(const model_field *field)
{
    return field->enumeration && field->enumeration->is_closed;
}

static bool is_tried(const model_field *field)
{
    return kinds_tag(field) < TAG_PEEK_MAX;
}

static void write_next(const field_case *c)
{
    if (is_repeated_message(c->field) && is_tried(c->field))
        writer_line(c->w, "PROA_NEXT(%u, f%u);", kinds_tag(c->field), (unsigned)c->field->number);
    if (c->next)
        writer_line(c->w, "PROA_NEXT(%u, f%u);", kinds_tag(c->next), (unsigned)c->next->number);
    writer_line(c->w, "break;");
}

static void write_message(const field_case *c)
{
    const model_field *field = c->field;
    const char *type = field->message->c_name;
    writer_line(c->w, "PROA_NEW(%s, %s);", c->member, type);
    if (field->kind == PROA_KIND_GROUP)
        writer_line(c->w, "PROA_TRY(proa_get_group(d, p, end, %u, &%s_type, %s));", kinds_tag(field), type, c->member);
    else
        writer_line(c->w, "PROA_TRY(proa_get_message(d, p, end, &%s_type, %s));", type, c->member);
}

static void write_repeated_message(const field_case *c)
{
    const char *type = c->field->message->c_name;
    const unsigned tag = kinds_tag(c->field);
    writer_line(c->w, "%s *item = proa_add_message(d, p, end, %u, &%s, sizeof(%s));", type, tag, c->member, type);
    writer_line(c->w, "if (!item)");
    writer_line(c->w, "    return NULL;");
    if (c->field->kind == PROA_KIND_GROUP)
        writer_line(c->w, "PROA_TRY(proa_get_group(d, p, end, %u, &%s_type, item));", tag, type);
    else
        writer_line(c->w, "PROA_TRY(proa_get_message(d, p, end, &%s_type, item));", type);
}

static void write_list(const field_case *c, bool is_packed)
{
    const model_field *field = c->field;
    const char *what = is_packed ? "packed" : "list";
    const unsigned tag = kinds_single_tag(field);
    if (is_closed(field))
        writer_line(c->w, "PROA_TRY(proa_get_enum_%s(d, p, end, %u, &%s, &%s_enum, &m->unknown_));", what, tag,
                    c->member, field->enumeration->c_name);
    else if (is_packed)
        writer_line(c->w, "PROA_TRY(proa_get_packed(d, p, end, &%s, %s));", c->member, kinds_read_constant(field));
    else
        writer_line(c->w, "PROA_TRY(proa_get_list(d, p, end, %u, &%s, %s));", tag, c->member,
                    kinds_read_constant(field));
}

static void write_closed_enum(const field_case *c)
{
    const model_field *field = c->field;
    const char *type = field->enumeration->c_name;
    writer_line(c->w, "int32_t value;");
    writer_line(c->w, "PROA_TRY(proa_get_int32(d, p, end, &value));");
    writer_line(c->w, "if (proa_is_named(&%s_enum, value)) {", type);
    c->w->depth++;
    if (field->oneof) {
        writer_line(c->w, "m->%s.which = %s;", field->oneof->c_name, field->which);
        writer_line(c->w, "%s = (%s)value;", c->member, type);
    } else {
        writer_line(c->w, "%s.value = (%s)value;", c->member, type);
        writer_line(c->w, "%s.has = true;", c->member);
    }
    c->w->depth--;
    writer_line(c->w, "} else {");
    writer_line(c->w, "    PROA_TRY(proa_keep_enum(d, p, %u, value, &m->unknown_));", kinds_tag(field));
    writer_line(c->w, "}");
}

static void write_oneof(const field_case *c)
{
    const char *o = c->field->oneof->c_name, *value = c->field->which;
    if (!c->field->message) {
        writer_line(c->w, "m->%s.which = %s;", o, value);
        writer_line(c->w, "PROA_TRY(proa_get_%s(d, p, end, &%s));", kinds_word(c->field), c->member);
        return;
    }
    writer_line(c->w, "if (m->%s.which != %s) {", o, value);
    writer_line(c->w, "    m->%s.which = %s;", o, value);
    writer_line(c->w, "    %s = NULL;", c->member);
    writer_line(c->w, "}");
    write_message(c);
}

static void write_value(const field_case *c)
{
    const model_field *field = c->field;
    if (field->shape == PROA_SHAPE_MAP)
        writer_line(c->w, "PROA_TRY(proa_get_map(d, p, end, %u, &%s_type_, &%s, &m->unknown_));", kinds_tag(field),
                    field->entry, c->member);
    else if (is_repeated_message(field))
        write_repeated_message(c);
    else if (field->shape == PROA_SHAPE_LIST)
        write_list(c, field->is_packed);
    else if (is_closed(field))
        write_closed_enum(c);
    else if (field->oneof)
        write_oneof(c);
    else if (field->message)
        write_message(c);
    else if (field->shape == PROA_SHAPE_IMPLICIT || field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES)
        writer_line(c->w, "PROA_TRY(proa_get_%s(d, p, end, &%s));", kinds_word(field), c->member);
    else {
        writer_line(c->w, "PROA_TRY(proa_get_%s(d, p, end, &%s.value));", kinds_word(field), c->member);
        writer_line(c->w, "%s.has = true;", c->member);
    }
}

/* The form of a list that we do not write ourselves. */
static void write_other_form(const field_case *c)
{
    const model_field *field = c->field;
    const unsigned tag = field->is_packed ? kinds_single_tag(field) : kinds_packed_tag(field);
    writer_line(c->w, "case %u: /* %s, %s */", tag, kinds_declaration(c->p, field),
                field->is_packed ? "not packed" : "packed");
    c->w->depth++;
    write_list(c, !field->is_packed);
    writer_line(c->w, "break;");
    c->w->depth--;
}

static void write_case(const field_case *c)
{
    const model_field *field = c->field;
    const bool has_block = is_repeated_message(field) || (is_closed(field) && field->shape != PROA_SHAPE_LIST);
    writer_line(c->w, "case %u: /* %s */", kinds_tag(field), kinds_declaration(c->p, field));
    if (c->has_label)
        writer_line(c->w, "f%u:%s", (unsigned)field->number, has_block ? " {" : "");
    else if (has_block)
        writer_line(c->w, "{");
    c->w->depth++;
    write_value(c);
    write_next(c);
    c->w->depth--;
    if (has_block)
        writer_line(c->w, "}");
    if (field->shape == PROA_SHAPE_LIST && kinds_is_packable(field))
        write_other_form(c);
}

/* What is not there has its default in value, too. */
static void write_defaults(plugin *p, const model_message *m, writer *w)
{
    for (size_t i = 0; i < m->field_count; i++) {
        const model_field *field = &m->fields[i];
        if (!field->fallback.is_set || field->oneof || field->kind == PROA_KIND_STRING ||
            field->kind == PROA_KIND_BYTES)
            continue;
        writer_line(w, "if (!m->%s.has)", field->c_name);
        writer_line(w, "    m->%s.value = %s;", field->c_name, defaults_constant(p, field));
    }
}

void decode_code_write(plugin *p, const model_message *m, writer *w)
{
    writer_line(w, "static const char *%s_decoder_(proa_decoder *d, const char *p, const char *end, void *message)",
                m->c_name);
    writer_line(w, "{");
    w->depth++;
    writer_line(w, "%s *m = message;", m->c_name);
    write_defaults(p, m, w);
    writer_line(w, "while (p < end) {");
    w->depth++;
    writer_line(w, "const char *field = p;");
    writer_line(w, "uint32_t tag;");
    writer_line(w, "PROA_TRY(proa_get_tag(d, p, end, &tag));");
    writer_line(w, "switch (tag) {");
    for (size_t i = 0; i < m->field_count; i++) {
        const model_field *field = m->by_number[i];
        const bool has_next = i + 1 < m->field_count && is_tried(m->by_number[i + 1]);
        write_case(&(field_case){
            .p = p,
            .w = w,
            .field = field,
            .next = has_next ? m->by_number[i + 1] : NULL,
            .member = plugin_format(p, "m->%s", field->member),
            .has_label = is_tried(field) && (i > 0 || is_repeated_message(field)),
        });
    }
    writer_line(w, "default:");
    writer_line(w, "    if (PROA_IS_END(tag))");
    writer_line(w, "        return proa_get_end(d, p, tag);");
    writer_line(w, "    PROA_TRY(proa_get_unknown(d, field, p, end, tag, &m->unknown_));");
    writer_line(w, "    break;");
    writer_line(w, "}");
    w->depth--;
    writer_line(w, "}");
    writer_line(w, "return p;");
    w->depth--;
    writer_line(w, "}");
}
