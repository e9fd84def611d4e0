/* SPDX-License-Identifier: Apache-2.0 */
/* Presence is part of the type: an optional is no bare number. */
#include "telemetry.proa.h"

void f(const telemetry_Facts *facts, int64_t *seconds);
void f(const telemetry_Facts *facts, int64_t *seconds)
{
#ifdef GOOD
    *seconds = facts->uptime_s.value;
#else
    *seconds = facts->uptime_s; // expect-error: incompatible type
#endif
}
