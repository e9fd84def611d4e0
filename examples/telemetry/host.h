/* SPDX-License-Identifier: Apache-2.0 */
/* What this host is and how loaded it is, out of /proc. Linux. */
#ifndef TELEMETRY_HOST_H
#define TELEMETRY_HOST_H
#include "telemetry.proa.h"

#define SAMPLER_CPUS_MAX 32 /* those that a sample shows; the state of a call then fits into PROA_CALL_STATE_SIZE */

/* Processor use is a difference, so a sampler remembers the times of the last sample, in clock ticks. Zeroed: new. */
struct sampler {
    uint32_t busy[SAMPLER_CPUS_MAX], total[SAMPLER_CPUS_MAX];
    float cpu[SAMPLER_CPUS_MAX];
};

void host_describe(telemetry_Facts *facts, proa_arena *arena);
/* The sample's list points into the sampler: borrowed until the next sample. */
void host_sample(struct sampler *sampler, telemetry_Sample *sample);
#endif
