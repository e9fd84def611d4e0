/* SPDX-License-Identifier: Apache-2.0 */
/* A push takes the message of its method. */
#include "telemetry.proa.h"

void f(proa_call *call);
void f(proa_call *call)
{
    telemetry_Chunk chunk = { 0 };
    telemetry_Pattern pattern = { 0 };
    (void)chunk;
    (void)pattern;
#ifdef GOOD
    telemetry_Host_Upload_push_request(call, &chunk);
#else
    telemetry_Host_Upload_push_request(call, &pattern); // expect-error: incompatible pointer type
#endif
}
