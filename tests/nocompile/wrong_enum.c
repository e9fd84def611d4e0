/* SPDX-License-Identifier: Apache-2.0 */
/* A level is no code. */
#include "telemetry.proa.h"

void f(void);
void f(void)
{
    telemetry_Line line = { 0 };
    (void)line;
#ifdef GOOD
    line.level = telemetry_LEVEL_WARNING;
#else
    line.level = PROA_NOT_FOUND; // expect-error: implicit conversion
#endif
}
