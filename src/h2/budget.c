/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/budget.h"

#define SECOND INT64_C(1000000000)

void bucket_init(bucket *b, uint32_t burst, uint32_t per_second, int64_t now)
{
    *b = (bucket){
        .burst = burst, .per_second = per_second, .tokens = burst, .filled_at = now, .empty_since = INT64_MAX
    };
}

static void refill(bucket *b, int64_t now)
{
    int64_t passed = now - b->filled_at;
    if (passed <= 0 || b->tokens >= b->burst) {
        b->filled_at = passed > 0 ? now : b->filled_at;
        return;
    }
    if (b->per_second == 0)
        return;
    if (passed / SECOND >= b->burst / b->per_second + 1) {
        b->tokens = b->burst;
        b->filled_at = now;
        return;
    }
    int64_t more = passed * b->per_second / SECOND; /* fits: passed is at most about burst / per_second seconds */
    b->filled_at += more * SECOND / b->per_second;  /* the rest of a token is not lost */
    b->tokens = more >= b->burst - b->tokens ? b->burst : b->tokens + (uint32_t)more;
}

budget_verdict bucket_take(bucket *b, int64_t now)
{
    refill(b, now);
    if (b->tokens > b->burst / 10) /* it had recovered: what was before is forgiven */
        b->empty_since = INT64_MAX;
    if (b->tokens) {
        b->tokens--;
        return BUDGET_FINE;
    }
    if (b->empty_since == INT64_MAX)
        b->empty_since = now;
    return now - b->empty_since >= BUDGET_PATIENCE_NS ? BUDGET_CALM : BUDGET_SLOW;
}
