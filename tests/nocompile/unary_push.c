/* SPDX-License-Identifier: Apache-2.0 */
/* A unary method has nothing to push. */
#include "helloworld.proa.h"

bool f(proa_call *call);
bool f(proa_call *call)
{
    helloworld_HelloReply reply = { 0 };
    (void)reply;
#ifdef GOOD
    return helloworld_Greeter_SayHello_reply(call) != NULL;
#else
    return helloworld_Greeter_SayHello_push_reply(call, &reply); // expect-error: implicit declaration
#endif
}
