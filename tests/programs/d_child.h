/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROGRAMS_D_CHILD_H
#define PROGRAMS_D_CHILD_H
#include "helloworld.proa.h"

struct d_app { proa_channel *telemetry; };   /* what serve's .user is */
extern const helloworld_Greeter d_blocking;  /* for .on_workers */
extern const helloworld_Greeter d_loop;
#endif
