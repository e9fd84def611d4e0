/* SPDX-License-Identifier: Apache-2.0 */
/* A method that the contract no longer has. */
#include "helloworld.proa.h"

proa_code say(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply);
#ifdef GOOD
const helloworld_Greeter greeter = { .SayHello = say };
#else
const helloworld_Greeter greeter = { .SayGoodbye = say }; // expect-error: 'SayGoodbye' | refer to any field
#endif
