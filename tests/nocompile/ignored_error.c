/* SPDX-License-Identifier: Apache-2.0 */
/* A failure must be looked at. */
#include "helloworld.proa.h"

bool f(proa_arena *arena, proa_bytes *out);
bool f(proa_arena *arena, proa_bytes *out)
{
    helloworld_HelloRequest request = { 0 };
#ifdef GOOD
    return helloworld_HelloRequest_encode(&request, arena, out) == PROA_ERR_NONE;
#else
    helloworld_HelloRequest_encode(&request, arena, out); // expect-error: warn_unused_result
    return true;
#endif
}
