/* SPDX-License-Identifier: Apache-2.0 */
/* The streams of a connection: numbers, concurrency, and how the last of them were closed (RFC 9113 5.1.1, 5.1.2).
 *
 * Never writes a frame and never reports an event. */
#ifndef H2_STREAMS_H
#define H2_STREAMS_H
#include "base/map.h"
#include "h2/stream.h"

#define STREAMS_CLOSED_MAX 64          /* remembered; a late frame of an older stream is ignored */
#define STREAMS_KEPT_MAX 64            /* free blocks in a slab of our own */

/* How a stream that is not open came to be so. */
typedef enum streams_past {
    STREAMS_IDLE,                      /* not yet */
    STREAMS_ENDED,                     /* both sides ended it */
    STREAMS_RESET_HERE,                /* we reset it: whatever comes was in flight */
    STREAMS_RESET_THERE,               /* the peer reset it: nothing may come */
    STREAMS_SKIPPED,                   /* never used, closed by a higher number (RFC 9113 5.1.1) */
    STREAMS_FORGOTTEN
} streams_past;

typedef struct streams {
    h2_role role;
    map_u32 map;                       /* open and numbered */
    h2_stream *latest;                 /* in the map; found without looking */
    list all;                          /* not yet released */
    uint32_t open, zombies;
    uint32_t last_id;                  /* highest number used, by the client of the two */
    uint32_t closed[STREAMS_CLOSED_MAX];   /* ring of id / 2 * 4 + past */
    uint32_t closed_next;
    uint32_t forgotten_id;             /* highest number that fell out of the ring */
    slab *slab, own;
} streams;

void streams_init(streams *streams, h2_role role, slab *slab, size_t extra);
void streams_fini(streams *streams);   /* detaches what was not released */
h2_stream *streams_add(streams *streams);                              /* open and unnumbered; NULL: no memory */
proa_err streams_number(streams *streams, h2_stream *stream, uint32_t id);   /* id is above last_id, which it becomes */
h2_stream *streams_find_slow(const streams *streams, uint32_t id);
static inline h2_stream *streams_find(streams *s, uint32_t id)         /* open; NULL: none */
{
    if (s->latest && s->latest->id == id)
        return s->latest;
    h2_stream *stream = streams_find_slow(s, id);
    if (stream)
        s->latest = stream;
    return stream;
}
void streams_close(streams *streams, h2_stream *stream, streams_past past);
void streams_note(streams *streams, uint32_t id, streams_past past);   /* one that was never made: refused, malformed */
streams_past streams_recall(const streams *streams, uint32_t id);      /* of one that is not open */
void streams_release(streams *streams, h2_stream *stream);
void streams_trim(streams *streams);                                   /* idle: gives memory back */
#endif
