/* SPDX-License-Identifier: Apache-2.0 */
/* Flow control windows, of streams and of the connection, both ways (RFC 9113 5.2, 6.9). Pure arithmetic.
 *
 * Sending: an int32 that grows by WINDOW_UPDATE and by SETTINGS, and may be negative (6.9.2).
 * Receiving: window + owed + (bytes received and not given back) == target + debt, always. */
#ifndef H2_FLOW_H
#define H2_FLOW_H
#include <stdbool.h>
#include <stdint.h>

#define FLOW_WINDOW_MAX INT32_MAX

/* false: over 2^31-1, the window is untouched (RFC 9113 6.9.1). delta may be negative: SETTINGS (6.9.2). */
bool flow_grow(int32_t *window, int64_t delta);

typedef struct flow_receive {
    int32_t window;    /* what the peer may still send */
    uint32_t target;   /* what it may send when everything was given back */
    uint32_t owed;     /* given back to us, not yet announced */
    uint32_t debt;     /* opened beyond target: comes off what is given back */
} flow_receive;

static inline flow_receive flow_receive_of(uint32_t window, uint32_t target)
{
    return (flow_receive){ .window = (int32_t)window, .target = target };
}

static inline bool flow_has(const flow_receive *f, uint32_t size) { return f->window >= 0 && size <= (uint32_t)f->window; }

/* The peer sent size bytes; false: more than it may (RFC 9113 6.9.1). */
static inline bool flow_take(flow_receive *f, uint32_t size)
{
    if (!flow_has(f, size))
        return false;
    f->window -= (int32_t)size;
    return true;
}

/* size received bytes are done with. */
static inline void flow_give(flow_receive *f, uint32_t size)
{
    uint32_t paid = size < f->debt ? size : f->debt;
    f->debt -= paid;
    f->owed += size - paid;
}

/* The increment to announce now, or 0: a quarter of the target at once, less only when it is urgent. */
static inline uint32_t flow_announce(flow_receive *f, bool is_urgent)
{
    if (f->owed == 0 || (!is_urgent && f->owed < f->target / 4))
        return 0;
    uint32_t increment = f->owed;
    f->owed = 0;
    f->window += (int32_t)increment;
    return increment;
}

/* The window is low: what is owed cannot wait for a quarter, the peer may have stopped. */
static inline bool flow_is_low(const flow_receive *f) { return f->window < (int32_t)(f->target / 4); }

/* How far beyond what is owed the window must be opened for the peer to send size more bytes. */
uint32_t flow_missing(const flow_receive *f, uint32_t size);
/* Opens the window by what is owed and extra more, which becomes debt. Returns the increment. */
uint32_t flow_open(flow_receive *f, uint32_t extra);
#endif
