/* SPDX-License-Identifier: Apache-2.0 */
/* A repeated field takes a list. */
#include "telemetry.proa.h"

void f(telemetry_Facts *facts);
void f(telemetry_Facts *facts)
{
    telemetry_Mount mount = { 0 };
#ifdef GOOD
    facts->mounts = (telemetry_Mount_list){ &mount, 1 };
    (void)facts->mounts;
#else
    facts->mounts = mount; // expect-error: incompatible type
#endif
}
