/* SPDX-License-Identifier: Apache-2.0 */
/* Channels in bad weather: servers that do at random whatever a server can do, calls at random, over many seeds. Each call ends
 * once, and with a status that the weather explains; when it clears up, calls succeed. A failure names its seed. */
#include "client/client_testlib.h"
#include <stdio.h>

enum { SERVERS = 3, CALLS_MAX = 40, STEPS = 300 };

typedef struct weather {
    uint64_t random;
    proa_loop *home;
    raw_server servers[SERVERS];
    char addresses[SERVERS][64];
    proa_channel *channel;
    unsigned begun, ended, ok, odd, running;
    bool is_fine; /* all servers answer */
} weather;

static weather *sky; /* of the server's callback */

static unsigned below(weather *w, unsigned limit)
{
    return (unsigned)(backoff_random(&w->random) % limit);
}

static void note_end(proa_call *call, void *user)
{
    weather *w = user;
    proa_code code = proa_call_status(call).code;
    w->ended++;
    w->running--;
    w->ok += code == PROA_OK;
    /* The last three are resets with the codes of their own (rpc_code_of_h2). */
    static const proa_code expected[] = {
        PROA_OK,       PROA_UNAVAILABLE,        PROA_DEADLINE_EXCEEDED, PROA_CANCELLED,
        PROA_INTERNAL, PROA_RESOURCE_EXHAUSTED, PROA_PERMISSION_DENIED
    };
    unsigned i = 0;
    while (i < sizeof expected / sizeof *expected && expected[i] != code)
        i++;
    w->odd += i == sizeof expected / sizeof *expected;
}

static void begin_one(weather *w)
{
    if (w->running == CALLS_MAX)
        return;
    proa_call *call = proa_call_begin(w->channel, "/a.B/C",
                                      &(proa_call_options){ .on_done = note_end,
                                                            .user = w,
                                                            .wait_for_ready = below(w, 3) == 0,
                                                            .timeout_ns = (1 + below(w, 60)) * PROA_SECOND });
    w->begun++;
    w->running++;
    for (unsigned k = below(w, 4); k > 0; k--) {
        proa_slice slice;
        static const char bytes[5000];
        assert_int_equal(proa_slice_copy((proa_bytes){ bytes, below(w, sizeof bytes) }, &slice), PROA_ERR_NONE);
        proa_call_push(call, &slice);
    }
    if (below(w, 5))
        proa_call_end_requests(call);
    if (below(w, 10) == 0)
        proa_call_cancel(call);
}

static void on_call(raw_line *l)
{
    weather *w = sky;
    uint32_t s = l->stream;
    if (w->is_fine) {
        raw_ok(l, s);
        return;
    }
    switch (below(w, 10)) {
    case 0: raw_reset(l, s, 7); break; /* REFUSED_STREAM */
    case 1: raw_reset(l, s, below(w, 13)); break;
    case 2: raw_goaway(l, s > 1 ? s - 2 : 0, 0, ""); break;
    case 3: raw_goaway(l, s, 11, "too_many_pings"); break;
    case 4: raw_hang_up(l); break;
    case 5:
        raw_headers(l, s);
        raw_reset(l, s, 7);
        break;
    case 6: break; /* nothing at all */
    default: raw_ok(l, s);
    }
}

static void open_server(weather *w, unsigned i)
{
    raw_server *s = &w->servers[i];
    raw_open_at(s, w->home, w->addresses[i][0] ? w->addresses[i] : "127.0.0.1:0");
    memcpy(w->addresses[i], s->address, sizeof s->address);
    s->on_call = on_call;
}

static void change(weather *w, unsigned i)
{
    raw_server *s = &w->servers[i];
    raw_line *l = s->count ? &s->lines[below(w, s->count)] : NULL;
    if (!s->listener || s->count > 50) {
        raw_shut(s);
        open_server(w, i);
        return;
    }
    switch (below(w, 8)) {
    case 0: raw_shut(s); break;
    case 1: s->is_mute = !s->is_mute; break;
    case 2: s->hangs_up = !s->hangs_up; break;
    case 3:
        if (l)
            raw_hang_up(l);
        break;
    case 4:
        if (l)
            raw_goaway(l, 0x7fffffff, 0, "");
        break;
    case 5:
        if (l)
            raw_frame(l, 6, 0, 0, "12345678", 8);
        break;
    case 6:
        if (l && !s->is_mute)
            raw_settings(l, 1 + below(w, 3));
        break;
    default:
        if (l)
            raw_frame(l, below(w, 12), below(w, 256), below(w, 4), "garbage!", 8);
    }
}

static void use(weather *w)
{
    switch (below(w, 12)) {
    case 0: proa_channel_reset_backoff(w->channel); break;
    case 1: proa_channel_get_state(w->channel, true); break;
    case 2: {
        io_addresses some = { .count = 0 };
        for (unsigned i = 0; i < SERVERS; i++) {
            io_target target;
            assert_int_equal(io_target_parse(w->addresses[i], -1, &target, NULL), PROA_ERR_NONE);
            if (below(w, 2) || (i == SERVERS - 1 && some.count == 0))
                some.items[some.count++] = target.addresses.items[0];
        }
        if (w->channel->own && w->channel->own->policy.count)
            pick_first_update(&w->channel->own->policy, &some);
        break;
    }
    default: begin_one(w);
    }
}

static void clear_up(weather *w)
{
    w->is_fine = true;
    for (unsigned i = 0; i < SERVERS; i++) {
        raw_shut(&w->servers[i]);
        open_server(w, i);
    }
    rest(w->home, 10 * MS); /* what is sent before the end is heard of may be lost with it */
    proa_call *call = begin_call(w->channel, &(proa_call_options){ .wait_for_ready = true });
    assert_int_equal(code_of(call), PROA_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(code_of(begin_call(w->channel, NULL)), PROA_OK);
    TURN_UNTIL(w->home, w->running == 0); /* their deadlines at the latest */
}

static void play(uint64_t seed)
{
    weather w = { .random = seed, .home = virtual_home() };
    char target[300];
    sky = &w;
    for (unsigned i = 0; i < SERVERS; i++)
        open_server(&w, i);
    snprintf(target, sizeof target, "ipv4:%s,%s,%s", w.addresses[0], w.addresses[1], w.addresses[2]);
    w.channel = proa_channel_open(target, &(proa_channel_options){ .loop = w.home,
                                                                   .seed = seed,
                                                                   .keepalive_ns = seed % 2 ? 10 * PROA_SECOND : 0,
                                                                   .idle_ns = seed % 3 ? 0 : 5 * PROA_SECOND });
    for (int i = 0; i < STEPS; i++) {
        use(&w);
        if (below(&w, 4) == 0)
            change(&w, below(&w, SERVERS));
        if (below(&w, 20) == 0)
            rest(w.home, below(&w, 30) * PROA_SECOND / 3);
        for (unsigned turns = below(&w, 5); turns > 0; turns--)
            home_turn(w.home, below(&w, 50) * MS);
    }
    if (seed % 5)
        clear_up(&w);
    proa_channel_close(w.channel);
    rest(w.home, MS);
    if (w.ended != w.begun || w.odd)
        fail_msg("seed %llu: %u begun, %u ended, %u with a status that nothing explains", (unsigned long long)seed,
                 w.begun, w.ended, w.odd);
    for (unsigned i = 0; i < SERVERS; i++)
        raw_shut(&w.servers[i]);
    rest(w.home, MS);
    proa_loop_free(w.home);
}

static void every_call_ends_once_and_fair_weather_is_used(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        print_message("seed %llu\r", (unsigned long long)seed);
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_call_ends_once_and_fair_weather_is_used) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
