/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/encode_code.h"

#include "plugin/kinds.h"

/* When it is present, as C over m; NULL: always asked. */
static const char *presence(plugin *p, const model_field *field)
{
    const char *member = field->member;
    const bool is_bytes = field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES;
    switch (field->shape) {
    case PROA_SHAPE_ONEOF:
        return plugin_format(p, "m->%s.which == %s%s", field->oneof->c_name, field->which,
                             field->message ? plugin_format(p, " && m->%s", member) : "");
    case PROA_SHAPE_IMPLICIT:
        if (field->kind == PROA_KIND_FLOAT || field->kind == PROA_KIND_DOUBLE)
            return plugin_format(p, "!proa_is_zero_%s(m->%s)", kinds_word(field), member);
        return plugin_format(p, is_bytes ? "m->%s.size" : "m->%s", member);
    case PROA_SHAPE_EXPLICIT:
    case PROA_SHAPE_REQUIRED:
        if (field->message)
            return plugin_format(p, "m->%s", member);
        return plugin_format(p, is_bytes ? "m->%s.data" : "m->%s.has", member);
    default: return NULL;
    }
}

static void write_list(const model_field *field, writer *w)
{
    const unsigned tag = kinds_tag(field);
    if (field->shape == PROA_SHAPE_MAP) {
        writer_line(w, "PROA_TRY(proa_put_map(e, p, %u, &%s_type_, &m->%s));", tag, field->entry, field->member);
    } else if (field->message) {
        writer_line(w, "for (size_t i = m->%s.count; i-- > 0;)", field->member);
        writer_line(w, "    PROA_TRY(proa_put_%s(e, p, %u, &%s_type, &m->%s.data[i]));", kinds_word(field), tag,
                    field->message->c_name, field->member);
    } else {
        writer_line(w, "PROA_TRY(proa_put_%s(e, p, %u, &m->%s, %s));", field->is_packed ? "packed" : "list", tag,
                    field->member, kinds_constant(field));
    }
}

static void write_field(plugin *p, const model_field *field, writer *w)
{
    const char *when = presence(p, field);
    if (!when) {
        write_list(field, w);
        return;
    }
    const unsigned tag = kinds_tag(field);
    const bool is_bytes = field->kind == PROA_KIND_STRING || field->kind == PROA_KIND_BYTES;
    const bool is_opt = (field->shape == PROA_SHAPE_EXPLICIT || field->shape == PROA_SHAPE_REQUIRED) && !is_bytes;
    writer_line(w, "if (%s)", when);
    w->depth++;
    if (field->message)
        writer_line(w, "PROA_TRY(proa_put_%s(e, p, %u, &%s_type, m->%s));", kinds_word(field), tag,
                    field->message->c_name, field->member);
    else if (field->enumeration)
        writer_line(w, "PROA_TRY(proa_put_int32(e, p, %u, (int32_t)m->%s%s));", tag, field->member,
                    is_opt ? ".value" : "");
    else
        writer_line(w, "PROA_TRY(proa_put_%s(e, p, %u, m->%s%s));", is_bytes ? "bytes" : kinds_word(field), tag,
                    field->member, is_opt ? ".value" : "");
    w->depth--;
}

void encode_code_write(plugin *p, const model_message *m, writer *w)
{
    writer_line(w, "static char *%s_encoder_(proa_encoder *e, char *p, const void *message)", m->c_name);
    writer_line(w, "{");
    w->depth++;
    writer_line(w, "const %s *m = message;", m->c_name);
    writer_line(w, "PROA_TRY(proa_put_unknown(e, p, m->unknown_));");
    for (size_t i = m->field_count; i-- > 0;)
        write_field(p, m->by_number[i], w);
    writer_line(w, "return p;");
    w->depth--;
    writer_line(w, "}");
}
