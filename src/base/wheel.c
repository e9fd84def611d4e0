/* SPDX-License-Identifier: Apache-2.0 */
/* Four levels of 64 slots, one tick a millisecond, ticks counted from time 0.
 *
 * The level of a timer is where its tick first differs from the current one, six bits a level:
 *
 *     tick     ffff....ffff 333333 222222 111111 000000
 *              far          level 3 ...           level 0
 *
 * So every timer of a level is due before all of the next level, and within a level the slots are in order and lie
 * behind the current digit. Time may jump: only slots that hold something are visited. Level 0 is exact; a slot of a
 * higher level is dealt out again when its time begins. `far` (over 4.6 hours) and `never` are plain lists. */
#include "base/wheel.h"
#include "base/memory.h"

enum { LEVELS = 4, BITS = 6, SLOTS = 1 << BITS, TICK_NS = 1000000 };
#define TICK_NEVER UINT64_MAX

struct wheel {
    uint64_t now; /* tick: everything up to it is in `due` */
    uint64_t occupied[LEVELS];
    uint64_t earliest[LEVELS][SLOTS]; /* lower bound of the ticks in a slot; valid while it is occupied */
    uint64_t far_earliest;
    list slots[LEVELS][SLOTS];
    list due, far, never;
};

/* A deadline rounds up and the clock down: nothing fires early. */
static uint64_t tick_of_deadline(int64_t deadline_ns)
{
    if (deadline_ns > INT64_MAX - TICK_NS)
        return TICK_NEVER;
    return deadline_ns <= 0 ? 0 : ((uint64_t)deadline_ns + TICK_NS - 1) / TICK_NS;
}

static uint64_t tick_of_now(int64_t now_ns)
{
    return now_ns <= 0 ? 0 : (uint64_t)now_ns / TICK_NS;
}

wheel *wheel_new(int64_t now_ns)
{
    wheel *made = memory_new(sizeof *made);
    if (!made)
        return NULL;
    made->now = tick_of_now(now_ns);
    made->far_earliest = TICK_NEVER;
    for (size_t level = 0; level < LEVELS; level++)
        for (size_t slot = 0; slot < SLOTS; slot++)
            list_init(&made->slots[level][slot]);
    list_init(&made->due);
    list_init(&made->far);
    list_init(&made->never);
    return made;
}

static void forget(list *timers)
{
    while (list_pop(timers))
        ;
}

void wheel_free(wheel *wheel)
{
    if (!wheel)
        return;
    for (size_t level = 0; level < LEVELS; level++)
        for (size_t slot = 0; slot < SLOTS; slot++)
            forget(&wheel->slots[level][slot]);
    forget(&wheel->due);
    forget(&wheel->far);
    forget(&wheel->never);
    memory_free(wheel);
}

static unsigned lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned at = 0;
    while (!(bits >> at & 1))
        at++;
    return at;
#endif
}

static void place(wheel *wheel, wheel_timer *timer)
{
    uint64_t tick = tick_of_deadline(timer->deadline_ns);
    if (tick == TICK_NEVER) {
        list_push(&wheel->never, &timer->node);
        return;
    }
    if (tick <= wheel->now) {
        list_push(&wheel->due, &timer->node);
        return;
    }
    unsigned level = 0;
    while (level < LEVELS && (tick ^ wheel->now) >> (BITS * (level + 1)))
        level++;
    if (level == LEVELS) {
        list_push(&wheel->far, &timer->node);
        wheel->far_earliest = tick < wheel->far_earliest ? tick : wheel->far_earliest;
        return;
    }
    size_t slot = tick >> (BITS * level) & (SLOTS - 1);
    uint64_t bit = UINT64_C(1) << slot;
    if (!(wheel->occupied[level] & bit) || tick < wheel->earliest[level][slot])
        wheel->earliest[level][slot] = tick;
    wheel->occupied[level] |= bit;
    list_push(&wheel->slots[level][slot], &timer->node);
}

void wheel_add(wheel *wheel, wheel_timer *timer, int64_t deadline_ns)
{
    wheel_remove(wheel, timer);
    timer->deadline_ns = deadline_ns;
    place(wheel, timer);
}

/* The list of a timer that is alone in it is found through its node: both neighbours are the head. */
static void mark_empty(wheel *wheel, const list_node *head)
{
    if (head == &wheel->far.head) {
        wheel->far_earliest = TICK_NEVER;
        return;
    }
    uintptr_t offset = (uintptr_t)head - (uintptr_t)&wheel->slots[0][0];
    if (offset >= sizeof wheel->slots)
        return;
    size_t index = offset / sizeof(list);
    wheel->occupied[index / SLOTS] &= ~(UINT64_C(1) << (index % SLOTS));
}

void wheel_remove(wheel *wheel, wheel_timer *timer)
{
    if (!list_has(&timer->node))
        return;
    const list_node *alone = timer->node.next == timer->node.previous ? timer->node.next : NULL;
    list_remove(&timer->node);
    if (alone)
        mark_empty(wheel, alone);
}

/* Where the earliest timers are. */
typedef struct place_in_time {
    unsigned level, slot; /* level LEVELS: far */
    uint64_t begin;       /* when that list is to be dealt out */
    uint64_t earliest;    /* lower bound of the ticks in it */
} place_in_time;

static bool find_first(const wheel *wheel, place_in_time *out)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        if (!wheel->occupied[level])
            continue;
        unsigned slot = lowest_bit(wheel->occupied[level]);
        unsigned shift = BITS * level;
        uint64_t turn = wheel->now >> (shift + BITS) << (shift + BITS);
        *out = (place_in_time){ level, slot, turn | (uint64_t)slot << shift, wheel->earliest[level][slot] };
        return true;
    }
    if (wheel->far_earliest == TICK_NEVER)
        return false;
    *out = (place_in_time){ LEVELS, 0, wheel->far_earliest >> (BITS * LEVELS) << (BITS * LEVELS), wheel->far_earliest };
    return true;
}

/* Deals a list out again, seen from the current tick. Its timers move down a level at least. */
static void deal(wheel *wheel, list *from)
{
    list moving;
    list_init(&moving);
    for (list_node *node; (node = list_pop(from));)
        list_push(&moving, node);
    mark_empty(wheel, &from->head);
    for (list_node *node; (node = list_pop(&moving));)
        place(wheel, CONTAINER_OF(node, wheel_timer, node));
}

static void advance(wheel *wheel, uint64_t to)
{
    place_in_time first;
    while (wheel->now < to && find_first(wheel, &first) && first.begin <= to) {
        wheel->now = first.begin;
        deal(wheel, first.level == LEVELS ? &wheel->far : &wheel->slots[first.level][first.slot]);
    }
    if (wheel->now < to)
        wheel->now = to;
}

wheel_timer *wheel_pop(wheel *wheel, int64_t now_ns)
{
    advance(wheel, tick_of_now(now_ns));
    list_node *node = list_pop(&wheel->due);
    return node ? CONTAINER_OF(node, wheel_timer, node) : NULL;
}

int64_t wheel_deadline(const wheel *wheel)
{
    if (!list_is_empty(&wheel->due))
        return (int64_t)wheel->now * TICK_NS;
    place_in_time first;
    return find_first(wheel, &first) ? (int64_t)first.earliest * TICK_NS : INT64_MAX;
}
