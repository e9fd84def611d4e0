/* SPDX-License-Identifier: Apache-2.0 */
/* A bare enum value is no optional. */
#include "telemetry.proa.h"

void f(telemetry_Level_opt *level);
void f(telemetry_Level_opt *level)
{
#ifdef GOOD
    PROA_SET(*level, telemetry_LEVEL_WARNING);
#else
    *level = telemetry_LEVEL_WARNING; // expect-error: incompatible type
#endif
}
