/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of client share: servers of bare frames on the channel's own loop, in virtual time. A server does what the test
 * says and nothing else; what it hears is written down. */
#ifndef CLIENT_CLIENT_TESTLIB_H
#define CLIENT_CLIENT_TESTLIB_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "client/channel.h"

#define MS PROA_MILLISECOND

typedef struct raw_line {             /* one accepted connection */
    struct raw_server *server;
    io_socket *socket;                /* NULL: gone */
    buffer in;
    buffer data;                      /* all payload of DATA */
    int64_t begun_at;
    unsigned calls, half_closes, resets, goaways, pings;
    uint32_t stream;                  /* of the last HEADERS */
    bool has_preface, saw_end;        /* saw_end: the client closed it */
    char headers[600];                /* the last header block, raw */
    size_t headers_size;
} raw_line;

typedef struct raw_server {
    proa_loop *home;
    io_listener *listener;
    char address[64];
    bool is_mute;                     /* accepts, and says nothing */
    bool hangs_up;                    /* accepts, and closes at once */
    bool answers;                     /* each call, when it half-closes, with OK */
    void (*on_call)(raw_line *line);  /* after each HEADERS; NULL: nothing */
    raw_line lines[200];
    unsigned count;
} raw_server;

void raw_open(raw_server *server, proa_loop *home);          /* 127.0.0.1, a free port */
void raw_open_at(raw_server *server, proa_loop *home, const char *address);
void raw_shut(raw_server *server);                           /* listener and connections */
void raw_hang_up(raw_line *line);
void raw_frame(raw_line *line, unsigned type, unsigned flags, uint32_t stream, const void *payload, size_t size);
void raw_settings(raw_line *line, unsigned streams_max);     /* and a window of 1 MiB; 0: no limit */
void raw_reset(raw_line *line, uint32_t stream, uint32_t code);
void raw_goaway(raw_line *line, uint32_t last_stream, uint32_t code, const char *debug);
void raw_headers(raw_line *line, uint32_t stream);           /* of a reply */
void raw_ok(raw_line *line, uint32_t stream);                /* Trailers-Only, status 0 */
bool raw_line_is_open(const raw_line *line);

proa_loop *virtual_home(void);
/* What follows gives up after 3000 s of virtual time. */
#define TURN_UNTIL(home, condition)                                                                                    \
    do {                                                                                                               \
        int64_t give_up_ = home_now(home) + 3000 * PROA_SECOND;                                                        \
        while (!(condition)) {                                                                                         \
            if (home_now(home) > give_up_)                                                                             \
                fail_msg("never: %s", #condition);                                                                     \
            home_turn((home), 10 * MS);                                                                                \
        }                                                                                                              \
    } while (0)
void rest(proa_loop *home, int64_t ns);                      /* so much virtual time */

proa_call *begin_call(proa_channel *channel, const proa_call_options *options);   /* half-closed */
bool says(proa_call *call, const char *word);                /* the status does */
proa_code code_of(proa_call *call);                          /* waits for the end, and ends it */
#endif
