/* SPDX-License-Identifier: Apache-2.0 */
/* The code of proa_call_later is what the handler returns. */
#include "helloworld.proa.h"

proa_code f(proa_call *call, proa_later *later);
proa_code f(proa_call *call, proa_later *later)
{
#ifdef GOOD
    return proa_call_later(call, later);
#else
    proa_call_later(call, later); // expect-error: warn_unused_result
    return PROA_OK;
#endif
}
