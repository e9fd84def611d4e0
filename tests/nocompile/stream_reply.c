/* SPDX-License-Identifier: Apache-2.0 */
/* A method that streams replies has no single one. */
#include "telemetry.proa.h"

bool f(proa_call *call);
bool f(proa_call *call)
{
#ifdef GOOD
    return telemetry_Host_Watch_pop_reply(call) != NULL;
#else
    return telemetry_Host_Watch_reply(call) != NULL; // expect-error: implicit declaration
#endif
}
