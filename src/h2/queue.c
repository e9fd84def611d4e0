/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/queue.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/memory.h"

static void release_slices(queue *q)
{
    for (uint32_t i = q->first; i < q->last; i++)
        hold_release(q->slices[i].hold);
    q->first = q->last = 0;
}

void queue_free(queue *q)
{
    release_slices(q);
    memory_free(q->slices);
    buffer_fini(&q->bytes);
    *q = (queue){ 0 };
}

proa_err queue_push(queue *q, proa_bytes bytes)
{
    proa_err err = buffer_append(&q->bytes, bytes.data, bytes.size);
    if (!err)
        q->size += bytes.size;
    return err;
}

/* Room for one more slice: the front of the array is used again before it grows. */
static bool make_room(queue *q)
{
    if (q->last < q->capacity)
        return true;
    uint32_t count = q->last - q->first;
    if (q->first >= 8 && q->first >= count) {
        bytes_copy(q->slices, q->slices + q->first, count * sizeof *q->slices);
    } else {
        uint32_t capacity = q->capacity ? q->capacity * 2 : 8;
        queue_slice *slices = memory_resize(q->slices, capacity * sizeof *slices);
        if (!slices)
            return false;
        q->slices = slices;
        q->capacity = capacity;
        memmove(slices, slices + q->first, count * sizeof *slices);
    }
    q->first = 0;
    q->last = count;
    return true;
}

proa_err queue_push_slice(queue *q, proa_bytes bytes, hold *hold)
{
    if (bytes.size == 0) {
        hold_release(hold);
        return PROA_ERR_NONE;
    }
    if (!make_room(q))
        return PROA_ERR_NOMEM;
    q->slices[q->last++] = (queue_slice){ q->position + buffer_size(&q->bytes), bytes, hold };
    q->size += bytes.size;
    return PROA_ERR_NONE;
}

/* The first contiguous piece; *slice is the slice it is in, or NULL. */
static proa_bytes front(const queue *q, queue_slice **slice)
{
    *slice = NULL;
    if (q->first == q->last)
        return buffer_bytes(&q->bytes);
    queue_slice *s = &q->slices[q->first];
    if (s->at == q->position) {
        *slice = s;
        return s->bytes;
    }
    return (proa_bytes){ q->bytes.data + q->bytes.begin, (size_t)(s->at - q->position) };
}

static void drop_front(queue *q, queue_slice *slice, size_t size)
{
    q->size -= size;
    if (!slice) {
        buffer_consume(&q->bytes, size);
        q->position += size;
        return;
    }
    slice->bytes.data += size;
    slice->bytes.size -= size;
    if (slice->bytes.size)
        return;
    hold_release(slice->hold);
    if (++q->first == q->last)
        q->first = q->last = 0;
}

void queue_drop(queue *q, size_t size)
{
    PROA_ASSERT(size <= q->size, "no more is sent than was queued");
    while (size) {
        queue_slice *slice;
        proa_bytes piece = front(q, &slice);
        size_t n = piece.size < size ? piece.size : size;
        drop_front(q, slice, n);
        size -= n;
    }
}

proa_err queue_move(queue *from, queue *to, size_t size)
{
    PROA_ASSERT(size <= from->size, "no more is framed than was queued");
    while (size) {
        queue_slice *slice;
        proa_bytes piece = front(from, &slice);
        if (piece.size > size)
            piece.size = size;
        proa_err err = PROA_ERR_NONE;
        if (slice && piece.size > QUEUE_COPY_MAX) {
            err = queue_push_slice(to, piece, hold_retain(slice->hold));
            if (err)
                hold_release(slice->hold);
        } else {
            err = queue_push(to, piece);
        }
        if (err)
            return err;
        drop_front(from, slice, piece.size);
        size -= piece.size;
    }
    return PROA_ERR_NONE;
}

size_t queue_parts(const queue *q, proa_bytes *parts, size_t max, size_t *size)
{
    size_t count = 0;
    uint64_t position = q->position;
    const char *copied = q->bytes.data ? q->bytes.data + q->bytes.begin : NULL;
    uint64_t end = position + buffer_size(&q->bytes);
    uint32_t next = q->first;
    *size = 0;
    while (count < max && (position < end || next < q->last)) {
        const queue_slice *s = next < q->last ? &q->slices[next] : NULL;
        if (s && s->at == position) {
            parts[count] = s->bytes;
            next++;
        } else {
            size_t n = (size_t)((s ? s->at : end) - position);
            parts[count] = (proa_bytes){ copied, n };
            copied += n;
            position += n;
        }
        *size += parts[count++].size;
    }
    return count;
}

void queue_trim(queue *q, size_t keep)
{
    if (q->size)
        return;
    buffer_shrink(&q->bytes, keep);
    if (q->capacity * sizeof *q->slices > keep) {
        memory_free(q->slices);
        q->slices = NULL;
        q->capacity = 0;
    }
}
