/* SPDX-License-Identifier: Apache-2.0 */
/* A oneof says which member it holds. */
#include "telemetry.proa.h"

void f(void);
void f(void)
{
    telemetry_Pattern pattern = { 0 };
    (void)pattern;
#ifdef GOOD
    pattern.kind.which = telemetry_Pattern_kind_text;
#else
    pattern.kind = true; // expect-error: incompatible type
#endif
}
