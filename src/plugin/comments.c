/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/comments.h"

#include <stdlib.h>

static int compare_paths(const int32_t *a, size_t a_size, const int32_t *b, size_t b_size)
{
    for (size_t i = 0; i < a_size && i < b_size; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return a_size < b_size ? -1 : a_size > b_size;
}

/* The first location of a path is the element; protoc repeats paths for `extend` blocks alone. */
static int compare_locations(const void *a, const void *b)
{
    const location_proto *x = *(const location_proto *const *)a, *y = *(const location_proto *const *)b;
    int order = compare_paths(x->path.data, x->path.count, y->path.data, y->path.count);
    if (order != 0)
        return order;
    return x < y ? -1 : x > y;
}

static bool is_empty(proa_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != ' ' && text.data[i] != '\n' && text.data[i] != '\t' && text.data[i] != '\r')
            return false;
    return true;
}

proa_err comments_init(comments *c, const google_protobuf_SourceCodeInfo *info, proa_arena *arena)
{
    *c = (comments){ 0 };
    if (!info || info->location.count == 0)
        return PROA_ERR_NONE;
    c->sorted = proa_arena_alloc(arena, info->location.count * sizeof *c->sorted);
    if (!c->sorted)
        return PROA_ERR_NOMEM;
    for (size_t i = 0; i < info->location.count; i++) {
        const location_proto *one = &info->location.data[i];
        if (!is_empty(one->leading_comments) || !is_empty(one->trailing_comments) ||
            one->leading_detached_comments.count)
            c->sorted[c->count++] = one;
    }
    qsort(c->sorted, c->count, sizeof *c->sorted, compare_locations);
    return PROA_ERR_NONE;
}

const location_proto *comments_find(const comments *c, const int32_t *path, size_t path_size)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const location_proto *one = c->sorted[middle];
        if (compare_paths(one->path.data, one->path.count, path, path_size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == c->count)
        return NULL;
    const location_proto *found = c->sorted[low];
    return compare_paths(found->path.data, found->path.count, path, path_size) == 0 ? found : NULL;
}

bool comments_has(const location_proto *where)
{
    return where && (!is_empty(where->leading_comments) || !is_empty(where->trailing_comments));
}

/* Next line of text without its end and without spaces behind it. */
static bool next_line(proa_bytes *text, proa_bytes *line)
{
    if (text->size == 0)
        return false;
    const char *end = memchr(text->data, '\n', text->size);
    size_t size = end ? (size_t)(end - text->data) : text->size;
    *line = (proa_bytes){ text->data, size };
    text->data += end ? size + 1 : size;
    text->size -= end ? size + 1 : size;
    while (line->size && (line->data[line->size - 1] == ' ' || line->data[line->size - 1] == '\t' ||
                          line->data[line->size - 1] == '\r'))
        line->size--;
    return true;
}

/* Nothing in a comment may end it or start one in it: a space breaks the pair. */
static void write_escaped(writer *w, proa_bytes line)
{
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if (c < 0x20 || c == 0x7f)
            writer_print(w, " ");
        else
            writer_bytes(w, (proa_bytes){ line.data + i, 1 });
        char next = i + 1 < line.size ? line.data[i + 1] : '\0';
        if ((c == '*' && next == '/') || (c == '/' && next == '*'))
            writer_print(w, " ");
    }
}

/* Of a comment that began with two stars, as for Javadoc, protoc leaves the second one. */
static proa_bytes without_star(proa_bytes text)
{
    if (text.size > 1 && text.data[0] == '*' && (text.data[1] == ' ' || text.data[1] == '\n'))
        return (proa_bytes){ text.data + 1, text.size - 1 };
    return text;
}

static proa_bytes trim(proa_bytes text)
{
    text = without_star(text);
    while (text.size && (*text.data == ' ' || *text.data == '\n' || *text.data == '\t' || *text.data == '\r')) {
        text.data++;
        text.size--;
    }
    while (text.size && strchr(" \n\t\r", text.data[text.size - 1]))
        text.size--;
    return text;
}

proa_bytes comments_line(const location_proto *where, proa_arena *arena)
{
    if (!comments_has(where))
        return (proa_bytes){ 0 };
    proa_bytes first = trim(where->leading_comments), second = trim(where->trailing_comments);
    if (first.size && second.size)
        return (proa_bytes){ 0 };
    proa_bytes text = first.size ? first : second;
    if (text.size > WRITER_COLUMNS_MAX || memchr(text.data, '\n', text.size))
        return (proa_bytes){ 0 };
    writer w = { 0 };
    write_escaped(&w, text);
    proa_bytes copy = w.failed ? (proa_bytes){ 0 } : proa_arena_copy(arena, buffer_bytes(&w.text));
    writer_fini(&w);
    return copy;
}

/* One comment of the .proto, as lines that a C reader expects. */
static void write_block(writer *w, proa_bytes text, bool is_first, bool is_last)
{
    proa_bytes line;
    bool starts = is_first;
    while (next_line(&text, &line)) {
        /* protoc keeps the space behind the slashes */
        if (line.size && line.data[0] == ' ')
            line = (proa_bytes){ line.data + 1, line.size - 1 };
        writer_print(w, "%*s%s", w->depth * 4, "", starts ? "/*" : " *");
        if (line.size)
            writer_print(w, " ");
        write_escaped(w, line);
        starts = false;
        if (text.size == 0 && is_last)
            writer_print(w, " */");
        writer_print(w, "\n");
    }
}

static proa_bytes without_blank_ends(proa_bytes text)
{
    text = without_star(text);
    while (text.size && strchr(" \n\t\r", text.data[text.size - 1]))
        text.size--;
    proa_bytes rest = text, line;
    while (next_line(&rest, &line) && line.size == 0)
        text = rest;
    return text;
}

void comments_write(writer *w, const location_proto *where)
{
    if (!comments_has(where))
        return;
    proa_bytes first = without_blank_ends(where->leading_comments);
    proa_bytes second = without_blank_ends(where->trailing_comments);
    if (first.size)
        write_block(w, first, true, second.size == 0);
    if (second.size)
        write_block(w, second, first.size == 0, true);
}

void comments_write_detached(writer *w, const location_proto *where)
{
    for (size_t i = 0; where && i < where->leading_detached_comments.count; i++) {
        proa_bytes text = without_blank_ends(where->leading_detached_comments.data[i]);
        if (text.size == 0)
            continue;
        write_block(w, text, true, true);
        writer_blank(w);
    }
}

bool comments_fit(const writer *w, size_t size, proa_bytes line)
{
    return line.data && (size_t)w->depth * 4 + size + 9 + line.size <= WRITER_COLUMNS_MAX;
}

size_t comments_column(size_t column, const char *text, const location_proto *where, proa_arena *arena)
{
    enum { COLUMN_MAX = 48 };
    const size_t size = strlen(text);
    return size > column && size <= COLUMN_MAX && comments_line(where, arena).data ? size : column;
}

void comments_write_element(writer *w, const char *text, const location_proto *where, const char *note, size_t column,
                            proa_arena *arena)
{
    const proa_bytes line = comments_line(where, arena);
    const size_t size = strlen(text) > column ? strlen(text) : column;
    comments_write_detached(w, where);
    if (comments_fit(w, size + strlen(note) + 2, line)) {
        writer_line(w, "%-*s   /* %s%s%.*s */", (int)size, text, note, *note ? ": " : "", PROA_FMT(line));
        return;
    }
    comments_write(w, where);
    if (*note)
        writer_line(w, "%s   /* %s */", text, note);
    else
        writer_line(w, "%s", text);
}
