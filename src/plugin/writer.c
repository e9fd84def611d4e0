/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/writer.h"

#include <stdarg.h>
#include <stdio.h>

void writer_fini(writer *w)
{
    buffer_fini(&w->text);
    *w = (writer){ 0 };
}

void writer_bytes(writer *w, proa_bytes bytes)
{
    if (!w->failed && buffer_append(&w->text, bytes.data, bytes.size) != PROA_ERR_NONE)
        w->failed = true;
}

static void print_list(writer *w, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    char small[512];
    int size = vsnprintf(small, sizeof small, format, arguments);
    if (size < 0) {
        w->failed = true;
    } else if ((size_t)size < sizeof small) {
        writer_bytes(w, (proa_bytes){ small, (size_t)size });
    } else if (!w->failed && buffer_reserve(&w->text, (size_t)size + 1) == PROA_ERR_NONE) {
        vsnprintf(buffer_tail(&w->text), (size_t)size + 1, format, again);
        w->text.end += (size_t)size;
    } else {
        w->failed = true;
    }
    va_end(again);
}

void writer_print(writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_list(w, format, arguments);
    va_end(arguments);
}

void writer_line(writer *w, const char *format, ...)
{
    writer_print(w, "%*s", w->depth * 4, "");
    va_list arguments;
    va_start(arguments, format);
    print_list(w, format, arguments);
    va_end(arguments);
    writer_bytes(w, (proa_bytes){ "\n", 1 });
}

void writer_blank(writer *w)
{
    proa_bytes text = buffer_bytes(&w->text);
    if (text.size >= 2 && text.data[text.size - 1] == '\n' && text.data[text.size - 2] == '\n')
        return;
    writer_bytes(w, (proa_bytes){ "\n", 1 });
}

/* Octal escapes end after three digits, so no digit that follows can join them; ?? could start a trigraph. */
void writer_string(writer *w, proa_bytes bytes)
{
    writer_print(w, "\"");
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c == '"' || c == '\\' || c == '?')
            writer_print(w, "\\%c", c);
        else if (c >= 0x20 && c < 0x7f)
            writer_bytes(w, (proa_bytes){ bytes.data + i, 1 });
        else
            writer_print(w, "\\%03o", c);
    }
    writer_print(w, "\"");
}

void writer_wrap(writer *w, const char *head, const char *const *items, size_t count, const char *tail)
{
    writer_print(w, "%*s%s", w->depth * 4, "", head);
    size_t column = (size_t)w->depth * 4 + strlen(head);
    for (size_t i = 0; i < count; i++) {
        const bool is_last = i + 1 == count;
        const size_t size = strlen(items[i]) + (is_last ? strlen(tail) : 1);
        if (column + (i > 0) + size > WRITER_COLUMNS_MAX) {
            writer_print(w, "\n%*s", w->depth * 4 + 4, "");
            column = (size_t)w->depth * 4 + 4;
        } else if (i > 0) {
            writer_print(w, " ");
            column++;
        }
        writer_print(w, "%s%s", items[i], is_last ? "" : ",");
        column += size;
    }
    writer_print(w, "%s\n", tail);
}
