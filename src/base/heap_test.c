/* SPDX-License-Identifier: Apache-2.0 */
/* The heap gives keys in order, whatever leaves it in between. */
#include "base/heap.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { COUNT = 1000 };

static void keys_come_out_in_order(void **state)
{
    (void)state;
    static heap_node nodes[COUNT];
    heap h = { 0 };
    uint32_t seed = 3;
    for (int i = 0; i < COUNT; i++) {
        seed = seed * 1664525 + 1013904223;
        assert_int_equal(heap_add(&h, &nodes[i], (int64_t)(seed >> 22) - 500), PROA_ERR_NONE);
    }
    for (int i = 0; i < COUNT; i += 3) {
        heap_remove(&h, &nodes[i]);
        heap_remove(&h, &nodes[i]);
    }
    int64_t last = INT64_MIN;
    size_t count = 0;
    for (heap_node *first; (first = heap_first(&h)); count++) {
        assert_true(first->key >= last);
        last = first->key;
        heap_remove(&h, first);
        assert_int_equal(first->index, 0);
    }
    assert_int_equal(count, COUNT - (COUNT + 2) / 3);
    heap_fini(&h);
}

static void every_order_of_removal_keeps_the_heap(void **state)
{
    (void)state;
    heap_node nodes[6] = { { 0, 0 } };
    for (int victim = 0; victim < 6; victim++) {
        for (int rotate = 0; rotate < 6; rotate++) {
            heap h = { 0 };
            for (int i = 0; i < 6; i++)
                assert_int_equal(heap_add(&h, &nodes[i], (i * 5 + rotate) % 6), PROA_ERR_NONE);
            heap_remove(&h, &nodes[victim]);
            int64_t last = -1;
            for (heap_node *first; (first = heap_first(&h)); heap_remove(&h, first)) {
                assert_true(first->key > last);
                last = first->key;
            }
            heap_fini(&h);
        }
    }
}

static void no_memory_leaves_the_heap_as_it_was(void **state)
{
    (void)state;
    heap h = { 0 };
    heap_node node = { 0, 0 };
    memory_watch(1);
    assert_int_equal(heap_add(&h, &node, 1), PROA_ERR_NOMEM);
    memory_unwatch();
    assert_null(heap_first(&h));
    assert_int_equal(node.index, 0);
    assert_int_equal(heap_add(&h, &node, 1), PROA_ERR_NONE);
    heap_fini(&h);
    assert_int_equal(node.index, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_out_in_order),
        cmocka_unit_test(every_order_of_removal_keeps_the_heap),
        cmocka_unit_test(no_memory_leaves_the_heap_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
