/* SPDX-License-Identifier: Apache-2.0 */
/* A handler fills in the reply of its method. */
#include "helloworld.proa.h"
#include "telemetry.proa.h"

proa_code right(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply);
proa_code wrong(proa_call *call, const helloworld_HelloRequest *request, telemetry_Facts *reply);
#ifdef GOOD
const helloworld_Greeter greeter = { .SayHello = right };
#else
const helloworld_Greeter greeter = { .SayHello = wrong }; // expect-error: incompatible
#endif
