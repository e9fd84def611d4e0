/* SPDX-License-Identifier: Apache-2.0 */
/* Queue of bytes in one block: it moves its bytes to the front only when that costs less than what was consumed. */
#include "base/buffer.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/memory.h"

enum { CAPACITY_MIN = 256 };

void buffer_fini(buffer *buffer)
{
    memory_free(buffer->data);
    buffer->data = NULL;
    buffer->begin = buffer->end = buffer->capacity = 0;
}

proa_err buffer_reserve(buffer *buffer, size_t more)
{
    if (more <= buffer->capacity - buffer->end)
        return PROA_ERR_NONE;
    size_t size = buffer_size(buffer);
    if (more > SIZE_MAX / 2 - size)
        return PROA_ERR_NOMEM;
    size_t need = size + more;
    if (need <= buffer->capacity && buffer->begin >= size) {
        bytes_copy(buffer->data, buffer->data + buffer->begin, size);
    } else {
        size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
        while (capacity < need)
            capacity *= 2;
        char *data = memory_resize(NULL, capacity);
        if (!data)
            return PROA_ERR_NOMEM;
        if (size)
            bytes_copy(data, buffer->data + buffer->begin, size);
        memory_free(buffer->data);
        buffer->data = data;
        buffer->capacity = capacity;
    }
    buffer->begin = 0;
    buffer->end = size;
    return PROA_ERR_NONE;
}

proa_err buffer_append(buffer *buffer, const void *data, size_t size)
{
    proa_err err = buffer_reserve(buffer, size);
    if (err)
        return err;
    if (size) {
        bytes_copy(buffer_tail(buffer), data, size);
        buffer->end += size;
    }
    return PROA_ERR_NONE;
}

void buffer_consume(buffer *buffer, size_t size)
{
    PROA_ASSERT(size <= buffer_size(buffer), "no more is consumed than a buffer holds");
    buffer->begin += size;
    if (buffer->begin == buffer->end)
        buffer->begin = buffer->end = 0;
}

void buffer_shrink(buffer *buffer, size_t keep)
{
    if (buffer->begin == buffer->end && buffer->capacity > keep)
        buffer_fini(buffer);
}
