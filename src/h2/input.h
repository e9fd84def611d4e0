/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that came in and were not parsed yet. A unit that lies whole in what was fed is seen in place; only one that is
 * cut by the end of a feed is copied, once. {0} is an empty one. */
#ifndef H2_INPUT_H
#define H2_INPUT_H
#include "base/buffer.h"

typedef struct input {
    proa_bytes fed;        /* borrowed from the pump */
    buffer kept;           /* comes before fed */
} input;

proa_err input_feed(input *in, proa_bytes bytes);
proa_bytes input_gather(input *in, size_t size, proa_err *err);
/* The next size bytes in one piece, or data NULL: they are not there yet, or no memory (*err). */
static inline proa_bytes input_need(input *in, size_t size, proa_err *err)
{
    if (buffer_size(&in->kept) || in->fed.size < size)
        return input_gather(in, size, err);
    return (proa_bytes){ in->fed.data, size };
}
static inline proa_bytes input_some(const input *in) /* whatever comes next in one piece; size 0: nothing */
{ return buffer_size(&in->kept) ? buffer_bytes(&in->kept) : in->fed; }
/* At most what need or some gave; those bytes stay readable until the next need. */
static inline void input_skip(input *in, size_t size)
{
    if (buffer_size(&in->kept)) {
        buffer_consume(&in->kept, size);
    } else {
        in->fed.data += size;
        in->fed.size -= size;
    }
}
proa_err input_keep(input *in);                      /* what was fed goes back to its owner: copies the rest */
static inline size_t input_size(const input *in) { return buffer_size(&in->kept) + in->fed.size; }
#endif
