/* SPDX-License-Identifier: Apache-2.0 */
/* A service serves its own handlers. */
#include "helloworld.proa.h"
#include "telemetry.proa.h"

void f(proa_server *server, const helloworld_Greeter *greeter, const telemetry_Host *host);
void f(proa_server *server, const helloworld_Greeter *greeter, const telemetry_Host *host)
{
#ifdef GOOD
    helloworld_Greeter_serve(server, greeter, NULL);
    (void)host;
#else
    helloworld_Greeter_serve(server, host, NULL); // expect-error: incompatible pointer type
    (void)greeter;
#endif
}
