/* SPDX-License-Identifier: Apache-2.0 */
/* Why a server ended must be looked at. */
#include "helloworld.proa.h"

bool f(proa_server *server);
bool f(proa_server *server)
{
    proa_error error;
#ifdef GOOD
    return proa_server_run(server, &error) == PROA_ERR_NONE;
#else
    proa_server_run(server, &error); // expect-error: warn_unused_result
    return true;
#endif
}
