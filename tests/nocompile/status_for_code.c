/* SPDX-License-Identifier: Apache-2.0 */
/* A status is more than its code. */
#include "helloworld.proa.h"

void f(proa_status status, bool *is_good);
void f(proa_status status, bool *is_good)
{
#ifdef GOOD
    *is_good = status.code == PROA_OK;
#else
    *is_good = status == PROA_OK; // expect-error: invalid operands
#endif
}
