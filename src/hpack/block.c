/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: growth, sharing, recycling. What is kept for the next block is bounded in number and in bytes. */
#include "hpack/block.h"
#include "base/bytes.h"
#include "base/memory.h"

#define FIELDS_FIRST     16u
#define BYTES_FIRST      512u
#define SPARE_MAX        4u  /* blocks that one decoder keeps for later */
#define SPARE_FIELDS_MAX 64u /* a larger one is freed, not kept */
#define SPARE_BYTES_MAX  4096u

struct block_home {
    size_t references; /* the decoder and every block in use */
    unsigned spare_count;
    bool is_closed;
    block *spare;
};

block_home *block_home_new(void)
{
    block_home *home = memory_new(sizeof *home);
    if (home)
        home->references = 1;
    return home;
}

static void leave(block_home *home)
{
    if (--home->references == 0)
        memory_free(home);
}

static void destroy(block *block)
{
    memory_free(block->fields);
    memory_free(block->bytes);
    memory_free(block);
}

void block_home_trim(block_home *home)
{
    while (home->spare) {
        block *block = home->spare;
        home->spare = block->next;
        destroy(block);
    }
    home->spare_count = 0;
}

void block_home_close(block_home *home)
{
    home->is_closed = true;
    block_home_trim(home);
    leave(home);
}

block *block_new(block_home *home)
{
    block *block = home->spare;
    if (block) {
        home->spare = block->next;
        home->spare_count--;
    } else {
        block = memory_new(sizeof *block);
        if (!block)
            return NULL;
        block->home = home;
    }
    block->references = 1;
    home->references++;
    return block;
}

static void recycle(block *block)
{
    block_home *home = block->home;
    if (block->face.note_free)
        block->face.note_free(block->face.note);
    if (home->is_closed || home->spare_count == SPARE_MAX || block->field_capacity > SPARE_FIELDS_MAX ||
        block->byte_capacity > SPARE_BYTES_MAX) {
        destroy(block);
    } else {
        block->face = (hpack_block){ 0 };
        block->byte_size = block->wire_size = 0;
        block->next = home->spare;
        home->spare = block;
        home->spare_count++;
    }
    leave(home);
}

hpack_block *hpack_block_retain(hpack_block *face)
{
    ((block *)face)->references++;
    return face;
}

void hpack_block_release(hpack_block *face)
{
    if (face && --((block *)face)->references == 0)
        recycle((block *)face);
}

/* The view in new bytes, when it was one of the old ones and not of the static table. */
static void move_view(proa_bytes *view, const block *block, const char *bytes)
{
    uintptr_t at = (uintptr_t)view->data, old = (uintptr_t)block->bytes;
    if (old && at >= old && at < old + block->byte_capacity)
        view->data = bytes + (at - old);
}

bool block_reserve(block *block, size_t more)
{
    if (block->byte_capacity - block->byte_size >= more && block->bytes)
        return true;
    size_t capacity = block->byte_capacity ? block->byte_capacity * 2 : BYTES_FIRST;
    if (capacity - block->byte_size < more)
        capacity = block->byte_size + more;
    char *bytes = memory_new(capacity + BLOCK_SLOP);
    if (!bytes)
        return false;
    bytes_copy(bytes, block->bytes, block->byte_size);
    for (uint32_t i = 0; i < block->face.count; i++) {
        move_view(&block->fields[i].name, block, bytes);
        move_view(&block->fields[i].value, block, bytes);
    }
    memory_free(block->bytes);
    block->bytes = bytes;
    block->byte_capacity = capacity;
    return true;
}

bool block_reserve_field(block *block)
{
    if (block->face.count < block->field_capacity)
        return true;
    uint32_t capacity = block->field_capacity ? block->field_capacity * 2 : FIELDS_FIRST;
    hpack_field *fields = memory_resize(block->fields, capacity * sizeof *fields);
    if (!fields)
        return false;
    block->fields = fields;
    block->field_capacity = capacity;
    return true;
}

bool block_keep_wire(block *block, proa_bytes wire)
{
    if (!block_reserve(block, wire.size))
        return false;
    bytes_copy(block->bytes + block->byte_size, wire.data, wire.size);
    block->wire_size = wire.size;
    return true;
}
