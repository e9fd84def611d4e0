/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Dice: xorshift128+, seeded by splitmix */

static uint64_t split(uint64_t *x)
{
    uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void world_init(world *w, uint64_t seed, bool tells)
{
    uint64_t x = seed;
    *w = (world){ .seed = seed, .now = 1000 * SECOND, .tells = tells };
    w->dice[0] = split(&x);
    w->dice[1] = split(&x) | 1;
}

void world_fini(world *w)
{
    free(w->events.items);
}

uint64_t world_dice(world *w)
{
    uint64_t a = w->dice[0], b = w->dice[1];
    w->dice[0] = b;
    a ^= a << 23;
    w->dice[1] = a ^ b ^ a >> 17 ^ b >> 26;
    return w->dice[1] + b;
}

uint64_t world_below(world *w, uint64_t n)
{
    return n ? world_dice(w) % n : 0;
}

int64_t world_between(world *w, int64_t low, int64_t high)
{
    int bits = 0;
    uint64_t range = (uint64_t)(high - low);
    while (bits < 63 && range >> bits)
        bits++;
    uint64_t mask = (UINT64_C(1) << world_below(w, (uint64_t)bits + 1)) - 1;
    uint64_t x = world_dice(w) & mask;
    return low + (int64_t)(x > range ? range : x);
}

bool world_chance(world *w, unsigned thousandths)
{
    return world_below(w, 1000) < thousandths;
}

/* ---- Events: a binary heap, in order of planning for the same time */

static bool is_before(const event *a, const event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(world *w, size_t i, event *e)
{
    w->events.items[i] = e;
    e->index = i + 1;
}

static void sift_up(world *w, size_t i, event *e)
{
    for (; i > 0 && is_before(e, w->events.items[(i - 1) / 2]); i = (i - 1) / 2)
        put(w, i, w->events.items[(i - 1) / 2]);
    put(w, i, e);
}

static void sift_down(world *w, size_t i, event *e)
{
    for (size_t child; (child = 2 * i + 1) < w->events.count; i = child) {
        if (child + 1 < w->events.count && is_before(w->events.items[child + 1], w->events.items[child]))
            child++;
        if (!is_before(w->events.items[child], e))
            break;
        put(w, i, w->events.items[child]);
    }
    put(w, i, e);
}

void world_plan(world *w, event *e, int64_t at)
{
    world_forget(w, e);
    if (w->events.count == w->events.capacity) {
        w->events.capacity = w->events.capacity ? 2 * w->events.capacity : 64;
        w->events.items = realloc(w->events.items, w->events.capacity * sizeof(event *));
    }
    e->at = at > w->now ? at : w->now;
    e->order = w->events.orders++;
    sift_up(w, w->events.count++, e);
}

void world_forget(world *w, event *e)
{
    if (!e->index)
        return;
    size_t i = e->index - 1;
    e->index = 0;
    event *last = w->events.items[--w->events.count];
    if (last == e)
        return;
    if (i > 0 && is_before(last, w->events.items[(i - 1) / 2]))
        sift_up(w, i, last);
    else
        sift_down(w, i, last);
}

int64_t world_next(const world *w)
{
    return w->events.count ? w->events.items[0]->at : INT64_MAX;
}

void world_fire(world *w)
{
    while (w->events.count && w->events.items[0]->at <= w->now) {
        event *e = w->events.items[0];
        world_forget(w, e);
        e->fire(e);
    }
}

/* ---- The clock */

void world_step(world *w, int64_t to)
{
    if (w->step_count < sizeof w->steps / sizeof w->steps[0]) {
        w->steps[w->step_count].from = w->now;
        w->steps[w->step_count++].to = to;
    }
    w->now = to;
}

/* io promises a millisecond; who turns late is late by as much. */
int64_t world_allowed(const world *w, int64_t at)
{
    int64_t until = at + 2 * MS;
    for (unsigned i = 0; i < w->step_count; i++)
        if (w->steps[i].from <= until && w->steps[i].to > at)
            until = w->steps[i].to + 2 * MS > until ? w->steps[i].to + 2 * MS : until;
    return until;
}

/* ---- The story */

static void digest(world *w, const char *text)
{
    uint64_t h = w->digest ? w->digest : UINT64_C(14695981039346656037);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    w->digest = (h ^ (uint64_t)w->now) * UINT64_C(1099511628211);
}

void world_tell(world *w, const char *format, ...)
{
    char line[400];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    digest(w, line);
    if (w->tells)
        printf("%12.6f  %s\n", (double)(w->now - 1000 * SECOND) / (double)SECOND, line);
}

void world_fail(world *w, const char *rule, const char *format, ...)
{
    if (w->failure)
        return;
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    w->failure = rule;
    snprintf(w->failure_text, sizeof w->failure_text, "%s: %s", rule, text);
    world_tell(w, "FAILED: %s", w->failure_text);
}
