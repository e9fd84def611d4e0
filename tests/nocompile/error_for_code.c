/* SPDX-License-Identifier: Apache-2.0 */
/* An operating failure is not the outcome of a call. */
#include "helloworld.proa.h"

proa_code f(void);
proa_code f(void)
{
#ifdef GOOD
    return PROA_UNAVAILABLE;
#else
    return PROA_ERR_IO; // expect-error: implicit conversion
#endif
}
