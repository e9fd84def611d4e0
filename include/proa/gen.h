/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The contract between generated code and the library. Not for people: it may change with the version below, and
 * then generated code is written anew.
 */
#ifndef PROA_GEN_H
#define PROA_GEN_H
#include "proa/server.h"
PROA_BEGIN

/** The version of the tables in this header. The library refuses to serve or call with one that it does not know. */
#define PROA_GEN_VERSION 1u

/** Calls one handler with its true type. `handlers` is the user's service struct; request and reply are NULL where the
 * method streams. Generated: no function is ever called through another type, which is legal C and clean under CFI. */
typedef proa_code (*proa_gen_step)(const void *handlers, proa_call *call, const void *request, void *reply);

/** Facts about a method; to be or-ed. */
typedef enum proa_gen_method_flag {
    PROA_GEN_CLIENT_STREAMS = 1, /**< many requests */
    PROA_GEN_SERVER_STREAMS = 2, /**< many replies */
    PROA_GEN_NO_SIDE_EFFECTS = 4, /**< option idempotency_level = NO_SIDE_EFFECTS */
    PROA_GEN_IDEMPOTENT = 8      /**< option idempotency_level = IDEMPOTENT */
} proa_gen_method_flag;

/** The table of one method. *static*. */
struct proa_method {
    uint32_t version;         /**< PROA_GEN_VERSION */
    uint32_t flags;           /**< of proa_gen_method_flag */
    proa_bytes path;          /**< "/helloworld.Greeter/SayHello", a NUL behind it */
    const proa_type *request; /**< the type of its requests */
    const proa_type *reply;   /**< the type of its replies */
    proa_gen_step step;       /**< the trampoline */
    size_t handler_offset;    /**< bytes from the start of the service struct to its member, a function pointer */
};

/** The table of one service. *static*. */
typedef struct proa_service {
    uint32_t version;                 /**< PROA_GEN_VERSION */
    uint32_t method_count;            /**< of methods */
    proa_bytes name;                  /**< "helloworld.Greeter", a NUL behind it */
    const proa_method *const *methods; /**< in the order of the contract */
    size_t handlers_size;             /**< bytes of the service struct; it belongs to the user's binary */
} proa_service;

/** Behind X_serve: registers each method whose member is set; those that stay NULL answer UNIMPLEMENTED, unless another
 * X_serve sets them. Errors and thread: as proa_server_serve_bytes. */
PROA_API proa_err proa_gen_serve(proa_server *server, const proa_service *service, const void *handlers,
                                 const proa_serve_options *options, size_t options_size);

/** Behind X(): a whole unary call. The reply, and the text of the status, live in @p arena. Waits. */
PROA_API proa_status proa_gen_call(proa_channel *channel, const proa_method *method, const void *request, void *reply,
                                   proa_arena *arena, const proa_call_options *options, size_t options_size);

/** Behind X_begin: as proa_call_begin. With a request, it is encoded at once and is the only one. */
PROA_API proa_call *proa_gen_begin(proa_channel *channel, const proa_method *method, const void *request,
                                   const proa_call_options *options, size_t options_size);

/** Behind X_push_request: as proa_call_push; the message is encoded before it returns. */
PROA_API bool proa_gen_push_request(proa_call *call, const proa_method *method, const void *request);
/** Behind X_send_request: as proa_call_send. */
PROA_API bool proa_gen_send_request(proa_call *call, const proa_method *method, const void *request);
/** Behind X_push_reply: as proa_call_push. */
PROA_API bool proa_gen_push_reply(proa_call *call, const proa_method *method, const void *reply);
/** Behind X_send_reply: as proa_call_send. */
PROA_API bool proa_gen_send_reply(proa_call *call, const proa_method *method, const void *reply);

/** Behind X_pop_request: the next message, or NULL: none now. *borrowed (until the next pop)*. */
PROA_API const void *proa_gen_pop_request(proa_call *call, const proa_method *method);
/** Behind X_receive_request: the next message, or NULL: none any more. *borrowed (until the next pop)*. Waits. */
PROA_API const void *proa_gen_receive_request(proa_call *call, const proa_method *method);
/** Behind X_pop_reply: as proa_gen_pop_request. */
PROA_API const void *proa_gen_pop_reply(proa_call *call, const proa_method *method);
/** Behind X_receive_reply: as proa_gen_receive_request. Waits. */
PROA_API const void *proa_gen_receive_reply(proa_call *call, const proa_method *method);
/** Behind X_reply: the single reply, the same each time; NULL unless the call ended with OK. *borrowed (until the call
 * ends)*. */
PROA_API const void *proa_gen_reply(proa_call *call, const proa_method *method);

PROA_END
#endif
