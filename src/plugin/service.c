/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/service.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The parts of one method that its stubs are made of. */
typedef struct stubs {
    plugin *p;
    writer *w;
    const model_method *method;
    const char *request, *reply; /* "const telemetry_Chunk *", "const telemetry_Digest *" */
    const char *table;           /* "&telemetry_Host_Upload_method" */
} stubs;

static void write_handler(plugin *p, const model_method *m, writer *w)
{
    const char *parts[3] = { "proa_call *call" };
    size_t count = 1;
    if (!m->client_streams)
        parts[count++] = plugin_format(p, "const %s *request", m->request->c_name);
    if (!m->server_streams)
        parts[count++] = plugin_format(p, "%s *reply", m->reply->c_name);
    const char *head = plugin_format(p, "proa_code (*%s)(", m->c_name);
    size_t size = strlen(head) + 2 + 2 * (count - 1);
    for (size_t i = 0; i < count; i++)
        size += strlen(parts[i]);
    const proa_bytes line = comments_line(m->where, p->arena);
    const bool is_behind = comments_fit(w, size, line);
    comments_write_detached(w, m->where);
    if (!is_behind)
        comments_write(w, m->where);
    writer_wrap(w, head, parts, count, is_behind ? plugin_format(p, ");   /* %.*s */", PROA_FMT(line)) : ");");
}

/* One function: result, name, parameters; then the one call that it makes. */
static void write_stub(const stubs *s, const char *result, const char *suffix, const char *const *parameters,
                       size_t count)
{
    const char *head = plugin_format(s->p, "static inline %s%s%s(", result, s->method->function, suffix);
    writer_wrap(s->w, head, parameters, count, ")");
}

static void write_begin(const stubs *s)
{
    const bool has_request = !s->method->client_streams;
    const char *parameters[3] = { "proa_channel *channel" };
    size_t count = 1;
    if (has_request)
        parameters[count++] = plugin_format(s->p, "%srequest", s->request);
    parameters[count++] = "const proa_call_options *options";
    write_stub(s, "proa_call *", "_begin", parameters, count);
    const char *arguments[] = { "channel", s->table, has_request ? "request" : "NULL", "options", "sizeof *options" };
    writer_wrap(s->w, "{ return proa_gen_begin(", arguments, COUNT(arguments), "); }");
}

static void write_call(const stubs *s)
{
    const char *parameters[] = { "proa_channel *channel", plugin_format(s->p, "%srequest", s->request),
                                 plugin_format(s->p, "%s *reply", s->method->reply->c_name), "proa_arena *arena",
                                 "const proa_call_options *options" };
    write_stub(s, "proa_status ", "", parameters, COUNT(parameters));
    const char *arguments[] = { "channel", s->table, "request", "reply", "arena", "options", "sizeof *options" };
    writer_wrap(s->w, "{ return proa_gen_call(", arguments, COUNT(arguments), "); }");
}

/* verb: "pop", "receive"; what: "request", "reply"; or "" and "reply" for the single one. */
static void write_get(const stubs *s, const char *verb, const char *what)
{
    const char *type = what[2] == 'q' ? s->request : s->reply;
    const char *name = plugin_format(s->p, "%s%s%s", verb, *verb ? "_" : "", what);
    const char *parameters[] = { "proa_call *call" };
    write_stub(s, type, plugin_format(s->p, "_%s", name), parameters, 1);
    const char *arguments[] = { "call", s->table };
    writer_wrap(s->w, plugin_format(s->p, "{ return (%s)proa_gen_%s(", type, name), arguments, 2, "); }");
}

static void write_put(const stubs *s, const char *verb, const char *what)
{
    const char *type = what[2] == 'q' ? s->request : s->reply;
    const char *parameters[] = { "proa_call *call", plugin_format(s->p, "%s%s", type, what) };
    write_stub(s, "bool ", plugin_format(s->p, "_%s_%s", verb, what), parameters, 2);
    const char *arguments[] = { "call", s->table, what };
    writer_wrap(s->w, plugin_format(s->p, "{ return proa_gen_%s_%s(", verb, what), arguments, 3, "); }");
}

/* First what a client calls, then what a server does. */
static void write_stubs(const stubs *s)
{
    const bool client = s->method->client_streams, server = s->method->server_streams;
    static const char *const kinds[] = { "unary", "server streaming", "client streaming", "bidirectional" };
    writer_blank(s->w);
    writer_line(s->w, "/* %s: %s.%s */", s->method->name, kinds[client * 2 + server],
                server ? "" : " Its reply is NULL unless the call ended with OK.");
    if (!client && !server)
        write_call(s);
    write_begin(s);
    if (client) {
        write_put(s, "push", "request");
        write_put(s, "send", "request");
    }
    if (server) {
        write_get(s, "pop", "reply");
        write_get(s, "receive", "reply");
    } else {
        write_get(s, "", "reply");
    }
    if (client) {
        write_get(s, "pop", "request");
        write_get(s, "receive", "request");
    }
    if (server) {
        write_put(s, "push", "reply");
        write_put(s, "send", "reply");
    }
}

static void write_struct(plugin *p, const model_service *service, writer *w)
{
    writer_blank(w);
    comments_write_detached(w, service->where);
    writer_line(w, "/* ---- Service %s. A member that stays NULL answers UNIMPLEMENTED. */", service->full_name);
    comments_write(w, service->where);
    writer_line(w, "typedef struct %s {", service->c_name);
    w->depth++;
    for (size_t i = 0; i < service->method_count; i++)
        write_handler(p, &service->methods[i], w);
    if (service->method_count == 0)
        writer_line(w, "void *unused_;   /* it has no method yet */");
    w->depth--;
    writer_line(w, "} %s;", service->c_name);
}

void service_write_header(plugin *p, const model_service *service, writer *w)
{
    const char *c = service->c_name;
    write_struct(p, service, w);
    writer_line(w, "extern const proa_service %s_service;", c);
    for (size_t i = 0; i < service->method_count; i++)
        writer_line(w, "extern const proa_method %s_method;", service->methods[i].function);
    writer_blank(w);
    const char *parameters[] = { "proa_server *server", plugin_format(p, "const %s *handlers", c),
                                 "const proa_serve_options *options" };
    writer_wrap(w, plugin_format(p, "static inline proa_err %s_serve(", c), parameters, COUNT(parameters), ")");
    const char *arguments[] = { "server", plugin_format(p, "&%s_service", c), "handlers", "options",
                                "sizeof *options" };
    writer_wrap(w, "{ return proa_gen_serve(", arguments, COUNT(arguments), "); }");
    for (size_t i = 0; i < service->method_count; i++) {
        const model_method *m = &service->methods[i];
        write_stubs(&(stubs){
            .p = p,
            .w = w,
            .method = m,
            .request = plugin_format(p, "const %s *", m->request->c_name),
            .reply = plugin_format(p, "const %s *", m->reply->c_name),
            .table = plugin_format(p, "&%s_method", m->function),
        });
    }
}

/* ---- The source: a trampoline calls the handler with its true type, so nothing is ever called through another one. */

static void write_step(plugin *p, const model_service *service, const model_method *m, writer *w)
{
    const char *parameters[] = { "const void *handlers", "proa_call *call", "const void *request", "void *reply" };
    writer_wrap(w, plugin_format(p, "static proa_code %s_step_(", m->function), parameters, COUNT(parameters), ")");
    writer_line(w, "{");
    w->depth++;
    if (m->client_streams)
        writer_line(w, "(void)request;");
    if (m->server_streams)
        writer_line(w, "(void)reply;");
    writer_line(w, "return ((const %s *)handlers)->%s(call%s%s);", service->c_name, m->c_name,
                m->client_streams ? "" : ", request", m->server_streams ? "" : ", reply");
    w->depth--;
    writer_line(w, "}");
}

static const char *flags_of(plugin *p, const model_method *m)
{
    const google_protobuf_MethodOptions *options = m->proto->options;
    const int level = options ? (int)options->idempotency_level.value : 0;
    const char *parts[] = { m->client_streams ? " | PROA_GEN_CLIENT_STREAMS" : "",
                            m->server_streams ? " | PROA_GEN_SERVER_STREAMS" : "",
                            level == google_protobuf_MethodOptions_NO_SIDE_EFFECTS ? " | PROA_GEN_NO_SIDE_EFFECTS" : "",
                            level == google_protobuf_MethodOptions_IDEMPOTENT ? " | PROA_GEN_IDEMPOTENT" : "" };
    const char *all = plugin_format(p, "%s%s%s%s", parts[0], parts[1], parts[2], parts[3]);
    return *all ? all + 3 : "";
}

static void write_method(plugin *p, const model_service *service, const model_method *m, writer *w)
{
    writer_blank(w);
    write_step(p, service, m, w);
    const char *flags = flags_of(p, m);
    writer_line(w, "const proa_method %s_method = {", m->function);
    w->depth++;
    writer_line(w, ".version = PROA_GEN_VERSION,");
    if (*flags)
        writer_line(w, ".flags = %s,", flags);
    writer_line(w, ".path = PROA_STR_INIT(\"/%s/%s\"),", service->full_name, m->name);
    writer_line(w, ".request = &%s_type,", m->request->c_name);
    writer_line(w, ".reply = &%s_type,", m->reply->c_name);
    writer_line(w, ".step = %s_step_,", m->function);
    writer_line(w, ".handler_offset = offsetof(%s, %s),", service->c_name, m->c_name);
    w->depth--;
    writer_line(w, "};");
}

void service_write_source(plugin *p, const model_service *service, writer *w)
{
    const char *c = service->c_name;
    writer_blank(w);
    writer_line(w, "/* ---- Service %s */", service->full_name);
    for (size_t i = 0; i < service->method_count; i++)
        write_method(p, service, &service->methods[i], w);
    writer_blank(w);
    if (service->method_count) {
        writer_line(w, "static const proa_method *const %s_methods_[] = {", c);
        w->depth++;
        for (size_t i = 0; i < service->method_count; i++)
            writer_line(w, "&%s_method,", service->methods[i].function);
        w->depth--;
        writer_line(w, "};");
    }
    writer_line(w, "const proa_service %s_service = {", c);
    w->depth++;
    writer_line(w, ".version = PROA_GEN_VERSION,");
    writer_line(w, ".method_count = %zu,", service->method_count);
    writer_line(w, ".name = PROA_STR_INIT(\"%s\"),", service->full_name);
    if (service->method_count)
        writer_line(w, ".methods = %s_methods_,", c);
    writer_line(w, ".handlers_size = sizeof(%s),", c);
    w->depth--;
    writer_line(w, "};");
}
