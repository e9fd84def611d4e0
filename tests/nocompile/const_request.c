/* SPDX-License-Identifier: Apache-2.0 */
/* A request is read, not written. */
#include "helloworld.proa.h"

void f(const helloworld_HelloRequest *request, helloworld_HelloReply *reply);
void f(const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    (void)request;
#ifdef GOOD
    reply->message = request->name;
#else
    request->name = reply->message; // expect-error: read-only | const-qualified
#endif
}
