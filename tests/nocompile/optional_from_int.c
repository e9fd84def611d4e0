/* SPDX-License-Identifier: Apache-2.0 */
/* Presence is part of the type: a bare number is no optional. */
#include "telemetry.proa.h"

void f(telemetry_Facts *facts);
void f(telemetry_Facts *facts)
{
#ifdef GOOD
    PROA_SET(facts->uptime_s, 36);
#else
    facts->uptime_s = 36; // expect-error: incompatible type
#endif
}
