/* SPDX-License-Identifier: Apache-2.0 */
/* Hierarchical timer wheel of a loop: add and remove are O(1); a timer fires at its time or at most 1 ms late, never early. */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H
#include "base/list.h"
#include "proa/base.h"

typedef struct wheel_timer { list_node node; int64_t deadline_ns; } wheel_timer;   /* {0}: not running */
typedef struct wheel wheel;

wheel *wheel_new(int64_t now_ns);                 /* owned: wheel_free; NULL: no memory */
void wheel_free(wheel *wheel);                    /* timers that run are forgotten */
void wheel_add(wheel *wheel, wheel_timer *timer, int64_t deadline_ns);   /* one that runs is moved */
void wheel_remove(wheel *wheel, wheel_timer *timer);                     /* one that does not run: nothing happens */
wheel_timer *wheel_pop(wheel *wheel, int64_t now_ns);   /* one that is due, removed; NULL: none. now never goes back */
int64_t wheel_deadline(const wheel *wheel);       /* when pop may find the next, never later than true; INT64_MAX: none */
static inline bool wheel_is_running(const wheel_timer *timer) { return list_has(&timer->node); }
#endif
