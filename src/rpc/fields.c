/* SPDX-License-Identifier: Apache-2.0 */
/* Header lists under construction. */
#include "rpc/fields.h"
#include "base/assert.h"
#include "base/memory.h"

void fields_fini(fields *fields)
{
    memory_free(fields->data);
    memory_free(fields->text);
    *fields = (struct fields){ 0 };
}

proa_err fields_begin(fields *fields, size_t count_max, size_t text_max)
{
    fields->count = fields->text_size = 0;
    if (fields->capacity < count_max) {
        hpack_field *data = memory_resize(fields->data, count_max * sizeof *data);
        if (!data)
            return PROA_ERR_NOMEM;
        fields->data = data;
        fields->capacity = count_max;
    }
    if (fields->text_capacity < text_max) {
        char *text = memory_resize(fields->text, text_max);
        if (!text)
            return PROA_ERR_NOMEM;
        fields->text = text;
        fields->text_capacity = text_max;
    }
    return PROA_ERR_NONE;
}

void fields_add_named(fields *fields, hpack_field field)
{
    PROA_ASSERT(fields->count < fields->capacity, "a header list has room for its fields");
    fields->data[fields->count++] = field;
}

void fields_add(fields *fields, hpack_name token, proa_bytes value)
{
    fields_add_named(fields, hpack_field_of(token, value));
}

char *fields_room(fields *fields, size_t size)
{
    PROA_ASSERT(size <= fields->text_capacity - fields->text_size, "a header list has room for its text");
    char *room = fields->text ? fields->text + fields->text_size : NULL;
    fields->text_size += size;
    return room;
}
