/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the descriptors once: checks what is there, names it, and notes every type under its full name. */
#include "plugin/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "plugin/names.h"

/* Field numbers of descriptor.proto: the steps of a comment's path. */
enum {
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_ONEOF = 8,
    ENUM_VALUE = 2,
    SERVICE_METHOD = 2
};
enum { DEPTH_MAX = 64, PATH_MAX_ = 2 * DEPTH_MAX + 4 };

/* Where the walk is. scope_* is what encloses the element: the package, or a message. */
typedef struct walk {
    plugin *p;
    model_file *file;
    const char *scope_full; /* "telemetry" or "telemetry.Facts" or "" */
    const char *scope_c;    /* in front of a C name: "telemetry_", "telemetry_Facts_", "" */
    bool is_nested;
    int32_t path[PATH_MAX_];
    size_t path_size;
} walk;

proa_err plugin_fail(plugin *p, const char *format, ...)
{
    if (p->failure)
        return PROA_ERR_MALFORMED;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++) /* one line, whatever a name contains */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    p->failure = plugin_text(p, proa_bytes_of(text));
    return PROA_ERR_MALFORMED;
}

void *plugin_new(plugin *p, size_t count, size_t size)
{
    return proa_arena_alloc(p->arena, count && size <= SIZE_MAX / count ? count * size : size);
}

const char *plugin_text(plugin *p, proa_bytes bytes)
{
    char *text = proa_arena_alloc(p->arena, bytes.size + 1);
    if (!text)
        return "";
    bytes_copy(text, bytes.data, bytes.size);
    return text;
}

const char *plugin_format(plugin *p, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size < 0 ? NULL : proa_arena_alloc(p->arena, (size_t)size + 1);
    if (text)
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text ? text : "";
}

const char *plugin_member(plugin *p, const char *name)
{
    return names_is_free_member(name) ? name : plugin_format(p, "%s_", name);
}

static const char *global(walk *w, const char *name, bool is_suffix)
{
    const char *whole = plugin_format(w->p, "%s%s", w->scope_c, name);
    if ((w->is_nested && is_suffix) || !names_is_free_global(whole))
        return plugin_format(w->p, "%s_", whole);
    return whole;
}

static const char *full(walk *w, const char *name)
{
    return w->scope_full[0] ? plugin_format(w->p, "%s.%s", w->scope_full, name) : name;
}

/* Checks the name of one element and takes it over. */
static proa_err take_name(walk *w, const char *what, proa_bytes name, const char **out)
{
    if (!names_is_identifier(name))
        return plugin_fail(w->p, "%s: a %s in \"%s\" has the name \"%.*s\", which is no identifier", w->file->path,
                           what, w->scope_full, PROA_FMT(name));
    *out = plugin_text(w->p, name);
    return PROA_ERR_NONE;
}

static const location_proto *comments_at(walk *w, int32_t kind, size_t index)
{
    w->path[w->path_size] = kind;
    w->path[w->path_size + 1] = (int32_t)index;
    return comments_find(&w->file->comments, w->path, w->path_size + 2);
}

static proa_err note_type(walk *w, const char *full_name, model_message *message, model_enum *enumeration)
{
    plugin *p = w->p;
    if (strlen(full_name) > NAMES_SIZE_MAX)
        return plugin_fail(p, "%s: the name of a type has more than %d characters", w->file->path, NAMES_SIZE_MAX);
    model_type *type = plugin_new(p, 1, sizeof *type);
    const char *key = plugin_format(p, ".%s", full_name);
    if (!type || arena_is_exhausted(p->arena))
        return PROA_ERR_NOMEM;
    *type = (model_type){ message, enumeration };
    if (map_bytes_get(&p->types, proa_bytes_of(key)))
        return plugin_fail(p, "%s: %s is defined twice", w->file->path, full_name);
    return map_bytes_put(&p->types, proa_bytes_of(key), type);
}

static int compare_value_names(const void *a, const void *b)
{
    return strcmp((*(const model_value *const *)a)->name, (*(const model_value *const *)b)->name);
}

static proa_err read_values(walk *w, model_enum *e)
{
    for (size_t i = 0; i < e->value_count; i++) {
        const google_protobuf_EnumValueDescriptorProto *from = &e->proto->value.data[i];
        model_value *to = &e->values[i];
        to->number = from->number.value;
        to->where = comments_at(w, ENUM_VALUE, i);
        proa_err err = take_name(w, "value of an enum", from->name, &to->name);
        if (err)
            return err;
        to->c_name = global(w, to->name, names_is_suffix(to->name));
        e->by_name[i] = to;
    }
    qsort(e->by_name, e->value_count, sizeof *e->by_name, compare_value_names);
    return PROA_ERR_NONE;
}

static proa_err read_enum(walk *w, const enum_proto *proto, model_enum *e)
{
    e->proto = proto;
    e->file = w->file;
    e->is_closed = !w->file->is_proto3;
    proa_err err = take_name(w, "enum", proto->name, &e->name);
    if (err)
        return err;
    e->full_name = full(w, e->name);
    e->c_name = global(w, e->name, names_is_suffix(e->name));
    err = note_type(w, e->full_name, NULL, e);
    if (err)
        return err;
    if (proto->value.count == 0)
        return plugin_fail(w->p, "%s: enum %s has no value", w->file->path, e->full_name);
    e->value_count = proto->value.count;
    e->values = plugin_new(w->p, e->value_count, sizeof *e->values);
    e->by_name = plugin_new(w->p, e->value_count, sizeof *e->by_name);
    return e->values && e->by_name ? read_values(w, e) : PROA_ERR_NOMEM;
}

/* Enters element `index` of a list: what comments_at finds from now on lies in it. */
static void enter(walk *w, int32_t kind, size_t index)
{
    w->path[w->path_size++] = kind;
    w->path[w->path_size++] = (int32_t)index;
}

static void leave(walk *w)
{
    w->path_size -= 2;
}

static proa_err read_enums(walk *w, int32_t kind, google_protobuf_EnumDescriptorProto_list from, model_enum **out,
                           size_t *count)
{
    *out = plugin_new(w->p, from.count, sizeof **out);
    if (!*out)
        return PROA_ERR_NOMEM;
    *count = from.count;
    for (size_t i = 0; i < from.count; i++) {
        (*out)[i].where = comments_at(w, kind, i);
        enter(w, kind, i);
        proa_err err = read_enum(w, &from.data[i], &(*out)[i]);
        if (err)
            return err;
        leave(w);
    }
    return PROA_ERR_NONE;
}

/* protoc puts the synthetic oneofs of proto3 optional behind all others. */
static proa_err read_oneofs(walk *w, model_message *m)
{
    const message_proto *proto = m->proto;
    m->oneofs = plugin_new(w->p, proto->oneof_decl.count, sizeof *m->oneofs);
    if (!m->oneofs)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < proto->field.count; i++) {
        const field_proto *field = &proto->field.data[i];
        if (!field->oneof_index.has)
            continue;
        if (field->oneof_index.value < 0 || (size_t)field->oneof_index.value >= proto->oneof_decl.count)
            return plugin_fail(w->p, "%s: message %s: a field is in a oneof that is not there", w->file->path,
                               m->full_name);
        size_t index = (size_t)field->oneof_index.value;
        if (!field->proto3_optional.value) {
            m->oneofs[index].field_count++;
            m->oneof_count = index + 1 > m->oneof_count ? index + 1 : m->oneof_count;
        }
    }
    for (size_t i = 0; i < m->oneof_count; i++) {
        model_oneof *o = &m->oneofs[i];
        if (o->field_count == 0)
            return plugin_fail(w->p, "%s: message %s: a oneof is empty", w->file->path, m->full_name);
        proa_err err = take_name(w, "oneof", proto->oneof_decl.data[i].name, &o->name);
        if (err)
            return err;
        o->where = comments_at(w, MESSAGE_ONEOF, i);
    }
    return PROA_ERR_NONE;
}

static proa_err read_fields(walk *w, model_message *m)
{
    m->field_count = m->proto->field.count;
    m->fields = plugin_new(w->p, m->field_count, sizeof *m->fields);
    if (!m->fields)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < m->field_count; i++) {
        model_field *field = &m->fields[i];
        field->proto = &m->proto->field.data[i];
        field->parent = m;
        field->where = comments_at(w, MESSAGE_FIELD, i);
        proa_err err = take_name(w, "field", field->proto->name, &field->name);
        if (err)
            return err;
    }
    return PROA_ERR_NONE;
}

static proa_err read_messages(walk *w, int32_t kind, google_protobuf_DescriptorProto_list from, model_message **out,
                              size_t *count);

static proa_err read_message(walk *w, const message_proto *proto, model_message *m)
{
    m->proto = proto;
    m->file = w->file;
    m->is_map_entry = proto->options && proto->options->map_entry.value;
    proa_err err = take_name(w, "message", proto->name, &m->name);
    if (err)
        return err;
    m->full_name = full(w, m->name);
    m->c_name = global(w, m->name, names_is_suffix(m->name));
    err = note_type(w, m->full_name, m, NULL);
    if (err)
        return err;
    walk outside = *w;
    w->scope_full = m->full_name;
    w->scope_c = plugin_format(w->p, "%s_", m->c_name);
    w->is_nested = true;
    if ((err = read_oneofs(w, m)) || (err = read_fields(w, m)) ||
        (err = read_enums(w, MESSAGE_ENUM, proto->enum_type, &m->enums, &m->enum_count)) ||
        (err = read_messages(w, MESSAGE_NESTED, proto->nested_type, &m->messages, &m->message_count)))
        return err;
    w->scope_full = outside.scope_full;
    w->scope_c = outside.scope_c;
    w->is_nested = outside.is_nested;
    return PROA_ERR_NONE;
}

static proa_err read_messages(walk *w, int32_t kind, google_protobuf_DescriptorProto_list from, model_message **out,
                              size_t *count)
{
    if (from.count && w->path_size > PATH_MAX_ - 8)
        return plugin_fail(w->p, "%s: messages are nested more than %d deep", w->file->path, DEPTH_MAX);
    *out = plugin_new(w->p, from.count, sizeof **out);
    if (!*out)
        return PROA_ERR_NOMEM;
    *count = from.count;
    for (size_t i = 0; i < from.count; i++) {
        (*out)[i].where = comments_at(w, kind, i);
        enter(w, kind, i);
        proa_err err = read_message(w, &from.data[i], &(*out)[i]);
        if (err)
            return err;
        leave(w);
    }
    return PROA_ERR_NONE;
}

static proa_err read_service(walk *w, const service_proto *proto, model_service *s)
{
    s->proto = proto;
    proa_err err = take_name(w, "service", proto->name, &s->name);
    if (err)
        return err;
    s->full_name = full(w, s->name);
    s->c_name = global(w, s->name, false);
    s->method_count = proto->method.count;
    s->methods = plugin_new(w->p, s->method_count, sizeof *s->methods);
    if (!s->methods)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < s->method_count; i++) {
        model_method *m = &s->methods[i];
        m->proto = &proto->method.data[i];
        m->where = comments_at(w, SERVICE_METHOD, i);
        m->client_streams = m->proto->client_streaming.value;
        m->server_streams = m->proto->server_streaming.value;
        err = take_name(w, "method", m->proto->name, &m->name);
        if (err)
            return err;
        m->c_name = plugin_member(w->p, m->name);
        m->function = plugin_format(w->p, "%s_%s", s->c_name, m->name);
        if (names_is_service_suffix(m->name) || !names_is_free_global(m->function))
            m->function = plugin_format(w->p, "%s_", m->function);
    }
    return PROA_ERR_NONE;
}

static proa_err read_services(walk *w)
{
    model_file *f = w->file;
    f->service_count = f->proto->service.count;
    f->services = plugin_new(w->p, f->service_count, sizeof *f->services);
    if (!f->services)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < f->service_count; i++) {
        f->services[i].where = comments_at(w, FILE_SERVICE, i);
        enter(w, FILE_SERVICE, i);
        proa_err err = read_service(w, &f->proto->service.data[i], &f->services[i]);
        if (err)
            return err;
        leave(w);
    }
    return PROA_ERR_NONE;
}

/* The path becomes the name of a file and a line of C: no way out of the output folder, nothing to escape. */
static bool is_path(proa_bytes path)
{
    if (path.size < 7 || path.size > NAMES_SIZE_MAX || memcmp(path.data + path.size - 6, ".proto", 6) != 0)
        return false;
    size_t begin = 0;
    for (size_t i = 0; i <= path.size; i++) {
        unsigned char c = i < path.size ? (unsigned char)path.data[i] : '/';
        if (c < 0x20 || c == 0x7f || strchr("\\\"<>:*?|", c))
            return false;
        if (c != '/')
            continue;
        proa_bytes part = { path.data + begin, i - begin };
        if (part.size == 0 || BYTES_IS(part, ".") || BYTES_IS(part, ".."))
            return false;
        begin = i + 1;
    }
    return true;
}

/* "a.b" gives "a_b_"; every part is an identifier. */
static proa_err read_package(plugin *p, model_file *f)
{
    proa_bytes rest = f->proto->package;
    if (rest.size > NAMES_SIZE_MAX)
        return plugin_fail(p, "%s: the name of the package has more than %d characters", f->path, NAMES_SIZE_MAX);
    f->package = plugin_text(p, rest);
    while (rest.size) {
        const char *dot = memchr(rest.data, '.', rest.size);
        proa_bytes part = { rest.data, dot ? (size_t)(dot - rest.data) : rest.size };
        if (!names_is_identifier(part) || (dot && part.size + 1 == rest.size))
            return plugin_fail(p, "%s: package \"%s\" is no name", f->path, f->package);
        rest.data += part.size + (dot ? 1 : 0);
        rest.size -= part.size + (dot ? 1 : 0);
    }
    bool has_package = f->package[0] && !p->strip_package;
    char *prefix =
        (char *)(uintptr_t)plugin_format(p, "%s%s%s", p->prefix, has_package ? f->package : "", has_package ? "_" : "");
    for (char *c = prefix; *c; c++)
        if (*c == '.')
            *c = '_';
    f->prefix = prefix;
    return PROA_ERR_NONE;
}

static proa_err read_file(plugin *p, const file_proto *proto, model_file *f)
{
    f->proto = proto;
    f->path = plugin_text(p, proto->name);
    if (!is_path(proto->name))
        return plugin_fail(p, "%s: this is no path of a .proto file that can be generated", f->path);
    f->stem = plugin_text(p, (proa_bytes){ proto->name.data, proto->name.size - 6 });
    f->is_proto3 = BYTES_IS(proto->syntax, "proto3");
    if (!f->is_proto3 && proto->syntax.size && !BYTES_IS(proto->syntax, "proto2"))
        return plugin_fail(p, "%s: syntax \"%.*s\" is not supported, only proto2 and proto3 are", f->path,
                           PROA_FMT(proto->syntax));
    if (map_bytes_get(&p->files, proa_bytes_of(f->path)))
        return plugin_fail(p, "%s: the file is twice in the request", f->path);
    proa_err err = comments_init(&f->comments, proto->source_code_info, p->arena);
    if (err || (err = map_bytes_put(&p->files, proa_bytes_of(f->path), f)) || (err = read_package(p, f)))
        return err;
    walk w = { .p = p, .file = f, .scope_full = f->package, .scope_c = f->prefix };
    if ((err = read_enums(&w, FILE_ENUM, proto->enum_type, &f->enums, &f->enum_count)) ||
        (err = read_messages(&w, FILE_MESSAGE, proto->message_type, &f->messages, &f->message_count)))
        return err;
    return read_services(&w);
}

proa_err model_build(plugin *p)
{
    const request_proto *request = p->request;
    p->file_count = request->proto_file.count;
    p->all_files = plugin_new(p, p->file_count, sizeof *p->all_files);
    if (!p->all_files)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < p->file_count; i++) {
        proa_err err = read_file(p, &request->proto_file.data[i], &p->all_files[i]);
        if (err)
            return err;
    }
    for (size_t i = 0; i < request->file_to_generate.count; i++) {
        proa_bytes path = request->file_to_generate.data[i];
        model_file *file = path.size ? map_bytes_get(&p->files, path) : NULL;
        if (!file)
            return plugin_fail(p, "%.*s: the request does not describe this file", PROA_FMT(path));
        file->is_generated = true;
    }
    return arena_is_exhausted(p->arena) ? PROA_ERR_NOMEM : PROA_ERR_NONE;
}
