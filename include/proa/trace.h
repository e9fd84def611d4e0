/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One line an event, to see what happens. Off, it costs one test of a pointer.
 *
 * The library never reads the environment. A program that wants `PROA_TRACE=h2,rpc,io` says so:
 *
 *     proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
 *     proa_server *server = proa_server_new(&(proa_server_options){ .trace = &trace });
 */
#ifndef PROA_TRACE_H
#define PROA_TRACE_H
#include "proa/base.h"
PROA_BEGIN

/** Parts of the library that can be traced; to be or-ed. */
typedef enum proa_trace_area {
    PROA_TRACE_H2 = 1,  /**< "h2": frames in and out, faults, flow control */
    PROA_TRACE_RPC = 2, /**< "rpc": calls, their headers and statuses */
    PROA_TRACE_IO = 4   /**< "io": sockets, names, handshakes */
} proa_trace_area;

/** Where trace lines go. Frozen. It must outlive the object that was given it. */
typedef struct proa_trace {
    void (*line)(void *user, const char *line); /**< one event, without newline; line: *borrowed (until it returns)*.
                                                     Runs in the thread where the event was, with N loops in N of them;
                                                     must not call the library */
    void *user;                                 /**< handed to line */
    unsigned areas;                             /**< which of proa_trace_area; 0: off */
} proa_trace;

/** Reads a list of areas: "h2,rpc,io" or "all". NULL and unknown names give 0. Thread: any. */
PROA_API unsigned proa_trace_areas(const char *list);

/** Writes a line to standard error: the usual proa_trace.line. Thread: any. */
PROA_API void proa_trace_to_stderr(void *user, const char *line);

PROA_END
#endif
