/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_SERVER_H
#define PROA_SERVER_H
#include "proa/channel.h"
PROA_BEGIN
typedef struct proa_server proa_server;
typedef proa_code (*proa_handler)(proa_call *call);
typedef struct proa_server_options {
    unsigned loops;               /* 0: one, in the thread that runs the server. N: N-1 more threads, handlers run at once */
    unsigned workers;             /* threads for .on_workers; 0: 8 when somebody asks, else none */
    proa_loop *loop;              /* or serve inside this loop, without run and without threads */
    int64_t grace_ns;             /* of drain; 0: 30 s */
    size_t receive_bytes_max;     /* one message; 0: 4 MiB */
    proa_handler on_call;         /* before each handler: PROA_OK goes on, anything else answers. Authentication, logging */
    void (*on_drained)(proa_server *server, void *user);          /* once, the last event */
    void *user;                   /* of on_drained, and of on_call */
} proa_server_options;
typedef struct proa_listen_options { proa_tls *tls; unsigned unix_mode; } proa_listen_options;
typedef struct proa_serve_options {
    void *user;                   /* proa_call_user */
    bool on_workers;              /* handlers may wait: they run on worker threads */
    size_t queue_bytes_max;       /* unsent, per call; 0: 64 KiB */
} proa_serve_options;
/* Setting up needs no checks: the first failure is kept, and run reports it. */
PROA_API proa_server *proa_server_new_(const proa_server_options *, size_t);
static inline proa_server *proa_server_new(const proa_server_options *options)    /* owned: proa_server_free */
{ return proa_server_new_(options, sizeof *options); }
PROA_API proa_err proa_server_listen_(proa_server *, const char *, const proa_listen_options *, size_t);
static inline proa_err proa_server_listen(proa_server *server, const char *address, const proa_listen_options *options)
{ return proa_server_listen_(server, address, options, sizeof *options); }
PROA_API const char *proa_server_address(const proa_server *server, unsigned index);  /* borrowed; the port that 0 became */
PROA_API proa_err proa_server_serve_bytes_(proa_server *, const char *, proa_handler, const proa_serve_options *, size_t);
static inline proa_err proa_server_serve_bytes(proa_server *server, const char *path /* NULL: what nobody serves */,
                                               proa_handler handler, const proa_serve_options *options)
{ return proa_server_serve_bytes_(server, path, handler, options, sizeof *options); }
PROA_API PROA_CHECK proa_err proa_server_run(proa_server *server, proa_error *error);  /* until drained */
PROA_API void proa_server_drain(proa_server *server);             /* any; also in a signal handler */
PROA_API void proa_server_free(proa_server *server);
PROA_API int proa_server_main(proa_server *server);   /* run, drain at SIGTERM or SIGINT, say what failed, free; for main */
PROA_API proa_channel *proa_server_channel(proa_server *server);  /* owned; in process: no socket, no thread */
PROA_END
#endif
