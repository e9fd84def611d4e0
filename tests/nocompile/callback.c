/* SPDX-License-Identifier: Apache-2.0 */
/* A callback has one signature. */
#include "helloworld.proa.h"

void right(proa_call *call, void *user);
void wrong(proa_call *call);
#ifdef GOOD
const proa_call_options options = { .on_done = right };
#else
const proa_call_options options = { .on_done = wrong }; // expect-error: incompatible
#endif
