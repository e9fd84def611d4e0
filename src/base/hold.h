/* SPDX-License-Identifier: Apache-2.0 */
/* Counted memory: the block behind a proa_slice. It may cross threads, so its count is atomic.
 * Behind the capacity lie HOLD_SLOP readable zero bytes: protobuf decoders read past the end within them. */
#ifndef BASE_HOLD_H
#define BASE_HOLD_H
#include "proa/call.h"

#define HOLD_SLOP 16

typedef struct hold hold;
typedef struct hold_pool hold_pool;   /* recycles small blocks of one thread; any thread may give a block back to the heap */

hold *hold_new(size_t capacity);                  /* one reference; owned: hold_release; NULL: no memory */
hold *hold_new_from(hold_pool *pool, size_t capacity);   /* pool NULL: the heap */
hold *hold_retain(hold *hold);                    /* gives it back, for chaining; NULL stays NULL */
void hold_release(hold *hold);                    /* NULL is fine; any thread */
void hold_release_to(hold_pool *pool, hold *hold);/* as release, on the pool's own thread: a small last one is kept */
char *hold_data(hold *hold);
size_t hold_capacity(const hold *hold);

hold_pool *hold_pool_new(void);                   /* owned: hold_pool_free; NULL: no memory */
void hold_pool_free(hold_pool *pool);

proa_slice slice_of(hold *hold, size_t offset, size_t size);   /* takes the reference */
proa_slice slice_share(const proa_slice *slice);  /* a second owner of the same bytes */
#endif
