/* SPDX-License-Identifier: Apache-2.0 */
/* (f) A transparent proxy: any method, any call type, no contract. f_proxy [BACKEND [ADDRESS]] */
#include "proa/proa.h"

struct relay {
    proa_call *up;
    bool has_headers;
};

static proa_code relay(proa_call *down)
{
    struct relay *r = proa_call_state(down, sizeof *r);
    if (!r->up)
        r->up = proa_call_begin(proa_call_user(down), proa_call_path(down),
                                &(proa_call_options){ .parent = down, .headers = proa_call_request_headers(down) });

    proa_slice message;
    while (proa_call_can_push(r->up) && proa_call_pop(down, &message))
        proa_call_push(r->up, &message);
    if (proa_call_is_at_end(down))
        proa_call_end_requests(r->up);

    proa_headers headers = proa_call_reply_headers(r->up);
    if (headers.data && !r->has_headers) {
        r->has_headers = true;
        proa_call_add_headers(down, headers);
        proa_call_push_headers(down);
    }
    while (proa_call_can_push(down) && proa_call_pop(r->up, &message))
        proa_call_push(down, &message);
    if (!proa_call_is_at_end(r->up))
        return PROA_WAIT;

    proa_call_add_trailers(down, proa_call_trailers(r->up));
    return proa_call_set_status(down, proa_call_status(r->up));
}

int main(int argc, char **argv)
{
    proa_channel *backend = proa_channel_open(argc > 1 ? argv[1] : "localhost:50051", NULL);
    proa_server *server = proa_server_new(NULL);
    proa_server_serve_bytes(server, NULL, relay, &(proa_serve_options){ .user = backend });
    proa_server_listen(server, argc > 2 ? argv[2] : "localhost:8080", NULL);
    int rc = proa_server_main(server);
    proa_channel_close(backend);
    return rc;
}
