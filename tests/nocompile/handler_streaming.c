/* SPDX-License-Identifier: Apache-2.0 */
/* A handler that streams replies has no reply to fill in. */
#include "telemetry.proa.h"

proa_code right(proa_call *call, const telemetry_WatchRequest *request);
proa_code wrong(proa_call *call, const telemetry_WatchRequest *request, telemetry_Sample *reply);
#ifdef GOOD
const telemetry_Host host = { .Watch = right };
#else
const telemetry_Host host = { .Watch = wrong }; // expect-error: incompatible
#endif
