/* SPDX-License-Identifier: Apache-2.0 */
/* What is popped has the type of its method. */
#include "telemetry.proa.h"

void f(proa_call *call);
void f(proa_call *call)
{
#ifdef GOOD
    const telemetry_Chunk *message = telemetry_Host_Upload_pop_request(call);
    (void)message;
#else
    const telemetry_Line *message = telemetry_Host_Upload_pop_request(call); // expect-error: incompatible pointer type
    (void)message;
#endif
}
