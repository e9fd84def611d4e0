/* SPDX-License-Identifier: Apache-2.0 */
#include "pb/sample_testlib.h"
#include <stdio.h>
#include <stdlib.h>

static void entries_come_through_in_their_order(void **state)
{
    sample3_Node *m =
        DECODE3(*state, "\x52\x05\x0a\x01z\x10\x01\x52\x05\x0a\x01y\x10\x02\x5a\x06\x08\x05\x12\x02\x08\x03");
    assert_int_equal(m->counts.count, 2);
    assert_bytes(m->counts.data[0].key, "z");
    assert_int_equal(m->counts.data[1].value, 2);
    assert_int_equal(m->nodes.data[0].key, 5);
    assert_int_equal(m->nodes.data[0].value.id, 3);
    assert_encodes(*state, sample3_Node, m,
                   "\x52\x05\x0a\x01z\x10\x01\x52\x05\x0a\x01y\x10\x02\x5a\x06\x08\x05\x12\x02\x08\x03");
}

static void a_missing_key_or_value_is_its_default(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x52\x02\x10\x07\x52\x03\x0a\x01k\x5a\x02\x08\x01\x5a\x00");
    assert_int_equal(m->counts.count, 2);
    assert_non_null(m->counts.data[0].key.data);
    assert_int_equal(m->counts.data[0].key.size, 0);
    assert_int_equal(m->counts.data[0].value, 7);
    assert_int_equal(m->counts.data[1].value, 0);
    assert_int_equal(m->nodes.count, 2);
    assert_encodes(*state, sample3_Node, m,
                   "\x52\x04\x0a\x00\x10\x07\x52\x05\x0a\x01k\x10\x00\x5a\x04\x08\x01\x12\x00\x5a\x04\x08\x00\x12\x00");
    sample2_Legacy *old = DECODE2(*state, "\x08\x01\x3a\x03\x0a\x01k");
    assert_int_equal(old->paints.data[0].value, sample2_PLAIN);
}

static void sides_may_come_in_any_order_and_more_than_once(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x52\x0a\x10\x01\x0a\x01"
                                      "a\x0a\x01"
                                      "b\x10\x02\x5a\x0a\x12\x02\x08\x03\x12\x04\x12\x02hi");
    assert_int_equal(m->counts.count, 1);
    assert_bytes(m->counts.data[0].key, "b");
    assert_int_equal(m->counts.data[0].value, 2);
    assert_int_equal(m->nodes.data[0].value.id, 3);
    assert_bytes(m->nodes.data[0].value.name, "hi");
}

static void unknown_fields_of_an_entry_are_stepped_over(void **state)
{
    sample3_Node *m = DECODE3(*state, "\x52\x09\x0a\x01k\x18\x07\x10\x01\x23\x24");
    assert_int_equal(m->counts.data[0].value, 1);
    assert_refused(*state, sample3_Node, "\x52\x06\x0a\x01k\x10\x01\x0c", "wire type");
    assert_refused(*state, sample3_Node, "\x52\x02\x00\x01", "number 0");
}

static void the_last_entry_of_a_key_wins_and_replaces_the_whole_value(void **state)
{
    sample3_Node *m =
        DECODE3(*state, "\x52\x05\x0a\x01k\x10\x01\x52\x05\x0a\x01k\x10\x02\x5a\x06\x08\x05\x12\x02\x08\x03"
                        "\x5a\x07\x08\x05\x12\x03\x12\x01n");
    assert_int_equal(m->counts.count, 1);
    assert_int_equal(m->counts.data[0].value, 2);
    assert_int_equal(m->nodes.count, 1);
    assert_int_equal(m->nodes.data[0].value.id, 0);
    assert_bytes(m->nodes.data[0].value.name, "n");
}

static void an_entry_with_an_unnamed_closed_enum_goes_whole_to_the_unknown(void **state)
{
    sample2_Legacy *m =
        DECODE2(*state, "\x08\x01\x3a\x05\x0a\x01r\x10\x01\x3a\x05\x0a\x01s\x10\x09\x3a\x05\x0a\x01t\x10\x02");
    assert_int_equal(m->paints.count, 2);
    assert_encodes(*state, sample2_Legacy, m,
                   "\x08\x01\x3a\x05\x0a\x01r\x10\x01\x3a\x05\x0a\x01t\x10\x02\x3a\x05\x0a\x01s\x10\x09");
}

/* Over the size from which an index is used, each key twice, with and without other fields between the entries. */
static void large_maps_keep_one_entry_a_key(void **state)
{
    bench *b = *state;
    enum { KEYS = 500 };
    for (int is_mixed = 0; is_mixed < 2; is_mixed++) {
        char *wire = malloc(KEYS * 2 * 32);
        size_t size = 0;
        for (int i = 0; i < KEYS * 2; i++) {
            int key_size = snprintf(wire + size + 4, 16, "%d", i * 7 % KEYS);
            memcpy(wire + size, (char[]){ 0x52, (char)(key_size + 5), 0x0a, (char)key_size }, 4);
            size += 4 + (size_t)key_size;
            memcpy(wire + size, (char[]){ 0x10, (char)(i % 128 | 0x80), (char)(i / 128) }, 3);
            size += 3;
            memcpy(wire + size,
                   (char[]){ 0x5a, 0x05, 0x08, (char)(i % KEYS % 128 | 0x80), (char)(i % KEYS / 128), 0x12, 0x00 }, 7);
            size += is_mixed ? 7 : 0;
        }
        sample3_Node *m = bench_decode(b, &sample3_Node_type, wire, size);
        assert_int_equal(m->counts.count, KEYS);
        assert_int_equal(m->nodes.count, is_mixed ? KEYS : 0);
        for (int i = 0; i < KEYS; i++) {
            char key[16];
            snprintf(key, sizeof key, "%d", i * 7 % KEYS);
            assert_true(proa_bytes_is_equal(m->counts.data[i].key, proa_bytes_of(key)));
            assert_int_equal(m->counts.data[i].value, KEYS + i);
        }
        free(wire);
    }
}

static void keys_of_one_and_eight_bytes_are_told_apart(void **state)
{
    sample3_Node *m = DECODE3(
        *state, "\x8a\xf7\x02\x05\x08\x01\x12\x01y\x8a\xf7\x02\x05\x08\x00\x12\x01n\x8a\xf7\x02\x05\x08\x02\x12\x01z");
    assert_int_equal(m->answers.count, 2);
    assert_true(m->answers.data[0].key);
    assert_bytes(m->answers.data[0].value, "z");
    assert_encodes(*state, sample3_Node, m, "\x8a\xf7\x02\x05\x08\x01\x12\x01z\x8a\xf7\x02\x05\x08\x00\x12\x01n");
    /* Twice twenty keys that differ in the upper half alone. */
    char wire[40 * 13];
    size_t size = 0;
    for (int i = 0; i < 40; i++) {
        memcpy(wire + size, "\x1a\x0b\x08\x81\x80\x80\x80\x80\x00\x12\x02\x08\x00", 13);
        wire[size + 8] = (char)(i % 20);
        wire[size + 12] = (char)i;
        size += 13;
    }
    sample2_Legacy_Crowd *crowd = bench_decode(*state, &sample2_Legacy_Crowd_type, wire, size);
    assert_int_equal(crowd->numbered.count, 20);
    for (int i = 0; i < 20; i++) {
        assert_true(crowd->numbered.data[i].key == ((int64_t)i << 35 | 1));
        assert_int_equal(crowd->numbered.data[i].value.id.value, 20 + i);
    }
}

static void a_map_in_a_circle_is_an_error(void **state)
{
    bench *b = *state;
    sample3_Node_nodes_entry entry = { .key = 1 };
    entry.value.nodes.data = &entry;
    entry.value.nodes.count = 1;
    proa_bytes out;
    assert_int_equal(sample3_Node_encode(&entry.value, b->arena, &out), PROA_ERR_LIMIT);
    assert_null(proa_clone(&sample3_Node_type, &entry.value, b->arena));
}

static void an_entry_counts_as_a_level(void **state)
{
    /* Each level is node, entry, node: two of the hundred. */
    char wire[600];
    size_t size = 0;
    for (int level = 0; level < 50; level++) {
        char head[8] = { 0x5a };
        size_t head_size = 1, inner = size + 2 + (size >= 0x80);
        head_size += inner >= 0x80 ? 2 : 1;
        if (inner >= 0x80) {
            head[1] = (char)(inner | 0x80);
            head[2] = (char)(inner >> 7);
        } else {
            head[1] = (char)inner;
        }
        head[head_size++] = 0x12;
        if (size >= 0x80)
            head[head_size++] = (char)(size | 0x80);
        head[head_size++] = (char)(size >= 0x80 ? size >> 7 : size);
        memmove(wire + head_size, wire, size);
        memcpy(wire, head, head_size);
        size += head_size;
        bench *b = *state;
        void *m = bench_decode(b, &sample3_Node_type, wire, size);
        assert_non_null(m);
    }
    memmove(wire + 3, wire, size);
    memcpy(wire, (char[]){ 0x4a, (char)(size | 0x80), (char)(size >> 7) }, 3);
    assert_null(bench_decode(*state, &sample3_Node_type, wire, size + 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(entries_come_through_in_their_order),
        BENCH_TEST(a_missing_key_or_value_is_its_default),
        BENCH_TEST(sides_may_come_in_any_order_and_more_than_once),
        BENCH_TEST(unknown_fields_of_an_entry_are_stepped_over),
        BENCH_TEST(the_last_entry_of_a_key_wins_and_replaces_the_whole_value),
        BENCH_TEST(an_entry_with_an_unnamed_closed_enum_goes_whole_to_the_unknown),
        BENCH_TEST(large_maps_keep_one_entry_a_key),
        BENCH_TEST(keys_of_one_and_eight_bytes_are_told_apart),
        BENCH_TEST(a_map_in_a_circle_is_an_error),
        BENCH_TEST(an_entry_counts_as_a_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
