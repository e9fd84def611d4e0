/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event, to a sink that the program gives. Off: one test of a pointer. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H
#include "proa/base.h"

typedef enum trace_area { TRACE_H2 = 1, TRACE_RPC = 2, TRACE_IO = 4 } trace_area;

typedef struct trace {
    void (*line)(void *user, const char *line);   /* NUL-terminated, no newline; borrowed */
    void *user;
    unsigned areas;                                /* which of trace_area */
} trace;

void trace_write(const trace *trace, trace_area area, const char *format, ...) PROA_PRINTF(3, 4);
unsigned trace_areas_of(const char *list);        /* "h2,rpc,io", "all"; unknown names are 0 */
/* t may be NULL. Arguments are evaluated only when the area is on. Bytes of a peer are printed through trace_escape. */
#define TRACE(t, area, ...) do { if ((t) && ((t)->areas & (area))) trace_write((t), (area), __VA_ARGS__); } while (0)
const char *trace_escape(proa_bytes bytes, char *out, size_t out_size);   /* printable, quoted, cut to fit; returns out */
#endif
