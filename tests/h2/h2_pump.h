/* SPDX-License-Identifier: Apache-2.0 */
/* The socket pump of the two test programs: poll(), no threads, a bounded number of connections. It is what link and io are
 * for the library, as small as a test program can have it. */
#ifndef TESTS_H2_PUMP_H
#define TESTS_H2_PUMP_H
#include "h2/h2.h"

typedef struct pump_connection {
    int fd;                     /* -1: free */
    h2_connection *h2;
    bool is_blocked;            /* the kernel took less than all */
    bool is_ending;             /* our FIN went out; what still comes is dropped */
    int64_t end_at;             /* then it is closed whatever the peer does */
    void *user;
} pump_connection;

typedef void pump_event(pump_connection *connection, const h2_event *event);

int64_t pump_now(void);                                          /* monotonic ns */
bool pump_start(pump_connection *connection, int fd, const h2_options *options);   /* takes fd; false: no memory */
short pump_wishes(const pump_connection *connection);            /* events for poll */
int64_t pump_deadline(const pump_connection *connection);
/* Reads, reports, writes: whatever is possible now. The connection is free (fd -1) when it ended. */
void pump_turn(pump_connection *connection, short ready, pump_event *on_event);
void pump_close(pump_connection *connection);
int pump_timeout_ms(int64_t deadline);                           /* for poll */
void pump_trace_line(void *user, const char *line);              /* a trace.line: to standard error */
#endif
