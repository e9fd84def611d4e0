/* SPDX-License-Identifier: Apache-2.0 */
/* The 5-byte framing of messages (PROTOCOL-HTTP2.md, Length-Prefixed-Message) and the queue of those that came whole.
 *
 * Every head is checked when it arrives, before anything is allocated for it (CVE-2024-37168). At most
 * ENVELOPE_READY_MAX messages are unpacked ahead of the reader; what follows them waits as the bytes it came in, so that
 * a million empty messages cost what they cost the peer. */
#ifndef RPC_ENVELOPE_H
#define RPC_ENVELOPE_H
#include "rpc/rpc.h"

#define ENVELOPE_READY_MAX 32u

typedef enum envelope_fault {
    ENVELOPE_OK = 0,
    ENVELOPE_COMPRESSED,                          /* flag 1, and no encoding was agreed on */
    ENVELOPE_FLAG,                                /* a flag that is neither 0 nor 1 */
    ENVELOPE_TOO_LARGE,
    ENVELOPE_NOMEM
} envelope_fault;

/* Of the endpoint: where memory comes from. queues has blocks of envelope_queue_size(). */
typedef struct envelope_home { hold_pool *pool; slab *queues; } envelope_home;
size_t envelope_queue_size(void);

typedef struct envelope {
    proa_slice single;                            /* the queue, as long as it holds no more than one */
    struct envelope_queue *queue;                 /* or this; NULL: single */
    hold *hold;                                   /* of the message that is coming in; NULL: none yet */
    size_t receive_bytes_max;
    uint32_t length, received;                    /* of that message, once its head is whole */
    uint8_t head[RPC_ENVELOPE_SIZE], head_size;
    uint8_t first, count;                         /* of the ring */
} envelope;

void envelope_init(envelope *envelope, size_t receive_bytes_max);   /* over {0} */
void envelope_fini(envelope *envelope, const envelope_home *home);  /* drops everything; {0} again */
envelope_fault envelope_feed(envelope *envelope, const envelope_home *home, proa_bytes bytes);
/* false: no message is whole. The fault is that of unpacking the next ones, NOMEM alone; then nothing more comes. */
bool envelope_pop(envelope *envelope, const envelope_home *home, proa_slice *out, envelope_fault *fault);
static inline bool envelope_has_message(const envelope *envelope) { return envelope->count > 0; }
bool envelope_is_between(const envelope *envelope);   /* all that came ended with a message */
/* Bytes that a reader who found nothing waits for: the rest of a message, or of its head; 0 between two. */
size_t envelope_missing(const envelope *envelope);
void envelope_write_head(char *head, size_t size);    /* RPC_ENVELOPE_SIZE bytes */
#endif
