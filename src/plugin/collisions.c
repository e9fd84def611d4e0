/* SPDX-License-Identifier: Apache-2.0 */
/* Every C name of every file in the request is noted with who has it: at file scope, in each struct, in each union.
 * Imports count too, since their headers are included; two imports that collide with each other are not our failure. */
#include "plugin/collisions.h"

#include "plugin/defaults.h"

typedef struct owner {
    const char *what; /* "message", "the list of message" */
    const char *name; /* "acme.User" */
    const model_file *file;
} owner;

typedef struct registry {
    plugin *p;
    const model_file *file; /* whose names are being noted */
    map_bytes taken;
} registry;

static proa_err fail(const registry *r, const owner *old, const owner *new, const char *c_name)
{
    /* the line starts with a file that is generated, and says where the other element is if it is elsewhere */
    const owner *here = new->file->is_generated ? new : old, *there = here == new ? old : new;
    const char *where = here->file == there->file ? "" : plugin_format(r->p, " (%s)", there->file->path);
    return plugin_fail(r->p, "%s: %s %s%s and %s %s would both be %s in C: rename one of them", here->file->path,
                       there->what, there->name, where, here->what, here->name, c_name);
}

/* scope: "" for a whole identifier, else the struct or union that c_name is a member of. */
static proa_err take(registry *r, const char *scope, const char *c_name, const char *what, const char *name)
{
    const proa_bytes key = proa_bytes_of(*scope ? plugin_format(r->p, "%s.%s", scope, c_name) : c_name);
    owner *new = plugin_new(r->p, 1, sizeof *new);
    if (!new || arena_is_exhausted(r->p->arena))
        return PROA_ERR_NOMEM;
    *new = (owner){ what, name, r->file };
    const owner *old = map_bytes_get(&r->taken, key);
    if (!old)
        return map_bytes_put(&r->taken, key, new);
    return old->file->is_generated || new->file->is_generated ? fail(r, old, new, c_name) : PROA_ERR_NONE;
}

/* One name that is made of another: "acme_User" and "_list". */
typedef struct tail {
    const char *suffix, *what;
} tail;

static proa_err take_tails(registry *r, const char *c_name, const char *name, const tail *tails, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        proa_err err = take(r, "", plugin_format(r->p, "%s%s", c_name, tails[i].suffix), tails[i].what, name);
        if (err)
            return err;
    }
    return PROA_ERR_NONE;
}

#define TAKE_TAILS(r, c_name, name, tails) \
    take_tails((r), (c_name), (name), (tails), sizeof(tails) / sizeof((tails)[0]))

static proa_err take_enum(registry *r, const model_enum *e, const char *scope)
{
    static const tail tails[] = {
        { "", "enum" },
        { "_opt", "the optional of enum" },
        { "_list", "the list of enum" },
        { "_enum", "the table of enum" },
        { "_values_", "the values of enum" },
        { "_INT32_MIN_", "the sentinel of enum" },
        { "_INT32_MAX_", "the sentinel of enum" },
    };
    proa_err err = TAKE_TAILS(r, e->c_name, e->full_name, tails);
    for (size_t i = 0; !err && i < e->value_count; i++)
        err = take(r, "", e->values[i].c_name, "enum value",
                   plugin_format(r->p, "%s%s%s", scope, *scope ? "." : "", e->values[i].name));
    return err;
}

static proa_err take_oneof(registry *r, const model_message *m, const model_oneof *o)
{
    static const tail tails[] = { { "_which", "the type of oneof" }, { "_not_set", "the empty case of oneof" } };
    const char *full = plugin_format(r->p, "%s.%s", m->full_name, o->name);
    proa_err err = take(r, m->c_name, o->c_name, "oneof", full);
    return err ? err : TAKE_TAILS(r, o->which, full, tails);
}

static proa_err take_field(registry *r, const model_message *m, const model_field *field)
{
    static const tail entry_tails[] = {
        { "", "the entry of map" },
        { "_fields_", "the fields of map" },
        { "_checks_", "the checks of map" },
        { "_type_", "the table of map" },
    };
    const char *full = plugin_format(r->p, "%s.%s", m->full_name, field->name);
    const char *scope = field->oneof ? plugin_format(r->p, "%s.%s", m->c_name, field->oneof->c_name) : m->c_name;
    proa_err err = take(r, scope, field->c_name, "field", full);
    if (!err && field->oneof)
        err = take(r, "", field->which, "the case of field", full);
    if (!err && field->shape == PROA_SHAPE_MAP)
        err = TAKE_TAILS(r, field->entry, full, entry_tails);
    if (!err && field->fallback.is_set)
        err = take(r, "", defaults_getter(r->p, field), "the getter of field", full);
    return err;
}

static proa_err take_message(registry *r, const model_message *m)
{
    static const tail tails[] = {
        { "", "message" },
        { "_list", "the list of message" },
        { "_type", "the table of message" },
        { "_encode", "the encoder of message" },
        { "_decode", "the decoder of message" },
        { "_encoder_", "the encoder of message" },
        { "_decoder_", "the decoder of message" },
        { "_fields_", "the fields of message" },
        { "_oneofs_", "the oneofs of message" },
        { "_checks_", "the checks of message" },
    };
    if (m->is_map_entry)
        return PROA_ERR_NONE;
    proa_err err = TAKE_TAILS(r, m->c_name, m->full_name, tails);
    for (size_t i = 0; !err && i < m->oneof_count; i++)
        err = take_oneof(r, m, &m->oneofs[i]);
    for (size_t i = 0; !err && i < m->field_count; i++)
        err = take_field(r, m, &m->fields[i]);
    for (size_t i = 0; !err && i < m->enum_count; i++)
        err = take_enum(r, &m->enums[i], m->full_name);
    for (size_t i = 0; !err && i < m->message_count; i++)
        err = take_message(r, &m->messages[i]);
    return err;
}

static proa_err take_method(registry *r, const model_service *s, const model_method *m)
{
    static const tail tails[] = {
        { "", "method" },
        { "_method", "the table of method" },
        { "_step_", "the trampoline of method" },
        { "_begin", "the begin of method" },
    };
    static const tail single[] = { { "_reply", "the reply of method" } };
    static const tail replies[] = {
        { "_pop_reply", "the pop_reply of method" },
        { "_receive_reply", "the receive_reply of method" },
        { "_push_reply", "the push_reply of method" },
        { "_send_reply", "the send_reply of method" },
    };
    static const tail requests[] = {
        { "_pop_request", "the pop_request of method" },
        { "_receive_request", "the receive_request of method" },
        { "_push_request", "the push_request of method" },
        { "_send_request", "the send_request of method" },
    };
    const char *full = plugin_format(r->p, "%s.%s", s->full_name, m->name);
    proa_err err = take(r, s->c_name, m->c_name, "method", full);
    if (!err)
        err = TAKE_TAILS(r, m->function, full, tails);
    if (!err)
        err = m->server_streams ? TAKE_TAILS(r, m->function, full, replies) : TAKE_TAILS(r, m->function, full, single);
    if (!err && m->client_streams)
        err = TAKE_TAILS(r, m->function, full, requests);
    return err;
}

static proa_err take_file(registry *r)
{
    static const tail service_tails[] = {
        { "", "service" },
        { "_serve", "the serve of service" },
        { "_service", "the table of service" },
        { "_methods_", "the methods of service" },
    };
    static const tail file_tails[] = {
        { "_proto_file", "the table of file" },       { "_proto_bytes_", "the descriptor of file" },
        { "_proto_imports_", "the imports of file" }, { "_proto_types_", "the types of file" },
        { "_proto_enums_", "the enums of file" },     { "_proto_services_", "the services of file" },
    };
    const model_file *file = r->file;
    proa_err err = TAKE_TAILS(r, file->symbol, file->path, file_tails);
    for (size_t i = 0; !err && i < file->enum_count; i++)
        err = take_enum(r, &file->enums[i], file->package);
    for (size_t i = 0; !err && i < file->message_count; i++)
        err = take_message(r, &file->messages[i]);
    for (size_t i = 0; !err && i < file->service_count; i++) {
        const model_service *s = &file->services[i];
        err = TAKE_TAILS(r, s->c_name, s->full_name, service_tails);
        for (size_t k = 0; !err && k < s->method_count; k++)
            err = take_method(r, s, &s->methods[k]);
    }
    return err;
}

proa_err collisions_check(plugin *p)
{
    registry r = { .p = p };
    map_bytes_init(&r.taken, 0);
    proa_err err = PROA_ERR_NONE;
    for (size_t i = 0; !err && i < p->file_count; i++) {
        r.file = &p->all_files[i];
        err = take_file(&r);
    }
    map_bytes_fini(&r.taken);
    return err;
}
