/* SPDX-License-Identifier: Apache-2.0 */
/* A handler returns a code: it cannot forget to answer. */
#include "helloworld.proa.h"

proa_code right(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply);
void wrong(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply);
#ifdef GOOD
const helloworld_Greeter greeter = { .SayHello = right };
#else
const helloworld_Greeter greeter = { .SayHello = wrong }; // expect-error: incompatible
#endif
