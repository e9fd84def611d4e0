/* SPDX-License-Identifier: Apache-2.0 */
/* Texts are formatted as printf does, and checked. */
#include "helloworld.proa.h"

proa_code f(proa_call *call, const char *name);
proa_code f(proa_call *call, const char *name)
{
#ifdef GOOD
    return proa_call_fail(call, PROA_NOT_FOUND, "%s", name);
#else
    return proa_call_fail(call, PROA_NOT_FOUND, "%d", name); // expect-error: format
#endif
}
