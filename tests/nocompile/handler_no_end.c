/* SPDX-License-Identifier: Apache-2.0 */
/* A handler has an end in every path. */
#include "telemetry.proa.h"

proa_code echo(proa_call *call);
proa_code echo(proa_call *call)
{
    if (proa_call_is_at_end(call))
        return PROA_OK;
#ifdef GOOD
    return PROA_WAIT;
}
#else
} /* nothing is returned here */ // expect-error: control reaches end | does not return a value
#endif
