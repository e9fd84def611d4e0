/* SPDX-License-Identifier: Apache-2.0 */
/* (g) Both directions bounded: nothing is popped that could not be pushed. */
#include "g_backpressure.h"

static proa_code echo(proa_call *call)
{
    const telemetry_Pattern *pattern;
    while (proa_call_can_push(call) && (pattern = telemetry_Host_Grep_pop_request(call)))
        telemetry_Host_Grep_push_reply(call, &(telemetry_Line){ .text = pattern->kind.text });
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

const telemetry_Host g_host = { .Grep = echo };
