/* SPDX-License-Identifier: Apache-2.0 */
/* One run: a seed's world from its begin to its end. */
#ifndef SIM_RUN_H
#define SIM_RUN_H
#include "world.h"

typedef struct outcome { bool is_good; char text[400]; uint64_t digest; } outcome;
outcome run_seed(uint64_t seed, bool tells, coverage *sum);
extern long live_blocks;                          /* of the heap, as counted by heap.c */
#endif
