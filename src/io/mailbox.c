/* SPDX-License-Identifier: Apache-2.0 */
/* Taking the whole stack leaves nothing to race on. Everything is sequentially consistent: a sender writes `newest` and
 * then reads `is_awake`, the receiver writes `is_awake` and then reads `newest`, so that one of them sees the other. */
#include "io/mailbox.h"

bool mailbox_push(mailbox *box, io_mail *mail)
{
    io_mail *newest = atomic_load_explicit(&box->newest, memory_order_relaxed);
    do
        mail->next = newest;
    while (!atomic_compare_exchange_weak(&box->newest, &newest, mail));
    /* Whoever put mail on top of other mail leaves waking to the first. */
    return newest == NULL && !atomic_load(&box->is_awake);
}

bool mailbox_is_empty(mailbox *box)
{
    return atomic_load(&box->newest) == NULL;
}

io_mail *mailbox_take(mailbox *box)
{
    if (mailbox_is_empty(box))
        return NULL;
    io_mail *newest = atomic_exchange(&box->newest, NULL), *oldest = NULL;
    while (newest) {
        io_mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void mailbox_set_awake(mailbox *box, bool is_awake)
{
    atomic_store(&box->is_awake, is_awake);
}
