/* SPDX-License-Identifier: Apache-2.0 */
/* A call takes the request of its method. */
#include "telemetry.proa.h"

void f(proa_channel *channel, proa_arena *arena);
void f(proa_channel *channel, proa_arena *arena)
{
    telemetry_Facts facts;
    telemetry_DescribeRequest right = { 0 };
    telemetry_WatchRequest wrong = { 0 };
    (void)right;
    (void)wrong;
#ifdef GOOD
    telemetry_Host_Describe(channel, &right, &facts, arena, NULL);
#else
    telemetry_Host_Describe(channel, &wrong, &facts, arena, NULL); // expect-error: incompatible pointer type
#endif
}
