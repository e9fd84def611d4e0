/* SPDX-License-Identifier: Apache-2.0 */
/* Many senders, one receiver: a stack that senders push on and the receiver takes whole. No lock, no allocation. */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H
#include "io/io.h"
#include <stdatomic.h>

typedef struct mailbox {
    _Atomic(io_mail *) newest;
    atomic_bool is_awake; /* the receiver looks before it sleeps: no need to wake it */
} mailbox;

bool mailbox_push(mailbox *box, io_mail *mail);   /* any thread; true: the receiver must be woken */
bool mailbox_is_empty(mailbox *box);
io_mail *mailbox_take(mailbox *box);              /* all, the oldest first */
void mailbox_set_awake(mailbox *box, bool is_awake);   /* after false: look with is_empty before sleeping */
#endif
