/* SPDX-License-Identifier: Apache-2.0 */
/* Maps against an array as the model, with removals, collisions and no memory. */
#include "base/map.h"
#include "base/bytes.h"
#include "base/memory.h"
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { KEYS = 512 };

static void numbers_agree_with_a_model(void **state)
{
    (void)state;
    static int values[KEYS];
    void *model[KEYS] = { NULL };
    map_u32 map = { 0 };
    uint32_t seed = 5;
    size_t count = 0;
    for (int i = 0; i < 50000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t key = 1 + (seed >> 8) % (KEYS - 1);
        if (seed >> 30 < 2) {
            count += model[key] == NULL;
            model[key] = &values[seed >> 16 & (KEYS - 1)];
            assert_int_equal(map_u32_put(&map, key, model[key]), PROA_ERR_NONE);
        } else {
            count -= model[key] != NULL;
            assert_ptr_equal(map_u32_remove(&map, key), model[key]);
            model[key] = NULL;
        }
        assert_int_equal(map.count, count);
        assert_ptr_equal(map_u32_get(&map, key), model[key]);
        if (i % 1000 == 0)
            for (uint32_t k = 0; k < KEYS; k++)
                assert_ptr_equal(map_u32_get(&map, k), model[k]);
    }
    map_u32_fini(&map);
    assert_null(map_u32_get(&map, 1));
}

static void streams_that_come_and_go_do_not_grow_the_map(void **state)
{
    (void)state;
    int value;
    map_u32 map = { 0 };
    for (uint32_t id = 1; id < 200000; id += 2) {
        assert_int_equal(map_u32_put(&map, id, &value), PROA_ERR_NONE);
        if (id > 20)
            assert_ptr_equal(map_u32_remove(&map, id - 20), &value);
    }
    assert_true(map.capacity <= 32);
    map_u32_fini(&map);
}

static void the_extreme_keys_work(void **state)
{
    (void)state;
    int value;
    map_u32 map = { 0 };
    assert_null(map_u32_remove(&map, 1));
    assert_null(map_u32_get(&map, 0));
    assert_int_equal(map_u32_put(&map, UINT32_MAX, &value), PROA_ERR_NONE);
    assert_ptr_equal(map_u32_get(&map, UINT32_MAX), &value);
    assert_null(map_u32_get(&map, 0));
    assert_null(map_u32_remove(&map, 0));
    assert_null(map_u32_remove(&map, 5));
    map_u32_fini(&map);
}

static void no_memory_leaves_the_maps(void **state)
{
    (void)state;
    int value;
    map_u32 map = { 0 };
    uint32_t key = 1;
    for (;; key++) {
        memory_watch(map.count ? 1 : 0);
        proa_err err = map_u32_put(&map, key, &value);
        memory_unwatch();
        if (err)
            break;
    }
    assert_int_equal(map.count, key - 1);
    for (uint32_t k = 1; k < key; k++)
        assert_ptr_equal(map_u32_get(&map, k), &value);
    assert_int_equal(map_u32_put(&map, key, &value), PROA_ERR_NONE);
    map_u32_fini(&map);
    map_bytes bytes;
    map_bytes_init(&bytes, 1);
    memory_watch(1);
    assert_int_equal(map_bytes_put(&bytes, PROA_STR("a"), &value), PROA_ERR_NOMEM);
    memory_unwatch();
    assert_null(map_bytes_get(&bytes, PROA_STR("a")));
    map_bytes_fini(&bytes);
}

static void texts_are_found_by_content(void **state)
{
    (void)state;
    static char texts[KEYS][24];
    map_bytes map;
    map_bytes_init(&map, 42);
    assert_null(map_bytes_get(&map, PROA_STR("/a/b")));
    for (int i = 0; i < KEYS; i++) {
        snprintf(texts[i], sizeof texts[i], "/package.Service/M%d", i);
        assert_int_equal(map_bytes_put(&map, proa_bytes_of(texts[i]), texts[i]), PROA_ERR_NONE);
    }
    for (int i = 0; i < KEYS; i++) {
        char copy[24];
        memcpy(copy, texts[i], sizeof copy);
        assert_ptr_equal(map_bytes_get(&map, proa_bytes_of(copy)), texts[i]);
    }
    assert_null(map_bytes_get(&map, PROA_STR("/package.Service/M")));
    assert_null(map_bytes_get(&map, PROA_STR("/package.Service/M512")));
    assert_int_equal(map_bytes_put(&map, proa_bytes_of(texts[3]), texts[4]), PROA_ERR_NONE);
    assert_ptr_equal(map_bytes_get(&map, proa_bytes_of(texts[3])), texts[4]);
    assert_int_equal(map.count, KEYS);
    map_bytes_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_agree_with_a_model), cmocka_unit_test(streams_that_come_and_go_do_not_grow_the_map),
        cmocka_unit_test(the_extreme_keys_work),      cmocka_unit_test(no_memory_leaves_the_maps),
        cmocka_unit_test(texts_are_found_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
