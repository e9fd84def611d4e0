/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/goaway.h"

bool goaway_receive(goaway *g, uint32_t last_id)
{
    bool is_raised = g->is_received && last_id > g->peer_last_id;
    if (!is_raised)
        g->peer_last_id = last_id;
    g->is_received = true;
    return is_raised;
}
