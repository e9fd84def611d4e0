/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/streams.h"
#include "base/assert.h"
#include "base/memory.h"

size_t h2_stream_size(size_t extra)
{
    return (sizeof(h2_stream) + 15) / 16 * 16 + extra;
}

void *h2_stream_extra(h2_stream *stream)
{
    return (char *)stream + (sizeof(h2_stream) + 15) / 16 * 16;
}

void streams_init(streams *s, h2_role role, slab *slab, size_t extra)
{
    *s = (streams){ .role = role, .slab = slab };
    s->table.slots = s->table.few;
    s->table.mask = STREAMS_FEW - 1;
    list_init(&s->all);
    slab_init(&s->own, h2_stream_size(extra), STREAMS_KEPT_MAX);
    if (!slab)
        s->slab = &s->own;
}

/* ---- By number */

static h2_stream **slot_of(const streams_table *t, uint32_t id)
{
    return &t->slots[id >> 1 & t->mask];
}

static void forget_slots(streams_table *t)
{
    if (t->slots != t->few)
        memory_free(t->slots);
    *t = (streams_table){ .mask = STREAMS_FEW - 1 };
    t->slots = t->few;
}

/* Without memory chains are longer, and nothing else happens. */
static void grow_slots(streams_table *t)
{
    uint32_t count = 4 * (t->mask + 1);
    h2_stream **slots = memory_new(count * sizeof(h2_stream *));
    if (!slots)
        return;
    h2_stream **old = t->slots;
    uint32_t old_count = t->mask + 1;
    t->slots = slots;
    t->mask = count - 1;
    for (uint32_t i = 0; i < old_count; i++)
        for (h2_stream *s = old[i], *next; s; s = next) {
            h2_stream **slot = slot_of(t, s->id);
            next = s->chain;
            s->chain = *slot;
            *slot = s;
        }
    if (old != t->few)
        memory_free(old);
}

static void put(streams_table *t, h2_stream *s)
{
    if (t->count++ > t->mask)
        grow_slots(t);
    h2_stream **slot = slot_of(t, s->id);
    s->chain = *slot;
    *slot = s;
}

static void take_out(streams_table *t, h2_stream *s)
{
    h2_stream **at = slot_of(t, s->id);
    while (*at != s)
        at = &(*at)->chain;
    *at = s->chain;
    t->count--;
}

/* ---- Their lives */

static void drop_content(h2_stream *stream)
{
    queue_fini(&stream->queue);
    if (stream->trailers) {
        memory_free(stream->trailers);
        stream->trailers = NULL;
    }
}

void streams_fini(streams *s)
{
    for (list_node *n; (n = list_pop(&s->all)) != NULL;) {
        h2_stream *stream = CONTAINER_OF(n, h2_stream, all);
        drop_content(stream);
        stream->connection = NULL;
        stream->state = STREAM_CLOSED;
        stream->is_mute = true;
        stream->slab = NULL; /* its blocks are the heap's: the slab may be gone at release */
    }
    forget_slots(&s->table);
    slab_fini(&s->own);
}

h2_stream *streams_add(streams *s)
{
    h2_stream *stream = slab_take(s->slab);
    if (!stream)
        return NULL;
    stream->slab = s->slab;
    list_push(&s->all, &stream->all);
    s->open++;
    return stream;
}

void streams_number(streams *s, h2_stream *stream, uint32_t id)
{
    PROA_ASSERT(id > s->last_id && id % 2 == 1, "stream numbers are odd and rise");
    stream->id = id;
    s->last_id = id;
    put(&s->table, stream);
}

void streams_note(streams *s, uint32_t id, streams_past past)
{
    if (id > s->last_id)
        s->last_id = id;
    uint32_t *slot = &s->closed[s->closed_next++ % STREAMS_CLOSED_MAX];
    uint32_t old = *slot >> 2 << 1 | 1;
    if (*slot && old > s->forgotten_id)
        s->forgotten_id = old;
    *slot = id >> 1 << 2 | (uint32_t)past;
}

void streams_close(streams *s, h2_stream *stream, streams_past past)
{
    if (stream->id) {
        take_out(&s->table, stream);
        streams_note(s, stream->id, past);
    }
    stream->state = STREAM_CLOSED;
    stream->is_mute = true;
    s->open--;
    list_remove(&stream->ready);
    list_remove(&stream->hungry);
    drop_content(stream);
    if (s->role == H2_SERVER && past != STREAMS_ENDED) {
        stream->is_zombie = true;
        s->zombies++;
    }
}

streams_past streams_recall(const streams *s, uint32_t id)
{
    if (id > s->last_id || id % 2 == 0)
        return STREAMS_IDLE;
    for (uint32_t i = 0; i < STREAMS_CLOSED_MAX; i++)
        if (s->closed[i] && (s->closed[i] >> 2) == id >> 1)
            return (streams_past)(s->closed[i] & 3);
    return id > s->forgotten_id ? STREAMS_SKIPPED : STREAMS_FORGOTTEN;
}

void streams_release(streams *s, h2_stream *stream)
{
    if (stream->is_zombie)
        s->zombies--;
    list_remove(&stream->all);
    slab_give(stream->slab, stream);
}

void streams_trim(streams *s)
{
    if (s->table.count == 0)
        forget_slots(&s->table);
    slab_fini(&s->own);
}
