/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/names.h"

#include <stdlib.h>

static const char *const reserved_anywhere[] = {
#include "plugin/reserved_anywhere.inc"
};
static const char *const reserved_globals[] = {
#include "plugin/reserved_globals.inc"
};

/* Types of members; C++ forbids that a member takes the name of a type that the struct has used. */
static const char *const member_types[] = {
    "int16_t", "int32_t", "int64_t", "int8_t", "size_t", "uint16_t", "uint32_t", "uint64_t", "uint8_t",
};

/* Parameters and variables of generated code: a type of that name would be hidden where it is needed. */
static const char *const locals[] = {
    "arena", "call",    "channel", "d",   "e", "end",   "error",   "field",  "handlers", "i",     "item",
    "m",     "message", "options", "out", "p", "reply", "request", "server", "tag",      "value", "wire",
};

static const char *const suffixes[] = { "decode", "encode", "enum", "init", "list", "opt", "type" };
static const char *const service_suffixes[] = { "serve", "service" };

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#define HAS(words, name) \
    (bsearch(&(name), (words), sizeof(words) / sizeof((words)[0]), sizeof((words)[0]), compare_words) != NULL)

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool names_is_identifier(proa_bytes name)
{
    if (name.size == 0 || name.size > NAMES_SIZE_MAX || !is_letter(name.data[0]))
        return false;
    for (size_t i = 1; i < name.size; i++)
        if (!is_letter(name.data[i]) && !(name.data[i] >= '0' && name.data[i] <= '9'))
            return false;
    return true;
}

bool names_is_free_member(const char *name)
{
    /* ISO C 7.1.3: belongs to the implementation */
    if (name[0] == '_' && (name[1] == '_' || (name[1] >= 'A' && name[1] <= 'Z')))
        return false;
    if (strncmp(name, "proa_", 5) == 0 || strncmp(name, "PROA_", 5) == 0)
        return false;
    return !HAS(reserved_anywhere, name) && !HAS(member_types, name);
}

bool names_is_free_global(const char *name)
{
    /* and what starts with _ at file scope does as well */
    return name[0] != '_' && names_is_free_member(name) && !HAS(reserved_globals, name) && !HAS(locals, name);
}

bool names_is_suffix(const char *name)
{
    return HAS(suffixes, name);
}

bool names_is_service_suffix(const char *name)
{
    return HAS(service_suffixes, name);
}
