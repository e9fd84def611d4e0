/* SPDX-License-Identifier: Apache-2.0 */
/* A channel is no call. */
#include "helloworld.proa.h"

void f(proa_channel *channel, proa_call *call);
void f(proa_channel *channel, proa_call *call)
{
    (void)channel;
    (void)call;
#ifdef GOOD
    proa_call_cancel(call);
#else
    proa_call_cancel(channel); // expect-error: incompatible pointer type
#endif
}
