/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of the load: each is made, and made again when it is lost. They stand on link and rpc, without the calls and
 * channels above: a load generator makes its own calls, and pays for nothing that it does not need. */
#ifndef CLI_BENCH_LINK_H
#define CLI_BENCH_LINK_H
#include "cli/bench_options.h"
#include "link/link.h"

typedef struct bench_links bench_links;
typedef struct bench_links_handler {
    void (*on_event)(void *owner, const rpc_event *event);                  /* of an exchange */
    void (*on_room)(void *owner, unsigned index);                           /* calls may begin, or some more may */
    void (*on_down)(void *owner, unsigned index, const proa_error *error);  /* an attempt failed, or its calls have ended */
} bench_links_handler;

/* Begins to connect. NULL: error says why. The loop and the options outlive it. */
bench_links *bench_links_open(io_loop *loop, const bench_options *options, const bench_links_handler *handler, void *owner,
                              proa_error *error);
rpc_endpoint *bench_links_endpoint(bench_links *links, unsigned index); /* NULL: it is not ready */
void bench_links_touch(bench_links *links, unsigned index);             /* after commands to the endpoint */
void bench_links_close(bench_links *links);                             /* turns the loop until all is closed; NULL is fine */
#endif
