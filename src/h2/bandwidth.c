/* SPDX-License-Identifier: Apache-2.0 */
/* The constants are those of other gRPC implementations: a sample of two thirds of the window means that the window was the
 * bound, and a window of twice the sample leaves room to find out that more is possible. */
#include "h2/bandwidth.h"

#define SECOND INT64_C(1000000000)

void bandwidth_init(bandwidth *b, uint32_t window, uint32_t window_max)
{
    *b = (bandwidth){ .window = window, .window_max = window_max, .left = window / 2, .pinged_at = INT64_MAX };
}

bool bandwidth_sample(bandwidth *b, uint32_t size, int64_t now)
{
    if (b->pinged_at != INT64_MAX) {
        b->sample = size > UINT32_MAX - b->sample ? UINT32_MAX : b->sample + size;
        return false;
    }
    b->pinged_at = now;
    b->sample = 0;
    return true;
}

/* Bytes in a second. A burst of one moment is as fast as it looks, so half a round trip is added. */
static uint64_t rate_of(uint32_t sample, int64_t rtt_ns)
{
    return (uint64_t)sample * (uint64_t)SECOND / ((uint64_t)rtt_ns * 3 / 2 + 1);
}

uint32_t bandwidth_answered(bandwidth *b, int64_t now)
{
    int64_t rtt_ns = now > b->pinged_at ? now - b->pinged_at : 1;
    if (rtt_ns > 60 * SECOND) /* keeps the arithmetic in range; nobody waits a minute for a window */
        rtt_ns = 60 * SECOND;
    b->rtt_ns = b->rtt_ns ? b->rtt_ns + (rtt_ns - b->rtt_ns) / 8 : rtt_ns;
    b->pinged_at = INT64_MAX;
    uint64_t rate = rate_of(b->sample, b->rtt_ns);
    bool is_best = rate > b->best;
    if (is_best)
        b->best = rate;
    if (is_best && b->sample / 2 >= b->window / 3) {
        uint64_t window = 2 * (uint64_t)b->sample;
        window = window > b->window_max ? b->window_max : window;
        b->window = window > b->window ? (uint32_t)window : b->window;
    }
    b->left = b->window / 2;
    return b->window;
}
