/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacks messages across any boundaries of DATA. Two readers know the format: `unpack` makes slices, `check` only walks
 * over what has to wait, from the place that the first one left. */
#include "rpc/envelope.h"
#include "base/bytes.h"

/* Room for a message grows with what came of it: never to what a length alone claims (4 GiB, on every stream). Blocks of the
 * pool are powers of two, so it is at most 16 times of it. */
enum { GROW_FIRST = 4096, GROW_FACTOR = 8, REFILL_AT = ENVELOPE_READY_MAX / 4 };

typedef struct envelope_queue {
    proa_slice ring[ENVELOPE_READY_MAX];
    hold *backlog; /* NULL, or the block of the bytes not yet unpacked: */
    size_t begin, end;
    uint32_t left;                              /* `check`: of the body that it is in */
    uint8_t head[RPC_ENVELOPE_SIZE], head_size; /* `check`: of the head that it is in */
} envelope_queue;

static const char nothing[HOLD_SLOP]; /* of empty messages */

size_t envelope_queue_size(void)
{
    return sizeof(envelope_queue);
}

void envelope_init(envelope *envelope, size_t receive_bytes_max)
{
    envelope->receive_bytes_max = receive_bytes_max;
}

void envelope_fini(envelope *envelope, const envelope_home *home)
{
    proa_slice slice;
    if (!envelope->queue && !envelope->hold && envelope->count == 0)
        return;
    if (envelope->queue) {
        hold_release_to(home->pool, envelope->queue->backlog);
        envelope->queue->backlog = NULL;
    }
    envelope_fault none;
    while (envelope_pop(envelope, home, &slice, &none))
        hold_release_to(home->pool, slice.hold);
    hold_release_to(home->pool, envelope->hold);
    slab_give(home->queues, envelope->queue);
    envelope->queue = NULL;
    envelope->hold = NULL;
    envelope->head_size = 0;
}

static envelope_fault judge(const envelope *envelope, const uint8_t *head, uint32_t *length)
{
    if (head[0] != 0)
        return head[0] == 1 ? ENVELOPE_COMPRESSED : ENVELOPE_FLAG;
    *length = bytes_u32_be((const char *)head + 1);
    return *length > envelope->receive_bytes_max ? ENVELOPE_TOO_LARGE : ENVELOPE_OK;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Moves what completes a head into it. false: more is needed. */
static bool take_head(uint8_t *head, uint8_t *head_size, proa_bytes *in)
{
    size_t more = smaller(RPC_ENVELOPE_SIZE - *head_size, in->size);
    bytes_copy(head + *head_size, in->data, more);
    *head_size = (uint8_t)(*head_size + more);
    in->data += more;
    in->size -= more;
    return *head_size == RPC_ENVELOPE_SIZE;
}

/* Is there a place in the ring? The queue comes with the second message that nobody has read. */
static bool has_place(envelope *envelope, const envelope_home *home, envelope_fault *fault)
{
    if (envelope->queue)
        return envelope->count < ENVELOPE_READY_MAX;
    if (envelope->count == 0)
        return true;
    envelope->queue = slab_take(home->queues);
    if (!envelope->queue) {
        *fault = ENVELOPE_NOMEM;
        return false;
    }
    envelope->queue->ring[0] = envelope->single;
    envelope->first = 0;
    return true;
}

static void put(envelope *envelope, proa_slice slice)
{
    if (envelope->queue)
        envelope->queue->ring[(envelope->first + envelope->count) % ENVELOPE_READY_MAX] = slice;
    else
        envelope->single = slice;
    envelope->count++;
}

/* Room for `more` bytes of the message that is coming in. */
static bool grow(envelope *envelope, const envelope_home *home, size_t more)
{
    size_t need = envelope->received + more;
    if (envelope->hold && hold_capacity(envelope->hold) >= need)
        return true;
    size_t capacity = need * GROW_FACTOR < GROW_FIRST ? GROW_FIRST : need * GROW_FACTOR;
    capacity = smaller(envelope->length, capacity);
    hold *grown = hold_new_from(home->pool, capacity);
    if (!grown)
        return false;
    if (envelope->hold)
        bytes_copy(hold_data(grown), hold_data(envelope->hold), envelope->received);
    hold_release_to(home->pool, envelope->hold);
    envelope->hold = grown;
    return true;
}

static bool take_body(envelope *envelope, const envelope_home *home, proa_bytes *in)
{
    size_t more = smaller(envelope->length - envelope->received, in->size);
    if (more && !grow(envelope, home, more))
        return false;
    if (more) {
        memcpy(hold_data(envelope->hold) + envelope->received, in->data, more);
        envelope->received += (uint32_t)more;
        in->data += more;
        in->size -= more;
    }
    if (envelope->received < envelope->length)
        return true;
    put(envelope,
        envelope->hold ? slice_of(envelope->hold, 0, envelope->length) : (proa_slice){ .bytes = { nothing, 0 } });
    envelope->hold = NULL;
    envelope->received = 0;
    envelope->head_size = 0;
    return true;
}

/* Makes slices until the ring is full; *in becomes what is left. */
static envelope_fault unpack(envelope *envelope, const envelope_home *home, proa_bytes *in)
{
    envelope_fault fault = ENVELOPE_OK;
    while (in->size && has_place(envelope, home, &fault)) {
        if (envelope->head_size < RPC_ENVELOPE_SIZE) {
            if (!take_head(envelope->head, &envelope->head_size, in))
                return ENVELOPE_OK;
            fault = judge(envelope, envelope->head, &envelope->length);
            if (fault)
                return fault;
        }
        if (!take_body(envelope, home, in))
            return ENVELOPE_NOMEM;
    }
    return fault;
}

static envelope_fault check(envelope *envelope, proa_bytes in)
{
    envelope_queue *queue = envelope->queue;
    while (in.size) {
        size_t body = smaller(queue->left, in.size);
        queue->left -= (uint32_t)body;
        in.data += body;
        in.size -= body;
        if (in.size && take_head(queue->head, &queue->head_size, &in)) {
            envelope_fault fault = judge(envelope, queue->head, &queue->left);
            if (fault)
                return fault;
            queue->head_size = 0;
        }
    }
    return ENVELOPE_OK;
}

/* Nearly every message is small, and alone in its DATA: it is copied and done. false: it is not one of those. */
static bool take_single(envelope *envelope, const envelope_home *home, proa_bytes in)
{
    uint32_t length;
    if (envelope->count || envelope->queue || envelope->head_size || in.size <= RPC_ENVELOPE_SIZE ||
        judge(envelope, (const uint8_t *)in.data, &length) || length != in.size - RPC_ENVELOPE_SIZE)
        return false;
    hold *hold = hold_new_from(home->pool, length);
    if (!hold)
        return false;
    memcpy(hold_data(hold), in.data + RPC_ENVELOPE_SIZE, length);
    envelope->single = slice_of(hold, 0, length);
    envelope->count = 1;
    return true;
}

/* Behind what waits already. The blocks are the loop's: a stream of small messages has a backlog with every read. */
static bool put_off(envelope_queue *queue, hold_pool *pool, proa_bytes bytes)
{
    size_t size = queue->backlog ? queue->end - queue->begin : 0;
    if (!queue->backlog || bytes.size > hold_capacity(queue->backlog) - queue->end) {
        size_t need = size + bytes.size;
        hold *larger = hold_new_from(pool, need + need / 2);
        if (!larger)
            return false;
        if (size)
            memcpy(hold_data(larger), hold_data(queue->backlog) + queue->begin, size);
        hold_release_to(pool, queue->backlog);
        queue->backlog = larger;
        queue->begin = 0;
        queue->end = size;
    }
    memcpy(hold_data(queue->backlog) + queue->end, bytes.data, bytes.size);
    queue->end += bytes.size;
    return true;
}

envelope_fault envelope_feed(envelope *envelope, const envelope_home *home, proa_bytes bytes)
{
    if (take_single(envelope, home, bytes))
        return ENVELOPE_OK;
    if (!envelope->queue || !envelope->queue->backlog) {
        envelope_fault fault = unpack(envelope, home, &bytes);
        if (fault || bytes.size == 0)
            return fault;
        /* The ring is full, and a full ring ends with a whole message: `check` begins at a head. */
        envelope->queue->left = 0;
        envelope->queue->head_size = 0;
    }
    envelope_fault fault = check(envelope, bytes);
    if (fault)
        return fault;
    return put_off(envelope->queue, home->pool, bytes) ? ENVELOPE_OK : ENVELOPE_NOMEM;
}

bool envelope_pop(envelope *envelope, const envelope_home *home, proa_slice *out, envelope_fault *fault)
{
    *fault = ENVELOPE_OK;
    if (envelope->count == 0)
        return false;
    envelope_queue *queue = envelope->queue;
    *out = queue ? queue->ring[envelope->first] : envelope->single;
    envelope->count--;
    if (!queue)
        return true;
    envelope->first = (uint8_t)((envelope->first + 1) % ENVELOPE_READY_MAX);
    if (envelope->count <= REFILL_AT && queue->backlog) {
        proa_bytes in = { hold_data(queue->backlog) + queue->begin, queue->end - queue->begin };
        *fault = unpack(envelope, home, &in);
        queue->begin = queue->end - in.size;
        if (in.size == 0) {
            hold_release_to(home->pool, queue->backlog);
            queue->backlog = NULL;
        }
    }
    return true;
}

bool envelope_is_between(const envelope *envelope)
{
    const envelope_queue *queue = envelope->queue;
    if (queue && queue->backlog)
        return queue->left == 0 && queue->head_size == 0;
    return envelope->head_size == 0;
}

size_t envelope_missing(const envelope *envelope)
{
    if (envelope->count || envelope->head_size == 0)
        return 0;
    if (envelope->head_size < RPC_ENVELOPE_SIZE)
        return RPC_ENVELOPE_SIZE - envelope->head_size;
    return envelope->length - envelope->received;
}

void envelope_write_head(char *head, size_t size)
{
    head[0] = 0;
    bytes_put_u32_be(head + 1, (uint32_t)size);
}
