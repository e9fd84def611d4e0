/* SPDX-License-Identifier: Apache-2.0 */
/* 1 s, 1.6 s, 2.56 s ... 120 s, each +-20 %, so that those who lost their server together do not come back together. */
#include "client/backoff.h"

/* MULTIPLIER 1.6, JITTER 0.2 (doc/connection-backoff.md). */
enum { GROWTH_PERCENT = 160, JITTER_PERCENT = 20 };

uint64_t backoff_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void backoff_init(backoff *b, int64_t initial_ns, int64_t max_ns, uint64_t seed)
{
    *b = (backoff){ .initial_ns = initial_ns < max_ns ? initial_ns : max_ns, .max_ns = max_ns, .random = seed };
}

int64_t backoff_next(backoff *b)
{
    int64_t base = b->next_ns ? b->next_ns : b->initial_ns;
    int64_t grown = base < INT64_MAX / GROWTH_PERCENT ? base * GROWTH_PERCENT / 100 : INT64_MAX;
    b->next_ns = grown < b->max_ns ? grown : b->max_ns;
    int64_t spread = base / 100 * JITTER_PERCENT;
    if (spread == 0)
        return base;
    return base - spread + (int64_t)(backoff_random(&b->random) % (uint64_t)(2 * spread + 1));
}

void backoff_reset(backoff *b)
{
    b->next_ns = 0;
}
