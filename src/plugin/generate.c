/* SPDX-License-Identifier: Apache-2.0 */
/* From the request to the response, through all the other rooms. */
#include "plugin/plugin.h"

#include "plugin/collisions.h"
#include "plugin/header.h"
#include "plugin/names.h"
#include "plugin/source.h"

typedef google_protobuf_compiler_CodeGeneratorResponse response_proto;
typedef google_protobuf_compiler_CodeGeneratorResponse_File response_file;

enum { WRITTEN_BYTES_MAX = 128 * 1024 * 1024 }; /* names multiply what a hostile descriptor says */

static proa_err read_option(plugin *p, proa_bytes option)
{
    enum { PREFIX_SIZE = sizeof "prefix=" - 1 };
    if (BYTES_IS(option, "strip_package")) {
        p->strip_package = true;
        return PROA_ERR_NONE;
    }
    if (option.size < PREFIX_SIZE || memcmp(option.data, "prefix=", PREFIX_SIZE) != 0)
        return plugin_fail(p, "unknown option \"%.*s\": there are prefix=NAME and strip_package", PROA_FMT(option));
    const proa_bytes prefix = { option.data + PREFIX_SIZE, option.size - PREFIX_SIZE };
    if (!names_is_identifier(prefix))
        return plugin_fail(p, "option \"%.*s\": the prefix is no C identifier", PROA_FMT(option));
    p->prefix = plugin_text(p, prefix);
    return PROA_ERR_NONE;
}

/* "a=1,b": protoc joins --proa_opt and what stands before the colon of --proa_out. */
static proa_err read_options(plugin *p, proa_bytes rest)
{
    p->prefix = "";
    while (rest.size) {
        const char *comma = memchr(rest.data, ',', rest.size);
        const proa_bytes option = { rest.data, comma ? (size_t)(comma - rest.data) : rest.size };
        const size_t used = option.size + (comma ? 1 : 0);
        rest = (proa_bytes){ rest.data + used, rest.size - used };
        proa_err err = option.size ? read_option(p, option) : PROA_ERR_NONE;
        if (err)
            return err;
    }
    return PROA_ERR_NONE;
}

static proa_err keep(plugin *p, const model_file *file, const char *suffix, writer *w, response_file *out)
{
    proa_bytes content = buffer_bytes(&w->text);
    p->written += content.size;
    if (p->written > WRITTEN_BYTES_MAX)
        return plugin_fail(p, "%s: all files together have more than %d MiB", file->path, WRITTEN_BYTES_MAX >> 20);
    proa_bytes copy = w->failed ? (proa_bytes){ 0 } : proa_arena_copy(p->arena, content);
    writer_fini(w);
    if (!copy.data)
        return PROA_ERR_NOMEM;
    out->name = proa_bytes_of(plugin_format(p, "%s%s", file->stem, suffix));
    out->content = copy;
    return PROA_ERR_NONE;
}

/* Two files of C for one .proto. */
static proa_err generate(plugin *p, const model_file *file, response_file *out)
{
    writer w = { 0 };
    proa_err err = header_write(p, file, &w);
    if (!err)
        err = keep(p, file, ".proa.h", &w, &out[0]);
    if (!err)
        err = source_write(p, file, &w);
    if (!err)
        err = keep(p, file, ".proa.c", &w, &out[1]);
    writer_fini(&w);
    return err;
}

static proa_err generate_all(plugin *p, response_proto *response)
{
    proa_err err = read_options(p, p->request->parameter);
    if (err || (err = model_build(p)) || (err = resolve_all(p)) || (err = collisions_check(p)))
        return err;
    response->file.data = plugin_new(p, 2 * p->file_count, sizeof *response->file.data);
    if (!response->file.data)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < p->file_count; i++) {
        if (!p->all_files[i].is_generated)
            continue;
        err = generate(p, &p->all_files[i], response->file.data + response->file.count);
        if (err)
            return err;
        response->file.count += 2;
    }
    return arena_is_exhausted(p->arena) ? PROA_ERR_NOMEM : PROA_ERR_NONE;
}

proa_err plugin_run(proa_bytes request, proa_arena *arena, proa_bytes *response, proa_error *error)
{
    plugin p = { .arena = arena };
    proa_error local = { 0 };
    p.request = google_protobuf_compiler_CodeGeneratorRequest_decode(request, arena, error ? error : &local);
    if (!p.request)
        return error ? error->code : local.code;
    map_bytes_init(&p.files, 0);
    map_bytes_init(&p.types, 0);
    response_proto answer = {
        .supported_features = PROA_SOME(google_protobuf_compiler_CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL),
    };
    proa_err err = generate_all(&p, &answer);
    if (p.failure) {
        answer.file.count = 0;
        answer.error = proa_bytes_of(p.failure);
        err = PROA_ERR_NONE;
    }
    map_bytes_fini(&p.files);
    map_bytes_fini(&p.types);
    if (!err)
        err = google_protobuf_compiler_CodeGeneratorResponse_encode(&answer, arena, response);
    return err ? error_set(error, err, "%s", error_name(err)) : err;
}
