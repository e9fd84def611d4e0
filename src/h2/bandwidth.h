/* SPDX-License-Identifier: Apache-2.0 */
/* How much is under way on a long path: the bytes that come between a PING of ours and its ACK are what the peer sends in a
 * round trip. Windows smaller than that hold the peer back, so they grow to twice of it, up to a bound. Pure.
 *
 * A PING goes out only when half a window of DATA came after the last ACK: sending DATA forgives a peer's strikes (gRFC A8),
 * so none of ours is one, and calls of a few bytes pay nothing. */
#ifndef H2_BANDWIDTH_H
#define H2_BANDWIDTH_H
#include <stdbool.h>
#include <stdint.h>

#define BANDWIDTH_PING UINT64_C(0x70726f6162647000)   /* payload */

typedef struct bandwidth {
    uint32_t window;           /* of streams, as it is */
    uint32_t window_max;       /* at most window: it does not grow */
    uint32_t left;             /* bytes until the next PING */
    uint32_t sample;           /* bytes since the PING */
    int64_t pinged_at;         /* INT64_MAX: none waits for its ACK */
    int64_t rtt_ns;            /* smoothed; 0: not measured yet */
    uint64_t best;             /* bytes in a second, the most that was seen */
} bandwidth;

void bandwidth_init(bandwidth *bandwidth, uint32_t window, uint32_t window_max);
bool bandwidth_sample(bandwidth *bandwidth, uint32_t size, int64_t now);
/* DATA came. true: send the PING now. */
static inline bool bandwidth_received(bandwidth *b, uint32_t size, int64_t now)
{
    if (b->window >= b->window_max)
        return false;
    if (b->pinged_at == INT64_MAX && size < b->left) {
        b->left -= size;
        return false;
    }
    return bandwidth_sample(b, size, now);
}
/* Its ACK came. Returns what the window is to be from now on; the same: it stays. */
uint32_t bandwidth_answered(bandwidth *bandwidth, int64_t now);
#endif
