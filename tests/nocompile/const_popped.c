/* SPDX-License-Identifier: Apache-2.0 */
/* A popped message is borrowed. */
#include "telemetry.proa.h"

void f(proa_call *call, size_t *size);
void f(proa_call *call, size_t *size)
{
    const telemetry_Chunk *chunk = telemetry_Host_Upload_pop_request(call);
#ifdef GOOD
    *size = chunk->data.size;
#else
    chunk->data.size = *size; // expect-error: read-only | const-qualified
#endif
}
