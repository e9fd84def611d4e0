/* SPDX-License-Identifier: Apache-2.0 */
/* A string is a view: a char pointer has no size. */
#include "helloworld.proa.h"

void f(void);
void f(void)
{
    helloworld_HelloRequest request = { 0 };
    (void)request;
#ifdef GOOD
    request.name = PROA_STR("Ada");
#else
    request.name = "Ada"; // expect-error: incompatible type
#endif
}
