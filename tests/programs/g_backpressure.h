/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROGRAMS_G_BACKPRESSURE_H
#define PROGRAMS_G_BACKPRESSURE_H
#include "telemetry.proa.h"

extern const telemetry_Host g_host;
#endif
