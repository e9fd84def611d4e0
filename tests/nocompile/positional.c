/* SPDX-License-Identifier: Apache-2.0 */
/* Fields are named: the contract may be reordered. */
#include "helloworld.proa.h"

void f(void);
void f(void)
{
#ifdef GOOD
    helloworld_HelloRequest request = { .name = PROA_STR("Ada") };
    (void)request;
#else
    helloworld_HelloRequest request = { PROA_STR("Ada") }; // expect-error: incompatible type
    (void)request;
#endif
}
