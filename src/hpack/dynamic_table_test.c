/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic table against a plain model, and its edges. */
#include "hpack/dynamic_table.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "hpack/hpack_testlib.h"

static void put(dynamic_table *table, const char *name, const char *value)
{
    assert_true(dynamic_table_insert(table, proa_bytes_of(name), proa_bytes_of(value), HPACK_NAME_UNKNOWN));
}

static void expect_entry(const dynamic_table *table, uint32_t age, proa_bytes text)
{
    const dynamic_entry *entry = dynamic_table_entry(table, table->inserted - age);
    assert_int_equal(entry->name_size + entry->value_size, text.size);
    if (text.size)
        assert_memory_equal(dynamic_table_bytes(table, entry), text.data, text.size);
}

static void an_empty_table_holds_no_memory(void **state)
{
    (void)state;
    dynamic_table table;
    dynamic_table_init(&table);
    assert_null(table.entries);
    assert_null(table.bytes);
    assert_int_equal(table.size_max, 4096);
    dynamic_table_resize(&table, 0);
    put(&table, "a", "b");
    assert_null(table.bytes);
    assert_int_equal(table.count, 0);
    dynamic_table_fini(&table);
}

static void the_oldest_go_when_the_size_is_reached(void **state)
{
    (void)state;
    dynamic_table table;
    dynamic_table_init(&table);
    dynamic_table_resize(&table, 3 * 34);
    put(&table, "a", "1");
    put(&table, "b", "2");
    put(&table, "c", "3");
    assert_int_equal(table.count, 3);
    assert_int_equal(table.size, 102);
    put(&table, "d", "45"); /* one byte over: two must go */
    assert_int_equal(table.count, 2);
    assert_int_equal(table.size, 69);
    expect_entry(&table, 1, PROA_STR("d45"));
    expect_entry(&table, 2, PROA_STR("c3"));
    dynamic_table_resize(&table, 68);
    assert_int_equal(table.count, 1);
    dynamic_table_resize(&table, 34);
    assert_int_equal(table.count, 0);
    assert_int_equal(table.size, 0);
    dynamic_table_fini(&table);
}

static void what_is_larger_than_the_table_empties_it(void **state)
{
    (void)state;
    dynamic_table table;
    dynamic_table_init(&table);
    dynamic_table_resize(&table, 100);
    put(&table, "a", "1");
    uint64_t generation = table.generation;
    char large[70];
    memset(large, 'x', sizeof large);
    assert_true(dynamic_table_insert(&table, (proa_bytes){ large, 69 }, PROA_STR(""), 0)); /* 101 bytes: RFC 7541 4.4 */
    assert_int_equal(table.count, 0);
    assert_true(table.generation != generation);
    assert_true(dynamic_table_insert(&table, (proa_bytes){ large, 68 }, PROA_STR(""), 0));
    assert_int_equal(table.count, 1);
    assert_int_equal(table.size, 100);
    dynamic_table_fini(&table);
}

static void generation_changes_with_every_change(void **state)
{
    (void)state;
    dynamic_table table;
    dynamic_table_init(&table);
    uint64_t first = table.generation;
    put(&table, "a", "1");
    uint64_t second = table.generation;
    dynamic_table_resize(&table, 4096);
    assert_true(first < second && second < table.generation);
    dynamic_table_fini(&table);
}

static void empty_strings_are_entries(void **state)
{
    (void)state;
    dynamic_table table;
    dynamic_table_init(&table);
    dynamic_table_resize(&table, 128);
    for (int i = 0; i < 100; i++)
        put(&table, "", "");
    assert_int_equal(table.count, 4);
    expect_entry(&table, 4, PROA_STR(""));
    put(&table, "", "x");
    expect_entry(&table, 1, PROA_STR("x"));
    assert_int_equal(table.count, 3);
    dynamic_table_fini(&table);
}

/* The model: all that was ever inserted, sizes counted as the RFC does. */
#define MODEL_MAX 20000
typedef struct model {
    uint32_t sizes[MODEL_MAX];
    uint32_t seeds[MODEL_MAX];
    uint64_t inserted;
    uint32_t count, size;
} model;

static proa_bytes text_of(uint32_t seed, uint32_t size, char *to)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (char)(seed * 31 + i * 7 + (seed >> 8));
    return (proa_bytes){ to, size };
}

static void model_evict(model *m, uint32_t size_max)
{
    while (m->size > size_max)
        m->size -= m->sizes[m->inserted - m->count--] + 32;
}

static void check(const dynamic_table *table, const model *m)
{
    static char text[8192];
    assert_int_equal(table->count, m->count);
    assert_int_equal(table->size, m->size);
    for (uint32_t age = 1; age <= m->count; age++) {
        uint64_t n = m->inserted - age;
        expect_entry(table, age, text_of(m->seeds[n], m->sizes[n], text));
    }
    assert_true(table->byte_capacity <= 2 * HPACK_TABLE_BYTES_MAX);
}

static void insert(dynamic_table *table, model *m, uint32_t size, uint64_t random)
{
    static char text[8192];
    proa_bytes all = text_of((uint32_t)random, size, text);
    uint32_t cut = size ? (uint32_t)(random >> 33) % size : 0;
    assert_true(
        dynamic_table_insert(table, (proa_bytes){ all.data, cut }, (proa_bytes){ all.data + cut, size - cut }, 0));
    if (size + 32 > table->size_max) {
        model_evict(m, 0);
        return;
    }
    model_evict(m, table->size_max - size - 32);
    m->sizes[m->inserted] = size;
    m->seeds[m->inserted++] = (uint32_t)random;
    m->count++;
    m->size += size + 32;
}

static void step(dynamic_table *table, model *m, uint64_t *seed)
{
    uint64_t random = next_random(seed);
    if (random % 40 == 0) {
        uint32_t size_max = (uint32_t)(random >> 8) % 4 == 0 ? 0 : (uint32_t)(random >> 16) % 5000;
        dynamic_table_resize(table, size_max);
        model_evict(m, size_max);
        return;
    }
    uint32_t size = (uint32_t)(random >> 8) % ((random >> 40) % 4 == 0 ? 1500 : 60);
    if ((random >> 50) % 8 == 0)
        size = 0;
    insert(table, m, size, random);
}

static void it_agrees_with_a_plain_model(void **state)
{
    (void)state;
    static model m;
    for (uint64_t run = 1; run <= 3; run++) {
        m.inserted = m.count = m.size = 0;
        uint64_t seed = run;
        dynamic_table table;
        dynamic_table_init(&table);
        uint32_t largest = 4096;
        for (int i = 0; i < 4000; i++) {
            step(&table, &m, &seed);
            largest = table.size_max > largest ? table.size_max : largest;
            check(&table, &m);
            assert_true(table.byte_capacity <= 2 * largest);
        }
        dynamic_table_fini(&table);
    }
}

/* Small entries wrap around while the ring is smaller than the table; then nothing is evicted any more and the gap between
 * head and tail is filled, to the last byte and around it. */
static void a_full_ring_is_not_taken_for_an_empty_one(void **state)
{
    (void)state;
    static model m;
    for (uint32_t before = 20; before < 60; before++) {
        for (uint32_t gap = 0; gap < 60; gap++) {
            m.inserted = m.count = m.size = 0;
            dynamic_table table;
            dynamic_table_init(&table);
            dynamic_table_resize(&table, 1000);
            for (uint32_t i = 0; i < before; i++)
                insert(&table, &m, 10, i * 77);
            dynamic_table_resize(&table, 4096);
            insert(&table, &m, gap, 1234567);
            insert(&table, &m, 5, 7654321);
            check(&table, &m);
            dynamic_table_fini(&table);
        }
    }
}

static void out_of_memory_changes_nothing(void **state)
{
    (void)state;
    char large[1000];
    memset(large, 'y', sizeof large);
    for (size_t nth = 1; nth <= 2; nth++) {
        dynamic_table table;
        dynamic_table_init(&table);
        for (int i = 0; i < 8; i++)
            put(&table, "name", "value");
        dynamic_table before = table;
        memory_watch(nth);
        bool is_inserted = dynamic_table_insert(&table, PROA_STR("large"), (proa_bytes){ large, sizeof large }, 0);
        memory_unwatch();
        assert_false(is_inserted);
        assert_int_equal(table.generation, before.generation);
        assert_int_equal(table.count, 8);
        for (uint32_t age = 1; age <= 8; age++)
            expect_entry(&table, age, PROA_STR("namevalue"));
        dynamic_table_fini(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_holds_no_memory),
        cmocka_unit_test(the_oldest_go_when_the_size_is_reached),
        cmocka_unit_test(what_is_larger_than_the_table_empties_it),
        cmocka_unit_test(generation_changes_with_every_change),
        cmocka_unit_test(empty_strings_are_entries),
        cmocka_unit_test(it_agrees_with_a_plain_model),
        cmocka_unit_test(a_full_ring_is_not_taken_for_an_empty_one),
        cmocka_unit_test(out_of_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
