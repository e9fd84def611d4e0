/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: two sockets of one loop, joined in memory. Bytes wait at the end that is to read them, in a block of the loop's
 * pool, and only while they wait: an idle pipe holds none. The block that was written is the one that is read. */
#include "io/address.h"
#include "io/loop.h"
#include <errno.h>

enum { PIPE_BYTES = 64 * 1024 };

struct pipe;

typedef struct pipe_end {
    io_socket base;
    struct pipe *pipe;
    const io_socket_handler *handler; /* NULL: not yet owned */
    void *owner;
    io_task input; /* something is to be told */
    hold *inbox;   /* what the other wrote; NULL: nothing */
    size_t size;   /* bytes in it */
    int fault;     /* errno that on_end is to tell */
    bool is_paused;
    bool wants_write;  /* a write was short: on_writable is owed */
    bool is_ended_out; /* io_socket_end */
    bool is_connected; /* on_connected ran */
    bool is_ended;     /* on_end ran, or must not: nothing more is told */
    bool is_closed;
} pipe_end;

typedef struct pipe {
    io_loop *loop;
    io_address address;
    pipe_end ends[2];
    unsigned pins; /* an end that is open, or that tells its owner something right now */
} pipe;

static pipe_end *other_of(pipe_end *end)
{
    return end == &end->pipe->ends[0] ? &end->pipe->ends[1] : &end->pipe->ends[0];
}

static void unpin(pipe *pipe)
{
    if (--pipe->pins == 0)
        memory_free(pipe);
}

static void drop_inbox(pipe_end *end)
{
    hold_release_to(end->pipe->loop->pool, end->inbox);
    end->inbox = NULL;
    end->size = 0;
}

/* ---- Telling, in the I/O phase */

static void notify(pipe_end *end)
{
    if (end->handler && !end->is_ended)
        io_loop_defer(end->pipe->loop, &end->input, IO_INPUT);
}

static bool can_read(const pipe_end *end)
{
    return !end->is_paused && !end->is_ended;
}

/* The block is the reader's until he returns; what he causes to be written meanwhile gets another. */
static void deliver(pipe_end *end)
{
    hold *inbox = end->inbox;
    size_t size = end->size;
    end->inbox = NULL;
    end->size = 0;
    if (other_of(end)->wants_write)
        notify(other_of(end));
    end->handler->on_bytes(end->owner, (proa_bytes){ hold_data(inbox), size });
    hold_release_to(end->pipe->loop->pool, inbox);
}

static void tell_end(pipe_end *end)
{
    proa_error error = { .code = PROA_ERR_NONE };
    if (end->fault)
        address_error(&error, PROA_ERR_IO, &end->pipe->address, end->fault);
    end->is_ended = true;
    io_task_cancel(&end->input);
    end->handler->on_end(end->owner, &error);
}

static void run_input(io_task *task)
{
    pipe_end *end = CONTAINER_OF(task, pipe_end, input);
    pipe *pipe = end->pipe;
    pipe->pins++;
    if (!end->is_connected) {
        end->is_connected = true;
        if (end->handler->on_connected)
            end->handler->on_connected(end->owner);
    }
    if (end->wants_write && !end->is_ended && !end->fault && other_of(end)->size < PIPE_BYTES) {
        end->wants_write = false;
        end->handler->on_writable(end->owner);
    }
    if (end->inbox && can_read(end))
        deliver(end);
    /* A reset is heard by who does not read as well; a FIN comes behind the bytes. */
    bool is_end = end->fault || (other_of(end)->is_ended_out && !end->inbox && can_read(end));
    if (is_end && !end->is_ended)
        tell_end(end);
    unpin(pipe);
}

/* ---- The verbs */

static void own_end(io_socket *base, const io_socket_handler *handler, void *owner)
{
    pipe_end *end = CONTAINER_OF(base, pipe_end, base);
    PROA_ASSERT(!end->is_ended, "a socket changes hands while it is open");
    end->handler = handler;
    end->owner = owner;
    if (!end->is_connected || end->inbox || end->fault || other_of(end)->is_ended_out)
        notify(end);
}

/* Makes room for as much as may be taken; false: no memory. */
static bool reserve(pipe_end *end, size_t size)
{
    if (end->inbox && hold_capacity(end->inbox) >= size)
        return true;
    hold *larger = hold_new_from(end->pipe->loop->pool, size);
    if (!larger)
        return false;
    bytes_copy(hold_data(larger), end->inbox ? hold_data(end->inbox) : NULL, end->size);
    hold_release_to(end->pipe->loop->pool, end->inbox);
    end->inbox = larger;
    return true;
}

static void append(pipe_end *end, const proa_bytes *parts, size_t size)
{
    char *to = hold_data(end->inbox) + end->size;
    end->size += size;
    for (; size > 0; parts++) {
        size_t part = parts->size < size ? parts->size : size;
        bytes_copy(to, parts->data, part);
        to += part;
        size -= part;
    }
}

static size_t write_parts(io_socket *base, const proa_bytes *parts, size_t count)
{
    pipe_end *end = CONTAINER_OF(base, pipe_end, base), *reader = other_of(end);
    PROA_ASSERT(!end->is_ended_out, "nothing is written behind io_socket_end");
    if (end->is_closed || end->fault || end->wants_write)
        return 0;
    if (reader->is_closed) {
        end->fault = EPIPE;
        notify(end);
        return 0;
    }
    size_t offered = bytes_sum(parts, count), room = PIPE_BYTES - reader->size;
    size_t taken = offered < room ? offered : room;
    if (taken && !reserve(reader, reader->size + taken)) {
        end->fault = ENOMEM;
        notify(end);
        return 0;
    }
    append(reader, parts, taken);
    end->wants_write = taken < offered && !end->is_ended;
    if (taken && !reader->is_paused)
        notify(reader);
    return taken;
}

static void pause_end(io_socket *base, bool is_paused)
{
    pipe_end *end = CONTAINER_OF(base, pipe_end, base);
    end->is_paused = is_paused;
    if (!is_paused && (end->inbox || other_of(end)->is_ended_out))
        notify(end);
}

static void end_out(io_socket *base)
{
    pipe_end *end = CONTAINER_OF(base, pipe_end, base);
    if (end->is_ended_out || end->is_closed)
        return;
    end->is_ended_out = true;
    end->wants_write = false;
    notify(other_of(end));
}

/* As TCP: who closes on bytes that he never read resets. */
static void close_end(io_socket *base)
{
    pipe_end *end = CONTAINER_OF(base, pipe_end, base), *left = other_of(end);
    if (end->is_closed)
        return;
    TRACE(end->pipe->loop->trace, TRACE_IO, "io pipe: closed");
    if (end->inbox && !left->fault)
        left->fault = ECONNRESET;
    end->is_closed = end->is_ended = end->is_ended_out = true;
    io_task_cancel(&end->input);
    drop_inbox(end);
    notify(left);
    unpin(end->pipe);
}

static const io_address *peer_of(const io_socket *base)
{
    return &CONTAINER_OF(base, const pipe_end, base)->pipe->address;
}

static const io_socket_kind pipe_kind = {
    .own = own_end, .write = write_parts, .pause = pause_end, .end = end_out, .close = close_end, .peer = peer_of
};

proa_err io_pipe_open(io_loop *loop, io_socket *ends[2])
{
    pipe *made = memory_new(sizeof *made);
    if (!made)
        return PROA_ERR_NOMEM;
    made->loop = loop;
    made->pins = 2;
    io_pipe_address(&made->address);
    for (int i = 0; i < 2; i++) {
        made->ends[i] = (pipe_end){ .base = { &pipe_kind }, .pipe = made, .input = { .run = run_input } };
        ends[i] = &made->ends[i].base;
    }
    TRACE(loop->trace, TRACE_IO, "io pipe: opened");
    return PROA_ERR_NONE;
}
