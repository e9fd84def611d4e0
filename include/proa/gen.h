/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_GEN_H
#define PROA_GEN_H
#include "proa/server.h"
PROA_BEGIN
/* The contract between generated code and the library. Not for people. */
typedef struct proa_service proa_service;
PROA_API proa_err proa_gen_serve(proa_server *, const proa_service *, const void *handlers, const proa_serve_options *, size_t);
PROA_API proa_status proa_gen_call(proa_channel *, const proa_method *, const void *request, void *reply, proa_arena *,
                                   const proa_call_options *, size_t);
PROA_API proa_call *proa_gen_begin(proa_channel *, const proa_method *, const void *request, const proa_call_options *, size_t);
PROA_API bool proa_gen_push_request(proa_call *, const proa_method *, const void *request);
PROA_API bool proa_gen_send_request(proa_call *, const proa_method *, const void *request);
PROA_API bool proa_gen_push_reply(proa_call *, const proa_method *, const void *reply);
PROA_API bool proa_gen_send_reply(proa_call *, const proa_method *, const void *reply);
PROA_API const void *proa_gen_pop_request(proa_call *, const proa_method *);
PROA_API const void *proa_gen_receive_request(proa_call *, const proa_method *);
PROA_API const void *proa_gen_pop_reply(proa_call *, const proa_method *);
PROA_API const void *proa_gen_receive_reply(proa_call *, const proa_method *);
PROA_API const void *proa_gen_reply(proa_call *, const proa_method *);
PROA_END
#endif
