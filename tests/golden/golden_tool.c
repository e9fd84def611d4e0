/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of the comparison with protoc: golden.py runs it, bytes go through stdin and stdout.
 *
 *   recode TYPE     decode, encode
 *   sample NAME     encode the sample of that name
 *   check NAME      decode, and compare with the sample
 *   samples         the names of the samples
 *   offsets         how every message of the golden files lies in memory */
#include <stdio.h>
#include <string.h>
#include "golden_samples.h"
#include "proa/codec.h"

#define FILE_(symbol) extern const proa_file symbol##_proto_file;
#include "golden_files.inc"
#undef FILE_
static const proa_file *const files[] = {
#define FILE_(symbol) &symbol##_proto_file,
#include "golden_files.inc"
#undef FILE_
};
enum { FILE_COUNT = sizeof files / sizeof files[0] };

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "golden_tool: %s: %s\n", what, why);
    return 1;
}

static const proa_type *find_type(const char *name)
{
    for (size_t i = 0; i < FILE_COUNT; i++)
        for (size_t k = 0; k < files[i]->type_count; k++)
            if (strcmp(files[i]->types[k]->name, name) == 0)
                return files[i]->types[k];
    return NULL;
}

static const golden_sample *find_sample(const char *name)
{
    for (size_t i = 0; i < golden_sample_count; i++)
        if (strcmp(golden_samples[i].name, name) == 0)
            return &golden_samples[i];
    return NULL;
}

static proa_bytes read_input(char *space, size_t size)
{
    return (proa_bytes){ space, fread(space, 1, size, stdin) };
}

static int write_message(const proa_type *type, const void *message, proa_arena *arena)
{
    proa_bytes out;
    if (proa_encode(type, message, arena, &out) != PROA_ERR_NONE)
        return fail(type->name, "encoding failed");
    return fwrite(out.data, 1, out.size, stdout) == out.size ? 0 : fail(type->name, "writing failed");
}

static int recode(const proa_type *type, proa_bytes wire, proa_arena *arena)
{
    proa_error error;
    const void *message = proa_decode(type, wire, arena, &error);
    if (!message)
        return fail(type->name, error.text);
    const void *copy = proa_clone(type, message, arena);
    return copy ? write_message(type, copy, arena) : fail(type->name, "cloning failed");
}

static int check(const golden_sample *sample, proa_bytes wire, proa_arena *arena)
{
    proa_error error;
    proa_bytes ours, theirs;
    const void *message = proa_decode(sample->type, wire, arena, &error);
    if (!message)
        return fail(sample->name, error.text);
    if (sample->check && !sample->check(message))
        return fail(sample->name, "a member does not hold what protoc wrote");
    if (proa_encode(sample->type, sample->message, arena, &ours) != PROA_ERR_NONE ||
        proa_encode(sample->type, message, arena, &theirs) != PROA_ERR_NONE)
        return fail(sample->name, "encoding failed");
    return proa_bytes_is_equal(ours, theirs) ? 0 : fail(sample->name, "what was decoded is not the sample");
}

static void print_offsets(const proa_type *type)
{
    printf("%s %u%s\n", type->name, (unsigned)type->size, type->flags & PROA_TYPE_MAP_ENTRY ? " entry" : "");
    for (uint32_t i = 0; i < type->field_count; i++) {
        const proa_field *field = &type->fields[i];
        printf("    %u %s kind %u shape %u flags %u at %u, %u bytes", (unsigned)field->number, field->name, field->kind,
               field->shape, field->flags, (unsigned)field->offset, (unsigned)field->size);
        if (field->presence)
            printf(", presence at %u", (unsigned)field->presence);
        printf("\n");
    }
    for (uint32_t i = 0; i < type->check_count; i++)
        printf("    checks %s\n", type->fields[type->checks[i]].name);
}

static int offsets(void)
{
    printf("table version %u\n", (unsigned)PROA_GEN_VERSION);
    for (size_t i = 0; i < FILE_COUNT; i++)
        for (size_t k = 0; k < files[i]->type_count; k++)
            print_offsets(files[i]->types[k]);
    return 0;
}

static int run(const char *command, const char *name, proa_arena *arena)
{
    static char space[1 << 20];
    if (strcmp(command, "recode") == 0) {
        const proa_type *type = find_type(name);
        return type ? recode(type, read_input(space, sizeof space), arena) : fail(name, "no such type");
    }
    const golden_sample *sample = find_sample(name);
    if (!sample)
        return fail(name, "no such sample");
    if (strcmp(command, "sample") == 0)
        return write_message(sample->type, sample->message, arena);
    if (strcmp(command, "check") == 0)
        return check(sample, read_input(space, sizeof space), arena);
    return fail(command, "no such command");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "offsets") == 0)
        return offsets();
    if (argc == 2 && strcmp(argv[1], "samples") == 0) {
        for (size_t i = 0; i < golden_sample_count; i++)
            printf("%s\n", golden_samples[i].name);
        return 0;
    }
    if (argc != 3)
        return fail("usage", "recode TYPE | sample NAME | check NAME | samples | offsets");
    proa_arena *arena = proa_arena_new(0);
    int rc = arena ? run(argv[1], argv[2], arena) : fail(argv[1], "no memory");
    proa_arena_free(arena);
    return rc;
}
