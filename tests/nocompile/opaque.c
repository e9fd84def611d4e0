/* SPDX-License-Identifier: Apache-2.0 */
/* Handles are opaque: nothing of them can be touched. */
#include "helloworld.proa.h"

void f(proa_call *call, proa_code *code);
void f(proa_call *call, proa_code *code)
{
#ifdef GOOD
    *code = proa_call_status(call).code;
#else
    *code = call->status.code; // expect-error: incomplete
#endif
}
