/* SPDX-License-Identifier: Apache-2.0 */
/* A call of bytes moves slices. */
#include "helloworld.proa.h"

void f(proa_call *call, proa_slice *slice, proa_bytes bytes);
void f(proa_call *call, proa_slice *slice, proa_bytes bytes)
{
    (void)slice;
    (void)bytes;
#ifdef GOOD
    proa_call_push(call, slice);
#else
    proa_call_push(call, bytes); // expect-error: incompatible
#endif
}
