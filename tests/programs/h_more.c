/* SPDX-License-Identifier: Apache-2.0 */
/* (h) Headers, trailers, details of a status, deadlines; on both sides. */
#include <stdio.h>
#include "google/rpc/error_details.proa.h"
#include "h_more.h"

static proa_code say_hello(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    proa_headers sent = proa_call_request_headers(call);
    proa_bytes token = proa_headers_get(sent, "authorization");
    proa_bytes trace = proa_headers_get(sent, "trace-bin"); /* raw bytes */
    if (!token.data)
        return proa_call_fail(call, PROA_UNAUTHENTICATED, "no token");

    proa_call_add_header(call, "served-by", PROA_STR("host-7"));
    proa_call_add_trailer(call, "trace-bin", trace);
    if (request->name.size == 0) {
        google_rpc_BadRequest_FieldViolation violation = { .field = PROA_STR("name"),
                                                           .description = PROA_STR("is empty") };
        google_rpc_BadRequest bad = { .field_violations = { &violation, 1 } };
        proa_call_add_detail(call, &google_rpc_BadRequest_type, &bad);
        return proa_call_fail(call, PROA_INVALID_ARGUMENT, "bad request");
    }
    if (proa_call_remaining_ns(call) < 5 * PROA_MILLISECOND)
        return PROA_DEADLINE_EXCEEDED;
    reply->message = PROA_STR("hello");
    return PROA_OK;
}

const helloworld_Greeter h_greeter = { .SayHello = say_hello };

proa_code h_client(proa_channel *channel, proa_bytes name)
{
    const proa_header headers[] = {
        { PROA_STR("authorization"), PROA_STR("Bearer x") },
        { PROA_STR("trace-bin"), PROA_STR("\x01\x02\xff") },
    };
    helloworld_HelloRequest request = { .name = name };
    proa_call_options options = { .timeout_ns = 250 * PROA_MILLISECOND, .headers = PROA_LIST(headers) };
    proa_call *call = helloworld_Greeter_SayHello_begin(channel, &request, &options);

    proa_status status = proa_call_status(call); /* waits */
    const helloworld_HelloReply *reply = helloworld_Greeter_SayHello_reply(call);
    if (reply)
        printf("%.*s\n", PROA_FMT(reply->message));
    const google_rpc_BadRequest *bad = proa_status_detail(&status, &google_rpc_BadRequest_type, proa_call_arena(call));
    for (size_t i = 0; bad && i < bad->field_violations.count; i++)
        printf("%.*s\n", PROA_FMT(bad->field_violations.data[i].field));
    proa_bytes served_by = proa_headers_get(proa_call_reply_headers(call), "served-by");
    proa_bytes trailer = proa_headers_get(proa_call_trailers(call), "trace-bin");
    printf("%.*s, %zu trailer bytes\n", PROA_FMT(served_by), trailer.size);
    proa_code code = status.code;
    proa_call_end(call);
    return code;
}
