/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows: one generated file, or a part of one. Running out of memory is remembered; the text is then useless. */
#ifndef PLUGIN_WRITER_H
#define PLUGIN_WRITER_H
#include "base/base.h"

#define WRITER_COLUMNS_MAX 120

typedef struct writer {
    buffer text;
    int depth;          /* of indentation, four columns each */
    bool failed;        /* no memory */
} writer;

void writer_fini(writer *w);
void writer_print(writer *w, const char *format, ...) PROA_PRINTF(2, 3);   /* as it is */
void writer_line(writer *w, const char *format, ...) PROA_PRINTF(2, 3);    /* one line, indented */
void writer_blank(writer *w);                                              /* one empty line, unless there is one */
void writer_bytes(writer *w, proa_bytes bytes);
void writer_string(writer *w, proa_bytes bytes);                           /* as a C string literal */
/* head, the items with commas between them, tail: on one line, or on as many as they need. */
void writer_wrap(writer *w, const char *head, const char *const *items, size_t count, const char *tail);
#endif
