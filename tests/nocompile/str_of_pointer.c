/* SPDX-License-Identifier: Apache-2.0 */
/* PROA_STR is for literals: sizeof of a pointer would be 8. */
#include "helloworld.proa.h"

void f(const char *name);
void f(const char *name)
{
    helloworld_HelloRequest request = { 0 };
    (void)request;
    (void)name;
#ifdef GOOD
    request.name = proa_bytes_of(name);
#else
    request.name = PROA_STR(name); // expect-error: expected
#endif
}
