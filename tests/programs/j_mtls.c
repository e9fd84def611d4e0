/* SPDX-License-Identifier: Apache-2.0 */
/* (j) Both ends show a certificate: j_mtls server ADDRESS | j_mtls client TARGET */
#include <stdio.h>
#include <string.h>
#include "helloworld.proa.h"

static proa_code say_hello(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    const proa_peer *peer = proa_call_peer(call);
    (void)request;
    if (!peer->is_verified || peer->tls_uris.count == 0)
        return PROA_UNAUTHENTICATED;
    reply->message = proa_arena_format(proa_call_arena(call), "Hello, %.*s", PROA_FMT(peer->tls_uris.data[0]));
    return PROA_OK;
}

static const helloworld_Greeter greeter = { .SayHello = say_hello };

static int serve(const char *address)
{
    proa_tls *tls = proa_tls_new(&(proa_tls_options){
        .cert_file = "server.pem", .key_file = "server.key", .ca_file = "ca.pem", .require_client_cert = true });
    proa_server *server = proa_server_new(NULL);
    helloworld_Greeter_serve(server, &greeter, NULL);
    proa_server_listen(server, address, &(proa_listen_options){ .tls = tls });
    proa_tls_free(tls);
    return proa_server_main(server);
}

static int ask(const char *target)
{
    proa_tls *tls =
        proa_tls_new(&(proa_tls_options){ .cert_file = "me.pem", .key_file = "me.key", .ca_file = "ca.pem" });
    proa_channel *channel = proa_channel_open(target, &(proa_channel_options){ .tls = tls });
    proa_tls_free(tls);

    proa_arena *arena = proa_arena_new(0);
    helloworld_HelloReply reply;
    proa_status status = helloworld_Greeter_SayHello(channel, &(helloworld_HelloRequest){ 0 }, &reply, arena, NULL);
    if (status.code == PROA_OK)
        printf("%.*s\n", PROA_FMT(reply.message));
    else
        fprintf(stderr, "%s: %.*s\n", proa_code_name(status.code), PROA_FMT(status.message));
    proa_arena_free(arena);
    proa_channel_close(channel);
    return status.code != PROA_OK;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "client") == 0)
        return ask(argc > 2 ? argv[2] : "greeter.example:443");
    return serve(argc > 2 ? argv[2] : "[::]:443");
}
