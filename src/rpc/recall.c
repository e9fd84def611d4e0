/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/recall.h"
#include "base/bytes.h"

recall_entry *recall_find(recall *r, proa_bytes path, proa_bytes timeout)
{
    for (unsigned i = 0; i < RECALL_ENTRIES; i++) {
        recall_entry *e = &r->entries[i];
        if (e->path_size != path.size || e->timeout_size != timeout.size || path.size == 0 ||
            memcmp(e->path, path.data, path.size) != 0)
            continue;
        if (timeout.size && memcmp(e->timeout, timeout.data, timeout.size) != 0)
            continue;
        if (r->next == i) /* used just now: another one has to go */
            r->next = (uint8_t)((i + 1) % RECALL_ENTRIES);
        return e;
    }
    return NULL;
}

recall_entry *recall_add(recall *r, proa_bytes path, proa_bytes timeout)
{
    if (path.size == 0 || path.size > RECALL_PATH_MAX || timeout.size > TIMEOUT_TEXT_MAX)
        return NULL;
    recall_entry *e = &r->entries[r->next];
    r->next = (uint8_t)((r->next + 1) % RECALL_ENTRIES);
    *e = (recall_entry){ .path_size = (uint8_t)path.size, .timeout_size = (uint8_t)timeout.size };
    memcpy(e->path, path.data, path.size);
    bytes_copy(e->timeout, timeout.data, timeout.size);
    return e;
}
