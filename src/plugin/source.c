/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/source.h"

#include <stdlib.h>

#include "plugin/decode_code.h"
#include "plugin/encode_code.h"
#include "plugin/header.h"
#include "plugin/layout.h"
#include "plugin/service.h"
#include "plugin/type_table.h"

enum { STRING_BYTES_MAX = 4095 }; /* of one literal: C11 5.2.4.1 */

/* ---- Declarations: tables refer to each other, across files too. */

static void declare_enums(const model_message *messages, size_t count, writer *w)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < messages[i].enum_count; k++)
            writer_line(w, "extern const proa_enum_type %s_enum;", messages[i].enums[k].c_name);
        declare_enums(messages[i].messages, messages[i].message_count, w);
    }
}

static int compare_enums(const void *a, const void *b)
{
    const model_enum *x = *(const model_enum *const *)a, *y = *(const model_enum *const *)b;
    return strcmp(x->c_name, y->c_name);
}

static size_t find_foreign(const model_file *file, const model_message *messages, size_t count, const model_enum **out,
                           size_t used)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < messages[i].field_count; k++) {
            const model_enum *e = messages[i].fields[k].enumeration;
            if (e && e->file != file)
                out[used++] = e;
        }
        used = find_foreign(file, messages[i].messages, messages[i].message_count, out, used);
    }
    return used;
}

static size_t count_fields(const model_message *messages, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += messages[i].field_count + count_fields(messages[i].messages, messages[i].message_count);
    return total;
}

/* Enums of imports that fields here are made of. */
static proa_err declare_foreign(plugin *p, const model_file *file, writer *w)
{
    const model_enum **list = plugin_new(p, count_fields(file->messages, file->message_count), sizeof *list);
    if (!list)
        return PROA_ERR_NOMEM;
    const size_t count = find_foreign(file, file->messages, file->message_count, list, 0);
    qsort(list, count, sizeof *list, compare_enums);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || list[i] != list[i - 1])
            writer_line(w, "extern const proa_enum_type %s_enum;", list[i]->c_name);
    return PROA_ERR_NONE;
}

/* ---- Messages */

static void write_enums(plugin *p, const model_message *messages, size_t count, writer *w)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < messages[i].enum_count; k++)
            type_table_write_enum(p, &messages[i].enums[k], w);
        write_enums(p, messages[i].messages, messages[i].message_count, w);
    }
}

static void write_functions(plugin *p, const model_message *m, writer *w)
{
    const char *c = m->c_name;
    const char *encode[] = { plugin_format(p, "const %s *message", c), "proa_arena *arena", "proa_bytes *out" };
    writer_blank(w);
    writer_wrap(w, plugin_format(p, "proa_err %s_encode(", c), encode, 3, ")");
    writer_line(w, "{");
    writer_line(w, "    return proa_encode(&%s_type, message, arena, out);", c);
    writer_line(w, "}");
    const char *decode[] = { "proa_bytes wire", "proa_arena *arena", "proa_error *error" };
    writer_blank(w);
    writer_wrap(w, plugin_format(p, "%s *%s_decode(", c, c), decode, 3, ")");
    writer_line(w, "{");
    writer_line(w, "    return proa_decode(&%s_type, wire, arena, error);", c);
    writer_line(w, "}");
}

static void write_message(plugin *p, const model_message *m, writer *w)
{
    writer_blank(w);
    writer_line(w, "/* ---- %s */", m->full_name);
    for (size_t i = 0; i < m->field_count; i++) {
        if (m->fields[i].shape != PROA_SHAPE_MAP)
            continue;
        writer_blank(w);
        type_table_write_entry(p, &m->fields[i], w);
    }
    writer_blank(w);
    decode_code_write(p, m, w);
    writer_blank(w);
    encode_code_write(p, m, w);
    writer_blank(w);
    type_table_write(p, m, w);
    write_functions(p, m, w);
}

/* ---- The file itself */

/* As text, so that the names in it can be read; as numbers when it is longer than a literal may be. */
static void write_descriptor(const char *symbol, proa_bytes bytes, writer *w)
{
    enum { LINE = 96 };
    if (bytes.size > STRING_BYTES_MAX) {
        writer_print(w, "static const unsigned char %s_proto_bytes_[] = {", symbol);
        for (size_t i = 0; i < bytes.size; i++)
            writer_print(w, "%s%u,", i % 24 == 0 ? "\n    " : " ", (unsigned)(unsigned char)bytes.data[i]);
        writer_print(w, "\n};\n");
        return;
    }
    writer_print(w, "static const char %s_proto_bytes_[] =", symbol);
    for (size_t i = 0; i < bytes.size || i == 0;) {
        size_t columns = 0, begin = i;
        for (; i < bytes.size && columns < LINE; i++)
            columns += (unsigned char)bytes.data[i] >= 0x20 && (unsigned char)bytes.data[i] < 0x7f ? 1 : 4;
        writer_print(w, "\n    ");
        writer_string(w, (proa_bytes){ bytes.data + begin, i - begin });
        if (i == bytes.size)
            break;
    }
    writer_print(w, ";\n");
}

/* What reflection shows: the file as protoc read it, without its comments. */
static proa_err encode_descriptor(plugin *p, const model_file *file, proa_bytes *out)
{
    file_proto copy = *file->proto;
    copy.source_code_info = NULL;
    return google_protobuf_FileDescriptorProto_encode(&copy, p->arena, out);
}

static size_t list_types(const model_message *messages, size_t count, writer *w)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const model_message *m = &messages[i];
        if (!m->is_map_entry) {
            writer_line(w, "    &%s_type,", m->c_name);
            total++;
        }
        for (size_t k = 0; k < m->field_count; k++) {
            if (m->fields[k].shape != PROA_SHAPE_MAP)
                continue;
            writer_line(w, "    &%s_type_,", m->fields[k].entry);
            total++;
        }
        total += list_types(m->messages, m->message_count, w);
    }
    return total;
}

static size_t list_enums(const model_enum *enums, size_t count, writer *w)
{
    for (size_t i = 0; i < count; i++)
        writer_line(w, "    &%s_enum,", enums[i].c_name);
    return count;
}

static size_t list_nested_enums(const model_message *messages, size_t count, writer *w)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += list_enums(messages[i].enums, messages[i].enum_count, w);
        total += list_nested_enums(messages[i].messages, messages[i].message_count, w);
    }
    return total;
}

static bool has_enum(const model_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (messages[i].enum_count || has_enum(messages[i].messages, messages[i].message_count))
            return true;
    return false;
}

typedef struct file_counts {
    size_t imports, types, enums, services;
} file_counts;

static file_counts write_lists(const model_file *file, const layout_imports *imports, writer *w)
{
    const char *symbol = file->symbol;
    file_counts counts = { .imports = imports->count, .services = file->service_count };
    if (imports->count) {
        writer_line(w, "static const proa_file *const %s_proto_imports_[] = {", symbol);
        for (size_t i = 0; i < imports->count; i++)
            writer_line(w, "    &%s_proto_file,", imports->files[i]->symbol);
        writer_line(w, "};");
    }
    if (file->message_count) {
        writer_line(w, "static const proa_type *const %s_proto_types_[] = {", symbol);
        counts.types = list_types(file->messages, file->message_count, w);
        writer_line(w, "};");
    }
    if (file->enum_count || has_enum(file->messages, file->message_count)) {
        writer_line(w, "static const proa_enum_type *const %s_proto_enums_[] = {", symbol);
        counts.enums = list_enums(file->enums, file->enum_count, w);
        counts.enums += list_nested_enums(file->messages, file->message_count, w);
        writer_line(w, "};");
    }
    if (file->service_count) {
        writer_line(w, "static const proa_service *const %s_proto_services_[] = {", symbol);
        for (size_t i = 0; i < file->service_count; i++)
            writer_line(w, "    &%s_service,", file->services[i].c_name);
        writer_line(w, "};");
    }
    return counts;
}

static void write_part(writer *w, const char *symbol, const char *list, const char *count_name, size_t count)
{
    if (count == 0)
        return;
    writer_line(w, ".%s = %s_proto_%s_,", list, symbol, list);
    writer_line(w, ".%s_count = %zu,", count_name, count);
}

static proa_err write_file(plugin *p, const model_file *file, const layout_imports *imports, writer *w)
{
    proa_bytes descriptor;
    proa_err err = encode_descriptor(p, file, &descriptor);
    if (err)
        return err == PROA_ERR_NOMEM ? err : plugin_fail(p, "%s: its descriptor cannot be written again", file->path);
    const char *symbol = file->symbol;
    const bool is_text = descriptor.size <= STRING_BYTES_MAX;
    writer_blank(w);
    writer_line(w, "/* ---- The file: what reflection shows. */");
    writer_blank(w);
    write_descriptor(symbol, descriptor, w);
    const file_counts counts = write_lists(file, imports, w);
    writer_line(w, "const proa_file %s_proto_file = {", symbol);
    w->depth++;
    writer_line(w, ".version = PROA_GEN_VERSION,");
    writer_line(w, ".handshake = &proa_gen_v1,");
    writer_line(w, ".name = \"%s\",", file->path);
    writer_line(w, ".descriptor = { %s%s_proto_bytes_, sizeof %s_proto_bytes_%s },", is_text ? "" : "(const char *)",
                symbol, symbol, is_text ? " - 1" : "");
    write_part(w, symbol, "imports", "import", counts.imports);
    write_part(w, symbol, "types", "type", counts.types);
    write_part(w, symbol, "enums", "enum", counts.enums);
    write_part(w, symbol, "services", "service", counts.services);
    w->depth--;
    writer_line(w, "};");
    return PROA_ERR_NONE;
}

proa_err source_write(plugin *p, const model_file *file, writer *w)
{
    layout_order order;
    layout_imports imports;
    proa_err err = layout_file(p, file, &order);
    if (err || (err = layout_find_imports(p, file, &imports)))
        return err;
    header_write_banner(w, file);
    writer_line(w, "#include \"%s.proa.h\"", file->stem);
    writer_line(w, "#include \"proa/codec.h\"");
    writer_blank(w);
    for (size_t i = 0; i < imports.count; i++)
        writer_line(w, "extern const proa_file %s_proto_file;", imports.files[i]->symbol);
    if ((err = declare_foreign(p, file, w)))
        return err;
    for (size_t i = 0; i < file->enum_count; i++)
        writer_line(w, "extern const proa_enum_type %s_enum;", file->enums[i].c_name);
    declare_enums(file->messages, file->message_count, w);
    writer_line(w, "extern const proa_file %s_proto_file;", file->symbol);
    for (size_t i = 0; i < file->enum_count; i++)
        type_table_write_enum(p, &file->enums[i], w);
    write_enums(p, file->messages, file->message_count, w);
    for (size_t i = 0; i < order.count; i++)
        write_message(p, order.messages[i], w);
    for (size_t i = 0; i < file->service_count; i++)
        service_write_source(p, &file->services[i], w);
    return write_file(p, file, &imports, w);
}
