/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/ping.h"

bool ping_is_early(ping *p, bool has_streams, int64_t interval_min_ns, int64_t now)
{
    int64_t last = p->last;
    p->last = now;
    if (p->has_sent) { /* gRFC A8: sending HEADERS or DATA resets both */
        p->has_sent = false;
        p->strikes = 0;
        return false;
    }
    int64_t interval =
        has_streams || p->is_permitted || interval_min_ns > PING_IDLE_NS ? interval_min_ns : PING_IDLE_NS;
    if (last == INT64_MIN || now - last >= interval)
        return false;
    p->strikes++;
    return true;
}
