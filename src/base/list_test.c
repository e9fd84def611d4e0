/* SPDX-License-Identifier: Apache-2.0 */
/* Lists keep their order, and a node knows whether it is in one. */
#include "base/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

typedef struct item {
    int number;
    list_node node;
} item;

static void nodes_come_out_in_order(void **state)
{
    (void)state;
    list l;
    list_init(&l);
    item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    assert_true(list_is_empty(&l));
    assert_null(list_pop(&l));
    for (int i = 0; i < 3; i++)
        list_push(&l, &items[i].node);
    assert_true(list_has(&items[1].node));
    list_remove(&items[1].node);
    list_remove(&items[1].node);
    assert_false(list_has(&items[1].node));
    assert_ptr_equal(list_first(&l), &items[0].node);
    assert_ptr_equal(list_next(&l, &items[0].node), &items[2].node);
    assert_null(list_next(&l, &items[2].node));
    assert_int_equal(CONTAINER_OF(list_pop(&l), item, node)->number, 1);
    assert_int_equal(CONTAINER_OF(list_pop(&l), item, node)->number, 3);
    assert_true(list_is_empty(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_come_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
