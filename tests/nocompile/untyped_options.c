/* SPDX-License-Identifier: Apache-2.0 */
/* Options are a struct, and say so. */
#include "helloworld.proa.h"

void f(proa_channel **channel);
void f(proa_channel **channel)
{
#ifdef GOOD
    *channel = proa_channel_open("localhost:1", NULL);
#else
    *channel = proa_channel_open("localhost:1", { .plaintext = true }); // expect-error: expected expression
#endif
}
