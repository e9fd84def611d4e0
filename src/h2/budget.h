/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer may cost: token buckets for resets and for useless frames. Pure: time is a parameter.
 *
 * An empty bucket slows the peer down first: nothing is read from it for BUDGET_PAUSE_NS. One that keeps it empty for
 * BUDGET_PATIENCE_NS is told ENHANCE_YOUR_CALM. In gRPC a deadline or a cancel is a reset, so an overloaded honest peer
 * must only ever be slowed. */
#ifndef H2_BUDGET_H
#define H2_BUDGET_H
#include <stdbool.h>
#include <stdint.h>

#define BUDGET_PAUSE_NS INT64_C(100000000)
#define BUDGET_PATIENCE_NS INT64_C(5000000000)
#define BUDGET_EARNED_MAX 10000u
#define BUDGET_LATE_MAX (64u * 1024 * 1024)

typedef struct bucket {
    uint32_t burst, per_second;
    uint32_t tokens;
    int64_t filled_at;
    int64_t empty_since;      /* INT64_MAX: it is not */
} bucket;

typedef enum budget_verdict { BUDGET_FINE = 0, BUDGET_SLOW, BUDGET_CALM } budget_verdict;

void bucket_init(bucket *bucket, uint32_t burst, uint32_t per_second, int64_t now);
budget_verdict bucket_take(bucket *bucket, int64_t now);

/* Frames that answer what we sent (WINDOW_UPDATE, late frames of a stream) are paid for by sending. */
typedef struct budget {
    bucket resets;            /* CVE-2023-44487, CVE-2025-8671 */
    bucket glitches;          /* CVE-2019-9511 to -9518 */
    uint32_t earned;
    uint32_t empty_row;       /* empty DATA frames since the last one that was not */
    uint32_t late;            /* bytes of DATA that may still be under way to streams that we reset */
} budget;

static inline void budget_earn(budget *b, uint32_t frames)
{
    uint32_t room = BUDGET_EARNED_MAX - b->earned;
    b->earned += frames < room ? frames : room;
}

/* A stream was reset whose peer may have sent size more bytes by then, in frames as small as it likes. */
static inline void budget_expect_late(budget *b, uint32_t size)
{
    b->late = size > BUDGET_LATE_MAX - b->late ? BUDGET_LATE_MAX : b->late + size;
}

static inline bool budget_is_late(budget *b, uint32_t size)
{
    uint32_t cost = size ? size : 1;
    if (cost > b->late)
        return false;
    b->late -= cost;
    return true;
}

/* A frame that may be an answer to ours: free while we earned it. */
static inline bool budget_spend(budget *b)
{
    if (b->earned == 0)
        return false;
    b->earned--;
    return true;
}
#endif
