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
    list_init(&s->all);
    slab_init(&s->own, h2_stream_size(extra), STREAMS_KEPT_MAX);
    if (!slab)
        s->slab = &s->own;
}

static void drop_content(h2_stream *stream)
{
    queue_fini(&stream->queue);
    memory_free(stream->trailers);
    stream->trailers = NULL;
}

void streams_fini(streams *s)
{
    for (list_node *n; (n = list_pop(&s->all)) != NULL;) {
        h2_stream *stream = CONTAINER_OF(n, h2_stream, all);
        drop_content(stream);
        stream->connection = NULL;
        stream->state = STREAM_CLOSED;
        stream->slab = NULL; /* its blocks are the heap's: the slab may be gone at release */
    }
    map_u32_fini(&s->map);
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

proa_err streams_number(streams *s, h2_stream *stream, uint32_t id)
{
    PROA_ASSERT(id > s->last_id && id % 2 == 1, "stream numbers are odd and rise");
    proa_err err = map_u32_put(&s->map, id, stream);
    if (err)
        return err;
    stream->id = id;
    s->last_id = id;
    s->latest = stream;
    return PROA_ERR_NONE;
}

h2_stream *streams_find_slow(const streams *s, uint32_t id)
{
    return map_u32_get(&s->map, id);
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
        map_u32_remove(&s->map, stream->id);
        streams_note(s, stream->id, past);
    }
    if (s->latest == stream)
        s->latest = NULL;
    stream->state = STREAM_CLOSED;
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
    if (s->map.count == 0)
        map_u32_fini(&s->map);
    slab_fini(&s->own);
}
