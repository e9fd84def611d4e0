/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/flow.h"

bool flow_grow(int32_t *window, int64_t delta)
{
    int64_t next = *window + delta;
    if (next > FLOW_WINDOW_MAX || next < -(int64_t)FLOW_WINDOW_MAX)
        return false;
    *window = (int32_t)next;
    return true;
}

uint32_t flow_missing(const flow_receive *f, uint32_t size)
{
    if (size > FLOW_WINDOW_MAX / 2) /* leaves room for what is owed and for the padding of frames */
        size = FLOW_WINDOW_MAX / 2;
    int64_t there = (int64_t)f->window + f->owed;
    return size > there ? (uint32_t)(size - there) : 0;
}

uint32_t flow_open(flow_receive *f, uint32_t extra)
{
    uint32_t increment = f->owed + extra;
    f->owed = 0;
    f->debt += extra;
    f->window += (int32_t)increment;
    return increment;
}
