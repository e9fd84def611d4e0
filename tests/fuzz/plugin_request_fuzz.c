/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the request that protoc sends to the plugin. Held against it: it answers or fails with a text, what it
 * answers is a response, a failure is one line, files come in pairs below the output folder, and the same request gives
 * the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include "base/base.h"
#include "google/protobuf/compiler/plugin.proa.h"
#include "plugin/plugin.h"

#define MUST(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what, int line)
{
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    abort();
}

static void check_file(const google_protobuf_compiler_CodeGeneratorResponse_File *file)
{
    const proa_bytes name = file->name;
    MUST(name.size > 7 && name.data[0] != '/' && file->content.size > 0);
    MUST(memchr(name.data, '\0', name.size) == NULL && memchr(name.data, '\\', name.size) == NULL);
    for (size_t i = 0; i + 1 < name.size; i++)
        MUST(!(name.data[i] == '.' && name.data[i + 1] == '.' && (i == 0 || name.data[i - 1] == '/') &&
               (i + 2 == name.size || name.data[i + 2] == '/')));
}

static void check_response(proa_bytes wire, proa_arena *arena)
{
    const google_protobuf_compiler_CodeGeneratorResponse *response =
        google_protobuf_compiler_CodeGeneratorResponse_decode(wire, arena, NULL);
    MUST(response);
    MUST(response->error.data ? response->file.count == 0 : response->file.count % 2 == 0);
    MUST(!response->error.data ||
         (response->error.size > 0 && !memchr(response->error.data, '\n', response->error.size)));
    for (size_t i = 0; i < response->file.count; i++)
        check_file(&response->file.data[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const proa_bytes request = { size ? (const char *)data : "", size };
    proa_arena *arena = proa_arena_new(0);
    MUST(arena);
    proa_bytes first = { 0 }, second = { 0 };
    proa_error error = { 0 };
    const proa_err err = plugin_run(request, arena, &first, &error);
    if (err == PROA_ERR_NONE) {
        MUST(plugin_run(request, arena, &second, &error) == PROA_ERR_NONE);
        MUST(proa_bytes_is_equal(first, second));
        check_response(first, arena);
    } else {
        MUST(error.text[0] && error.code == err && !first.data);
    }
    proa_arena_free(arena);
    return 0;
}
