/* SPDX-License-Identifier: Apache-2.0 */
/* A field that the contract does not have. */
#include "helloworld.proa.h"

void f(void);
void f(void)
{
    helloworld_HelloRequest request = { 0 };
    (void)request;
#ifdef GOOD
    request.name = PROA_STR("Ada");
#else
    request.nickname = PROA_STR("Ada"); // expect-error: 'nickname'
#endif
}
