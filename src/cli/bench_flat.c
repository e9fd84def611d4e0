/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_flat.h"
#include <stdlib.h>
#include <string.h>

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* The text between quotes, escapes left alone. NULL: it does not end, or is too long. */
static const char *read_text(const char *at, char *out, size_t size)
{
    size_t n = 0;
    for (at++; *at && *at != '"'; at++) {
        size_t bytes = *at == '\\' && at[1] ? 2 : 1;
        if (n + bytes >= size)
            return NULL;
        memcpy(out + n, at, bytes);
        n += bytes;
        at += bytes - 1;
    }
    out[n] = 0;
    return *at == '"' ? at + 1 : NULL;
}

static const char *read_word(const char *at, bench_member *m)
{
    size_t size = strcspn(at, ",} \t\r\n");
    if (size == 0 || size >= sizeof m->text)
        return NULL;
    memcpy(m->text, at, size);
    m->text[size] = 0;
    char *end;
    m->number = strtod(m->text, &end);
    m->is_number = !*end && (m->text[0] == '-' || (m->text[0] >= '0' && m->text[0] <= '9'));
    bool is_word = !strcmp(m->text, "true") || !strcmp(m->text, "false") || !strcmp(m->text, "null");
    return m->is_number || is_word ? at + size : NULL;
}

static const char *read_member(const char *at, bench_member *m)
{
    *m = (bench_member){ 0 };
    if (*at != '"' || !(at = read_text(at, m->name, sizeof m->name)))
        return NULL;
    at = skip_spaces(at);
    if (*at++ != ':')
        return NULL;
    at = skip_spaces(at);
    m->is_text = *at == '"';
    return m->is_text ? read_text(at, m->text, sizeof m->text) : read_word(at, m);
}

bool bench_flat_read(const char *text, bench_flat *out, const char **why)
{
    out->count = 0;
    const char *at = skip_spaces(text);
    *why = "it is no JSON object";
    if (*at++ != '{')
        return false;
    at = skip_spaces(at);
    for (bool is_first = true; *at != '}'; is_first = false) {
        *why = "it is no flat JSON object with a comma between its members";
        if (!is_first && *at++ != ',')
            return false;
        *why = "it has too many members";
        if (out->count == BENCH_FLAT_MEMBERS_MAX)
            return false;
        *why = "a member is no name with a number, a text, true, false or null";
        if (!(at = read_member(skip_spaces(at), out->members + out->count)))
            return false;
        out->count++;
        at = skip_spaces(at);
    }
    *why = "something follows its end";
    return *skip_spaces(at + 1) == 0;
}

const bench_member *bench_flat_find(const bench_flat *flat, const char *name)
{
    for (size_t i = 0; i < flat->count; i++)
        if (!strcmp(flat->members[i].name, name))
            return flat->members + i;
    return NULL;
}
