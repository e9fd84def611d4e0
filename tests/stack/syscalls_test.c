/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that do less than they were asked for, or fail: this program stands in front of the C library's. A storm of
 * short reads and writes, EAGAIN and EINTR changes nothing but the time; a failure costs at most the calls that it met, and
 * the next call gets through. */
#define _GNU_SOURCE /* accept4 */
#include "shapes.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { RECV, SEND, ACCEPT, CONNECT, SOCKET, SETSOCKOPT, POLL, CALLS };
enum { WHOLE, SHORT, AGAIN, INTERRUPTED, KINDS };
static const char *const call_names[CALLS] = { "recv",   "sendmsg",    "accept4",   "connect",
                                               "socket", "setsockopt", "epoll_wait" };

static struct {
    bool is_storm;
    uint64_t seed;
    unsigned long met[CALLS][KINDS];
    int failing; /* one of CALLS, with... */
    int error;   /* 0: none fails */
    unsigned countdown, asked;
} faults;

static unsigned draw(unsigned limit)
{
    faults.seed ^= faults.seed << 13;
    faults.seed ^= faults.seed >> 7;
    faults.seed ^= faults.seed << 17;
    return (unsigned)(faults.seed >> 33) % limit;
}

static bool must_fail(int call)
{
    if (!faults.error || faults.failing != call)
        return false;
    faults.asked++;
    if (faults.countdown == 0 || --faults.countdown > 0)
        return false;
    errno = faults.error;
    return true;
}

/* What the storm makes of a call that moves size bytes, or none: how many it may move, or -1 with errno. */
static ssize_t weather(int call, size_t size, bool can_wait)
{
    if (!faults.is_storm)
        return (ssize_t)size;
    int kind = (int)draw(KINDS);
    if ((kind == SHORT && size < 2) || (kind == AGAIN && !can_wait))
        kind = WHOLE;
    faults.met[call][kind]++;
    switch (kind) {
    case SHORT: return 1 + (ssize_t)draw(draw(2) || size < 10 ? (unsigned)size - 1 : 9);
    case AGAIN: errno = EAGAIN; return -1;
    case INTERRUPTED: errno = EINTR; return -1;
    default: return (ssize_t)size;
    }
}

/* ---- In front of the C library's */

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t allowed = must_fail(RECV) ? -1 : weather(RECV, size, true);
    return allowed < 0 ? -1 : (ssize_t)syscall(SYS_recvfrom, fd, buffer, (size_t)allowed, flags, NULL, NULL);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t size = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        size += message->msg_iov[i].iov_len;
    ssize_t allowed = must_fail(SEND) ? -1 : weather(SEND, size, true);
    if (allowed < 0)
        return -1;
    struct iovec parts[64];
    struct msghdr cut = *message;
    cut.msg_iov = parts;
    cut.msg_iovlen = 0;
    for (size_t i = 0, left = (size_t)allowed; i < message->msg_iovlen && i < 64 && left > 0; i++) {
        parts[i] = message->msg_iov[i];
        if (parts[i].iov_len > left)
            parts[i].iov_len = left;
        left -= parts[i].iov_len;
        cut.msg_iovlen++;
    }
    return (ssize_t)syscall(SYS_sendmsg, fd, &cut, flags);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    if (must_fail(ACCEPT) || weather(ACCEPT, 1, true) < 0)
        return -1;
    return (int)syscall(SYS_accept4, fd, address, size, flags);
}

/* An interrupted connect goes on by itself (POSIX). */
int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    if (must_fail(CONNECT))
        return -1;
    int result = (int)syscall(SYS_connect, fd, address, size);
    int error = errno;
    if ((result == 0 || error == EINPROGRESS) && weather(CONNECT, 1, false) < 0)
        return -1;
    errno = error;
    return result;
}

int socket(int domain, int type, int protocol)
{
    return must_fail(SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    return must_fail(SETSOCKOPT) ? -1 : (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

int epoll_pwait(int fd, struct epoll_event *events, int count, int wait_ms, const sigset_t *mask)
{
    if (weather(POLL, 1, false) < 0)
        return -1;
    return (int)syscall(SYS_epoll_pwait, fd, events, count, wait_ms, mask, _NSIG / 8);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int wait_ms)
{
    return epoll_pwait(fd, events, count, wait_ms, NULL);
}

/* ---- Four calls */

static char body[70000];

typedef struct talk {
    size_t size;
    int64_t pushed, wanted, popped;
    size_t bytes;
    unsigned done;
    proa_code code;
} talk;

static void note_end(proa_call *call, void *user)
{
    talk *t = user;
    t->code = proa_call_status(call).code;
    t->done++;
}

static void one_done(proa_call *call, void *user)
{
    talk *t = user;
    const test_Item *reply = test_Shapes_One_reply(call);
    t->popped += reply != NULL;
    t->bytes += reply ? reply->data.size : 0;
    note_end(call, user);
}

static void in_done(proa_call *call, void *user)
{
    talk *t = user;
    const test_Item *reply = test_Shapes_In_reply(call);
    t->popped += reply ? reply->number : 0;
    t->bytes += reply ? t->size * (size_t)reply->number : 0;
    note_end(call, user);
}

static void pop(talk *t, const test_Item *item)
{
    assert_int_equal(item->number, t->popped++);
    assert_memory_equal(item->data.data, body, item->data.size);
    t->bytes += item->data.size;
}

static void out_ready(proa_call *call, void *user)
{
    for (const test_Item *item; (item = test_Shapes_Out_pop_reply(call));)
        pop(user, item);
}

static void push_on(proa_call *call, talk *t, bool (*push)(proa_call *call, const test_Item *item))
{
    while (t->pushed < t->wanted && proa_call_can_push(call))
        push(call, &(test_Item){ .number = t->pushed++, .data = { body, t->size } });
    if (t->pushed == t->wanted)
        proa_call_end_requests(call);
}

static void in_ready(proa_call *call, void *user)
{
    push_on(call, user, test_Shapes_In_push_request);
}

static void both_ready(proa_call *call, void *user)
{
    for (const test_Item *item; (item = test_Shapes_Both_pop_reply(call));)
        pop(user, item);
    push_on(call, user, test_Shapes_Both_push_request);
}

enum { ITEMS = 12 };

static void begin_four(proa_channel *channel, talk t[4], size_t size)
{
    test_Item item = { .number = ITEMS, .data = { body, size } };
    for (int i = 0; i < 4; i++)
        t[i] = (talk){ .size = size, .wanted = ITEMS };
    test_Shapes_One_begin(channel, &item, &(proa_call_options){ .on_done = one_done, .user = &t[0] });
    test_Shapes_Out_begin(channel, &item,
                          &(proa_call_options){ .on_ready = out_ready, .on_done = note_end, .user = &t[1] });
    test_Shapes_In_begin(channel, &(proa_call_options){ .on_ready = in_ready, .on_done = in_done, .user = &t[2] });
    test_Shapes_Both_begin(channel, &(proa_call_options){ .on_ready = both_ready, .on_done = note_end, .user = &t[3] });
}

static void open_at(inside *in, const char *address)
{
    in->loop = proa_loop_new(NULL);
    in->server = proa_server_new(&(proa_server_options){ .loop = in->loop });
    assert_int_equal(proa_server_listen(in->server, address, NULL), PROA_ERR_NONE);
    test_Shapes_serve(in->server, &shapes_on_loop, NULL);
    in->channel = inside_channel(in, (proa_channel_options){ 0 });
}

/* ---- The storm */

static void weather_this(const char *address, size_t size, uint64_t seed)
{
    inside in;
    talk t[4];
    open_at(&in, address);
    faults.is_storm = true;
    faults.seed = seed;
    begin_four(in.channel, t, size);
    TURN_UNTIL(in.loop, t[0].done && t[1].done && t[2].done && t[3].done);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(t[i].code, PROA_OK);
        assert_int_equal(t[i].done, 1);
        assert_int_equal(t[i].popped, i == 0 ? 1 : ITEMS);
        assert_int_equal(t[i].bytes, size * (size_t)t[i].popped);
    }
    faults.is_storm = false;
    inside_close(&in);
}

static void short_calls_eagain_and_eintr_change_nothing(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 100, 5000, sizeof body };
    char path[64];
    snprintf(path, sizeof path, "unix-abstract:proa-syscalls-%d", (int)getpid());
    for (uint64_t seed = 1; seed <= 8; seed++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            weather_this(seed % 2 ? "127.0.0.1:0" : path, sizes[i], seed * 2654435761u + i);
    for (int call = RECV; call <= SEND; call++)
        for (int kind = 0; kind < KINDS; kind++)
            if (faults.met[call][kind] == 0)
                fail_msg("%s: weather %d never came", call_names[call], kind);
    assert_true(faults.met[ACCEPT][AGAIN] && faults.met[ACCEPT][INTERRUPTED]);
    assert_true(faults.met[CONNECT][INTERRUPTED] && faults.met[POLL][INTERRUPTED]);
}

/* ---- The i-th fails */

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *all = opendir("/proc/self/fd");
    while (readdir(all))
        count++;
    closedir(all);
    return count;
}

static void fail_ith(int call, int error, unsigned i)
{
    inside in;
    talk t[4], after = { .wanted = 1 };
    unsigned files = open_files();
    open_at(&in, "127.0.0.1:0");
    faults.failing = call;
    faults.error = error;
    faults.countdown = i;
    faults.asked = 0;
    begin_four(in.channel, t, 5000);
    TURN_UNTIL(in.loop, t[0].done && t[1].done && t[2].done && t[3].done);
    faults.error = 0;
    for (int k = 0; k < 4; k++)
        if (t[k].done != 1 || (t[k].code != PROA_OK && t[k].code != PROA_UNAVAILABLE))
            fail_msg("%s %u failed with %s: call %d is %s, %u times", call_names[call], i, strerror(error), k,
                     proa_code_name(t[k].code), t[k].done);
    test_Shapes_One_begin(in.channel, &(test_Item){ .number = 1 },
                          &(proa_call_options){ .on_done = one_done, .user = &after, .wait_for_ready = true });
    TURN_UNTIL(in.loop, after.done);
    assert_int_equal(after.code, PROA_OK);
    inside_close(&in);
    assert_int_equal(open_files(), files);
}

static void each_failure_costs_only_the_calls_that_it_met(void **state)
{
    (void)state;
    static const struct {
        int call, errors[8];
    } table[] = {
        { RECV, { ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOMEM } },
        { SEND, { EPIPE, ECONNRESET, ENOBUFS, ENOMEM } },
        { ACCEPT, { EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO, EPERM } },
        { CONNECT, { ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EAGAIN } },
        { SOCKET, { EMFILE, ENFILE, EAFNOSUPPORT, ENOBUFS } },
        { SETSOCKOPT, { ENOPROTOOPT } },
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++)
        for (const int *error = table[row].errors; *error; error++) {
            fail_ith(table[row].call, *error, 0); /* none: how many there are */
            unsigned asked = faults.asked;
            assert_true(asked > 0);
            for (unsigned i = 1; i <= asked; i++)
                fail_ith(table[row].call, *error, i);
        }
}

int main(void)
{
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)(i * 31 >> 3);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_calls_eagain_and_eintr_change_nothing),
        cmocka_unit_test(each_failure_costs_only_the_calls_that_it_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
