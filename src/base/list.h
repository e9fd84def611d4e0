/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list. A node is in one list at most; {0} is a node in none. */
#ifndef BASE_LIST_H
#define BASE_LIST_H
#include <stdbool.h>
#include <stddef.h>

typedef struct list_node { struct list_node *next, *previous; } list_node;
typedef struct list { list_node head; } list;     /* list_init before use */

static inline void list_init(list *l) { l->head.next = l->head.previous = &l->head; }
static inline bool list_is_empty(const list *l) { return l->head.next == &l->head; }
static inline bool list_has(const list_node *n) { return n->next != NULL; }        /* is in some list */
static inline list_node *list_first(list *l) { return list_is_empty(l) ? NULL : l->head.next; }
static inline list_node *list_next(list *l, list_node *n) { return n->next == &l->head ? NULL : n->next; }
static inline void list_push(list *l, list_node *n)                                /* at the end */
{
    n->previous = l->head.previous;
    n->next = &l->head;
    l->head.previous->next = n;
    l->head.previous = n;
}
static inline void list_push_first(list *l, list_node *n)                          /* at the begin */
{
    n->next = l->head.next;
    n->previous = &l->head;
    l->head.next->previous = n;
    l->head.next = n;
}
static inline void list_remove(list_node *n)                                       /* in none: nothing happens */
{
    if (!n->next)
        return;
    n->previous->next = n->next;
    n->next->previous = n->previous;
    n->next = n->previous = NULL;
}
static inline list_node *list_pop(list *l)                                         /* the first, or NULL */
{
    list_node *n = list_first(l);
    if (n)
        list_remove(n);
    return n;
}
/* The struct around a member. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))
#endif
