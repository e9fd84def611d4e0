/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: the right to answer, once, from any thread. */
#include "call/object.h"
#include <stdarg.h>

enum { TICKET_ANSWERED = 1, TICKET_FIRST = 2 }; /* 0: none was taken */

/* On a loop the ticket pins the call; on a worker it takes over the worker's pin. The call becomes remote before anybody else
 * can know of it. A mutex that cannot be made leaves nobody to answer to: that is an assertion, for it never needs memory. */
proa_code proa_call_later(proa_call *c, proa_later *out)
{
    PROA_ASSERT(c && c->is_served && !c->ticket, "a ticket is taken once, in the handler");
    bool is_on_loop = home_is_here(c->home);
    if (is_on_loop) {
        PROA_ASSERT(c->is_running, "a ticket is taken in the handler");
        PROA_ASSERT(remote_init(c), "the system gave no mutex");
        remote_refresh(c);
        c->state = CALL_LATER;
        call_pin(c);
    }
    c->ticket = atomic_fetch_add(&c->home->tickets, 1) + TICKET_FIRST;
    *out = (proa_later){ .call = c, .ticket = c->ticket };
    return PROA_LATER;
}

void proa_later_finish(proa_later *later, proa_code code)
{
    proa_call *c = later->call;
    PROA_ASSERT(c && later->ticket && c->ticket == later->ticket, "a ticket answers once, and its own call");
    *later = (proa_later){ 0 };
    c->ticket = TICKET_ANSWERED;
    remote_finish(c, step_encode_reply(c, code));
}

void proa_later_fail(proa_later *later, proa_code code, const char *format, ...)
{
    proa_call *c = later->call;
    PROA_ASSERT(c && later->ticket && c->ticket == later->ticket, "a ticket answers once, and its own call");
    va_list args;
    va_start(args, format);
    call_keep_text(c, format, args);
    va_end(args);
    proa_later_finish(later, code);
}
