/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs recycle up to their bound, zeroed; the heap's watch counts and fails what it is told to. */
#include "base/slab.h"
#include "base/memory.h"
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void blocks_are_recycled_and_zeroed(void **state)
{
    (void)state;
    const char zero[40] = { 0 };
    slab s;
    slab_init(&s, 40, 2);
    char *a = slab_take(&s), *b = slab_take(&s), *c = slab_take(&s);
    memset(a, 1, 40);
    slab_give(&s, a);
    slab_give(&s, b);
    slab_give(&s, c);
    slab_give(&s, NULL);
    assert_int_equal(s.kept, 2);
    memory_watch(1);
    b = slab_take(&s);
    a = slab_take(&s);
    assert_int_equal(memory_unwatch(), 0);
    assert_memory_equal(a, zero, 40);
    slab_give(&s, a);
    slab_give(&s, b);
    slab_fini(&s);
    assert_int_equal(s.kept, 0);
}

static void tiny_blocks_and_no_memory(void **state)
{
    (void)state;
    slab s;
    slab_init(&s, 1, 0);
    memory_watch(1);
    assert_null(slab_take(&s));
    memory_unwatch();
    slab_give(&s, slab_take(&s));
    assert_int_equal(s.kept, 0);
    slab_fini(&s);
}

static void the_watch_fails_the_nth_only(void **state)
{
    (void)state;
    memory_watch(2);
    void *a = memory_new(0), *b = memory_new(1), *c = memory_resize(NULL, 0);
    assert_int_equal(memory_unwatch(), 3);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    memory_free(a);
    memory_free(c);
    memory_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_recycled_and_zeroed),
        cmocka_unit_test(tiny_blocks_and_no_memory),
        cmocka_unit_test(the_watch_fails_the_nth_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
