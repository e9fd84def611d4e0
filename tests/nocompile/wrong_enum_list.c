/* SPDX-License-Identifier: Apache-2.0 */
/* A list of an enum is no list of numbers. */
#include "telemetry.proa.h"

void f(void);
void f(void)
{
    int64_t numbers[2] = { 0 };
    telemetry_Level levels[2] = { 0 };
    (void)numbers;
    (void)levels;
#ifdef GOOD
    telemetry_Level_list list = PROA_LIST(levels);
    (void)list;
#else
    telemetry_Level_list list = PROA_LIST(numbers); // expect-error: incompatible pointer type
    (void)list;
#endif
}
