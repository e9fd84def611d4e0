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
/* The next size bytes in one piece, or data NULL: they are not there yet, or no memory (*err). */
proa_bytes input_need(input *in, size_t size, proa_err *err);
proa_bytes input_some(const input *in);              /* whatever comes next in one piece; size 0: nothing */
void input_skip(input *in, size_t size);             /* at most what need or some gave; those bytes stay readable until need */
proa_err input_keep(input *in);                      /* what was fed goes back to its owner: copies the rest */
static inline size_t input_size(const input *in) { return buffer_size(&in->kept) + in->fed.size; }
#endif
