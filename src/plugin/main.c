/* SPDX-License-Identifier: Apache-2.0 */
/* protoc-gen-proa: protoc runs it, gives it a request on stdin and reads the answer from stdout. */
#include <stdio.h>
#include <string.h>
#include "plugin/plugin.h"

enum { REQUEST_BYTES_MAX = 512 * 1024 * 1024, READ_BYTES = 64 * 1024 };

static int fail(const char *why)
{
    fprintf(stderr, "protoc-gen-proa: %s\n", why);
    return 1;
}

static proa_err read_all(FILE *in, buffer *out)
{
    for (;;) {
        proa_err err = buffer_reserve(out, READ_BYTES);
        if (err)
            return err;
        size_t size = fread(buffer_tail(out), 1, READ_BYTES, in);
        out->end += size;
        if (buffer_size(out) > REQUEST_BYTES_MAX)
            return PROA_ERR_LIMIT;
        if (size == 0)
            return ferror(in) ? PROA_ERR_IO : PROA_ERR_NONE;
    }
}

static int run(proa_bytes request, proa_arena *arena)
{
    proa_bytes response;
    proa_error error = { 0 };
    if (plugin_run(request, arena, &response, &error) != PROA_ERR_NONE) {
        fprintf(stderr, "protoc-gen-proa: the request cannot be used: %s\n", error.text);
        return 1;
    }
    if (fwrite(response.data, 1, response.size, stdout) != response.size || fflush(stdout) != 0)
        return fail("the answer cannot be written");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("protoc-gen-proa 0.1");
        return 0;
    }
    if (argc > 1)
        return fail("protoc runs this program: protoc --plugin=protoc-gen-proa --proa_out=FOLDER x.proto");
    buffer request = { 0 };
    proa_err err = read_all(stdin, &request);
    proa_arena *arena = err ? NULL : proa_arena_new(buffer_size(&request) * 2 + 4096);
    int rc;
    if (err)
        rc = fail(err == PROA_ERR_LIMIT ? "the request has more than 512 MiB" : error_name(err));
    else if (!arena)
        rc = fail(error_name(PROA_ERR_NOMEM));
    else
        rc = run(buffer_bytes(&request), arena);
    proa_arena_free(arena);
    buffer_fini(&request);
    return rc;
}
