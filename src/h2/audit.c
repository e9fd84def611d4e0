/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the books of a connection are right. Tests and fuzzers ask after every verb; nothing else calls it. */
#include "h2/connection.h"

#define MUST(condition, rule) \
    do { \
        if (!(condition)) \
            return rule; \
    } while (0)

/* RFC 9113 6.9: what was sent and not given back is what is held, or still on its way through the parser. */
static bool is_window_right(const flow_receive *f, uint64_t held)
{
    return f->window + (int64_t)f->owed + (int64_t)held == (int64_t)f->target + f->debt;
}

static const char *audit_stream(const h2_connection *c, const h2_stream *s)
{
    MUST(s->withheld <= s->held, "withheld credit belongs to held bytes");
    MUST(s->connection == c, "a stream knows its connection");
    if (s->state == STREAM_CLOSED) {
        MUST(!list_has(&s->ready) && !list_has(&s->hungry), "a closed stream waits for nothing");
        MUST(s->queue.size == 0 && !s->trailers, "a closed stream has nothing to send");
        MUST(c->data.stream != s, "no DATA streams into a closed stream");
        return NULL;
    }
    MUST(!s->is_closed_due && !s->is_closed_told, "only a closed stream is told to be closed");
    MUST(s->id == 0 || streams_find(&c->streams, s->id) == s, "a numbered open stream is in the table");
    MUST(!s->queue.size || s->send_window <= 0 || list_has(&s->ready), "what can be sent is ready");
    MUST(!list_has(&s->ready) || (s->queue.size && s->send_window > 0), "what is ready can be sent");
    if (s->state == STREAM_OPEN || s->state == STREAM_HALF_LOCAL) {
        uint64_t coming = c->data.stream == s ? c->data.left : 0;
        MUST(s->is_resetting || is_window_right(&s->receive, s->held + coming), "a stream's window is exact");
    }
    return NULL;
}

const char *h2_connection_audit(h2_connection *c)
{
    uint64_t held = 0, withheld = 0, lent = 0;
    uint32_t open = 0, zombies = 0;
    for (list_node *n = list_first(&c->streams.all); n; n = list_next(&c->streams.all, n)) {
        h2_stream *s = CONTAINER_OF(n, h2_stream, all);
        const char *broken = audit_stream(c, s);
        if (broken)
            return broken;
        held += s->held;
        withheld += s->withheld;
        lent += s->receive.debt;
        open += s->state != STREAM_CLOSED;
        zombies += s->is_zombie;
    }
    MUST(held == c->held, "held bytes are those of the streams");
    MUST(lent == c->lent, "lent credit is that of the streams");
    MUST(open == c->streams.open && zombies == c->streams.zombies, "streams are counted right");
    MUST(c->role == H2_CLIENT || open + zombies <= c->limits.streams_max, "a peer opens streams_max at most");
    uint64_t coming = c->data.is_active ? c->data.left : 0;
    MUST(connection_is_stopped(c) || is_window_right(&c->receive, withheld + coming),
         "the connection's window is exact");
    MUST(c->streams.table.count <= open, "the table holds open streams only");
    MUST(buffer_size(&c->block.bytes) <= 2 * (size_t)c->limits.header_list_bytes_max, "a header block is bounded");
    return NULL;
}

h2_books h2_connection_books(const h2_connection *c)
{
    return (h2_books){ .sendable = c->send_window,
                       .receivable = c->receive.window,
                       .held = c->held,
                       .streams = c->streams.open + c->streams.zombies };
}
