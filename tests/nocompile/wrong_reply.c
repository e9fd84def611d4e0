/* SPDX-License-Identifier: Apache-2.0 */
/* A call fills in the reply of its method. */
#include "telemetry.proa.h"

void f(proa_channel *channel, proa_arena *arena);
void f(proa_channel *channel, proa_arena *arena)
{
    telemetry_DescribeRequest request = { 0 };
    telemetry_Facts right;
    telemetry_Sample wrong;
    (void)right;
    (void)wrong;
#ifdef GOOD
    telemetry_Host_Describe(channel, &request, &right, arena, NULL);
#else
    telemetry_Host_Describe(channel, &request, &wrong, arena, NULL); // expect-error: incompatible pointer type
#endif
}
