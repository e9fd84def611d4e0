/* SPDX-License-Identifier: Apache-2.0 */
/* A list has the type of its elements. */
#include "telemetry.proa.h"

void f(void);
void f(void)
{
    float right[2] = { 0 };
    double wrong[2] = { 0 };
    (void)right;
    (void)wrong;
#ifdef GOOD
    telemetry_Sample sample = { .cpu = PROA_LIST(right) };
    (void)sample;
#else
    telemetry_Sample sample = { .cpu = PROA_LIST(wrong) }; // expect-error: incompatible pointer type
    (void)sample;
#endif
}
