/* SPDX-License-Identifier: Apache-2.0 */
/* Formatting of trace lines. Never on a hot path: callers test the area first. */
#include "base/trace.h"
#include "proa/trace.h"
#include "base/bytes.h"
#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 1024 };

void trace_write(const trace *trace, trace_area area, const char *format, ...)
{
    if (!trace || !trace->line || !(trace->areas & area))
        return;
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (size >= 0)
        trace->line(trace->user, line);
}

static unsigned area_of(proa_bytes name)
{
    if (BYTES_IS(name, "h2"))
        return TRACE_H2;
    if (BYTES_IS(name, "rpc"))
        return TRACE_RPC;
    if (BYTES_IS(name, "io"))
        return TRACE_IO;
    return BYTES_IS(name, "all") ? TRACE_H2 | TRACE_RPC | TRACE_IO : 0u;
}

unsigned trace_areas_of(const char *list)
{
    unsigned areas = 0;
    while (list && *list) {
        size_t size = strcspn(list, ", ");
        areas |= area_of((proa_bytes){ list, size });
        list += size;
        list += strspn(list, ", ");
    }
    return areas;
}

/* Room for the longest escape, the three dots of a cut, the quote and the NUL. */
enum { ESCAPE_TAIL = 4 + 3 + 1 + 1 };

const char *trace_escape(proa_bytes bytes, char *out, size_t out_size)
{
    static const char hex[] = "0123456789abcdef";
    if (out_size < 1 + ESCAPE_TAIL) {
        if (out_size)
            out[0] = '\0';
        return out_size ? out : "";
    }
    char *to = out;
    char *last = out + out_size - ESCAPE_TAIL;
    size_t at = 0;
    *to++ = '"';
    for (; at < bytes.size && to <= last; at++) {
        unsigned char c = (unsigned char)bytes.data[at];
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = (char)c;
        } else if (c >= 0x20 && c < 0x7f) {
            *to++ = (char)c;
        } else {
            *to++ = '\\';
            *to++ = 'x';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    if (at < bytes.size) {
        memcpy(to, "...", 3);
        to += 3;
    }
    *to++ = '"';
    *to = '\0';
    return out;
}

unsigned proa_trace_areas(const char *list)
{
    return list ? trace_areas_of(list) : 0;
}

void proa_trace_to_stderr(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}
