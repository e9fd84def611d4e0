/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/envelope.h"
#include "base/bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MAX = 4 * 1024 * 1024 };

static slab queues;
static envelope_home home = { .queues = &queues };

static int setup(void **state)
{
    (void)state;
    slab_init(&queues, envelope_queue_size(), 2);
    home.pool = hold_pool_new();
    return home.pool ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    hold_pool_free(home.pool);
    slab_fini(&queues);
    return 0;
}

/* A wire of messages whose sizes are given; byte i of message m is m + i. */
static buffer wire_of(const uint32_t *sizes, size_t count)
{
    buffer wire = { 0 };
    for (size_t m = 0; m < count; m++) {
        assert_int_equal(buffer_reserve(&wire, RPC_ENVELOPE_SIZE + sizes[m]), PROA_ERR_NONE);
        envelope_write_head(buffer_tail(&wire), sizes[m]);
        wire.end += RPC_ENVELOPE_SIZE;
        for (uint32_t i = 0; i < sizes[m]; i++)
            *buffer_tail(&wire) = (char)(m + i), wire.end++;
    }
    return wire;
}

static void pop_is(envelope *envelope, size_t m, uint32_t size)
{
    proa_slice slice;
    envelope_fault fault;
    assert_true(envelope_pop(envelope, &home, &slice, &fault));
    assert_int_equal(fault, ENVELOPE_OK);
    assert_int_equal(slice.bytes.size, size);
    assert_non_null(slice.bytes.data);
    for (uint32_t i = 0; i < size; i++)
        assert_int_equal(slice.bytes.data[i], (char)(m + i));
    for (uint32_t i = 0; i < HOLD_SLOP; i++) /* readable; the sanitizer looks */
        (void)*(volatile const char *)(slice.bytes.data + size + i);
    proa_slice_free(&slice);
}

static void nothing_is_there(envelope *envelope)
{
    proa_slice slice;
    envelope_fault fault;
    assert_false(envelope_has_message(envelope));
    assert_false(envelope_pop(envelope, &home, &slice, &fault));
}

static const uint32_t sizes[] = { 0, 1, 5, 0, 0, 300, 70000, 3, 5000, 2 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Pops at once, or when everything came. */
static void runs(proa_bytes wire, size_t (*cut)(void *), void *user, bool at_once)
{
    envelope envelope = { 0 };
    envelope_init(&envelope, MAX);
    size_t m = 0;
    while (wire.size) {
        size_t size = cut(user);
        size = size < wire.size ? size : wire.size;
        assert_int_equal(envelope_feed(&envelope, &home, (proa_bytes){ wire.data, size }), ENVELOPE_OK);
        wire.data += size;
        wire.size -= size;
        for (; at_once && envelope_has_message(&envelope); m++)
            pop_is(&envelope, m, sizes[m]);
    }
    for (; envelope_has_message(&envelope); m++)
        pop_is(&envelope, m, sizes[m]);
    assert_int_equal(m, SIZES);
    assert_true(envelope_is_between(&envelope));
    nothing_is_there(&envelope);
    envelope_fini(&envelope, &home);
}

static size_t whole(void *user)
{
    (void)user;
    return SIZE_MAX;
}

static size_t one(void *user)
{
    (void)user;
    return 1;
}

static size_t seeded(void *user)
{
    uint64_t *seed = user;
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *seed >> 33 & 1 ? 1 + (*seed >> 40) % 9 : 1 + (*seed >> 40) % 3000;
}

static void messages_come_out_as_they_went_in_wherever_data_is_cut(void **state)
{
    (void)state;
    buffer wire = wire_of(sizes, SIZES);
    for (int at_once = 0; at_once < 2; at_once++) {
        runs(buffer_bytes(&wire), whole, NULL, at_once);
        runs(buffer_bytes(&wire), one, NULL, at_once);
        for (uint64_t seed = 1; seed < 40; seed++)
            runs(buffer_bytes(&wire), seeded, &(uint64_t){ seed }, at_once);
    }
    buffer_fini(&wire);
}

static void messages_that_nobody_reads_wait_as_bytes(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    uint32_t *many = calloc(COUNT, sizeof *many);
    for (size_t i = 0; i < COUNT; i++)
        many[i] = i % 3;
    buffer wire = wire_of(many, COUNT);
    envelope envelope = { 0 };
    envelope_init(&envelope, MAX);
    memory_watch(0);
    uint64_t seed = 7;
    for (proa_bytes in = buffer_bytes(&wire); in.size;) {
        size_t size = seeded(&seed);
        size = size < in.size ? size : in.size;
        assert_int_equal(envelope_feed(&envelope, &home, (proa_bytes){ in.data, size }), ENVELOPE_OK);
        in.data += size;
        in.size -= size;
    }
    assert_true(memory_unwatch() < 64); /* the queue, its first messages, and doublings of the bytes */
    assert_true(envelope_is_between(&envelope));
    for (size_t i = 0; i < COUNT; i++)
        pop_is(&envelope, i, many[i]);
    nothing_is_there(&envelope);
    envelope_fini(&envelope, &home);
    buffer_fini(&wire);
    free(many);
}

static void reading_goes_on_while_the_queue_is_full(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static uint32_t many[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        many[i] = (uint32_t)(i * 7919 % 50);
    buffer wire = wire_of(many, COUNT);
    for (uint64_t seed = 1; seed < 10; seed++) {
        uint64_t random = seed;
        envelope envelope = { 0 };
        envelope_init(&envelope, MAX);
        size_t m = 0;
        for (proa_bytes in = buffer_bytes(&wire); in.size;) {
            size_t size = seeded(&random);
            size = size < in.size ? size : in.size;
            assert_int_equal(envelope_feed(&envelope, &home, (proa_bytes){ in.data, size }), ENVELOPE_OK);
            in.data += size;
            in.size -= size;
            for (size_t pops = seeded(&random) % 60; pops && envelope_has_message(&envelope); pops--, m++)
                pop_is(&envelope, m, many[m]);
        }
        for (; envelope_has_message(&envelope); m++)
            pop_is(&envelope, m, many[m]);
        assert_int_equal(m, COUNT);
        envelope_fini(&envelope, &home);
    }
    buffer_fini(&wire);
}

static envelope_fault fault_of(proa_bytes wire, size_t step, size_t queued)
{
    envelope envelope = { 0 };
    envelope_init(&envelope, 1000);
    envelope_fault fault = ENVELOPE_OK;
    for (size_t i = 0; i < queued; i++)
        assert_int_equal(envelope_feed(&envelope, &home, PROA_STR("\0\0\0\0\1x")), ENVELOPE_OK);
    for (size_t i = 0; i < wire.size && !fault; i += step) {
        size_t size = wire.size - i < step ? wire.size - i : step;
        fault = envelope_feed(&envelope, &home, (proa_bytes){ wire.data + i, size });
    }
    envelope_fini(&envelope, &home);
    return fault;
}

static void bad_heads_are_found_when_they_arrive_even_behind_unread_messages(void **state)
{
    (void)state;
    static const struct {
        proa_bytes wire;
        envelope_fault fault;
    } rows[] = {
        { PROA_STR_INIT("\1\0\0\0\0"), ENVELOPE_COMPRESSED },
        { PROA_STR_INIT("\0\0\0\0\1x\1\0\0\0\1x"), ENVELOPE_COMPRESSED },
        { PROA_STR_INIT("\2\0\0\0\0"), ENVELOPE_FLAG },
        { PROA_STR_INIT("\200\0\0\0\0"), ENVELOPE_FLAG },
        { PROA_STR_INIT("\377\0\0\0\0"), ENVELOPE_FLAG },
        { PROA_STR_INIT("\0\0\0\003\350"), ENVELOPE_OK }, /* 1000 */
        { PROA_STR_INIT("\0\0\0\003\351"), ENVELOPE_TOO_LARGE },
        { PROA_STR_INIT("\0\377\377\377\377"), ENVELOPE_TOO_LARGE },
        { PROA_STR_INIT("\0\0\0\0\0\0\200\0\0\0"), ENVELOPE_TOO_LARGE },
        { PROA_STR_INIT("\1\377\377\377\377"), ENVELOPE_COMPRESSED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step <= rows[i].wire.size; step++) {
            assert_int_equal(fault_of(rows[i].wire, step, 0), rows[i].fault);
            assert_int_equal(fault_of(rows[i].wire, step, 31), rows[i].fault);
            assert_int_equal(fault_of(rows[i].wire, step, 100), rows[i].fault);
        }
    }
}

static void memory_grows_with_what_came_and_never_with_what_a_length_claims(void **state)
{
    (void)state;
    envelope envelope = { 0 };
    envelope_init(&envelope, UINT32_MAX);
    memory_watch(0);
    assert_int_equal(envelope_feed(&envelope, &home, PROA_STR("\0\377\377\377\377")), ENVELOPE_OK);
    assert_int_equal(memory_unwatch(), 0);
    assert_int_equal(envelope_missing(&envelope), UINT32_MAX);
    static const char body[20000];
    for (size_t got = 0; got < 2000000; got += sizeof body) {
        assert_int_equal(envelope_feed(&envelope, &home, (proa_bytes){ body, sizeof body }), ENVELOPE_OK);
        assert_true(hold_capacity(envelope.hold) <= 16 * (got + sizeof body) + 4096);
    }
    envelope_fini(&envelope, &home);
}

static void a_large_message_is_read_into_one_hold(void **state)
{
    (void)state;
    static const uint32_t size = 200000;
    buffer wire = wire_of(&size, 1);
    envelope envelope = { 0 };
    envelope_init(&envelope, MAX);
    memory_watch(0);
    for (size_t at = 0; at < buffer_size(&wire); at += 16384) {
        size_t left = buffer_size(&wire) - at;
        proa_bytes in = { wire.data + at, left < 16384 ? left : 16384 };
        assert_int_equal(envelope_feed(&envelope, &home, in), ENVELOPE_OK);
        assert_int_equal(envelope_missing(&envelope), left - in.size);
    }
    assert_true(memory_unwatch() <= 1); /* none, if the pool had it */
    pop_is(&envelope, 0, size);
    envelope_fini(&envelope, &home);
    buffer_fini(&wire);
}

static void steady_small_messages_allocate_nothing(void **state)
{
    (void)state;
    static const uint32_t size = 100;
    buffer wire = wire_of(&size, 1);
    envelope envelope = { 0 };
    envelope_init(&envelope, MAX);
    for (int i = 0; i < 10; i++) {
        proa_slice slice;
        envelope_fault fault;
        if (i == 1)
            memory_watch(0);
        assert_int_equal(envelope_feed(&envelope, &home, buffer_bytes(&wire)), ENVELOPE_OK);
        assert_true(envelope_pop(&envelope, &home, &slice, &fault));
        hold_release_to(home.pool, slice.hold);
    }
    assert_int_equal(memory_unwatch(), 0);
    envelope_fini(&envelope, &home);
    buffer_fini(&wire);
}

static void an_end_within_head_or_body_is_told_from_one_between(void **state)
{
    (void)state;
    static const uint32_t lengths[] = { 2, 0 };
    buffer wire = wire_of(lengths, 2);
    for (size_t queued = 0; queued <= 64; queued += 32) {
        for (size_t size = 0; size <= buffer_size(&wire); size++) {
            envelope envelope = { 0 };
            envelope_init(&envelope, MAX);
            for (size_t i = 0; i < queued; i++)
                assert_int_equal(envelope_feed(&envelope, &home, PROA_STR("\0\0\0\0\0")), ENVELOPE_OK);
            assert_int_equal(envelope_feed(&envelope, &home, (proa_bytes){ wire.data, size }), ENVELOPE_OK);
            assert_int_equal(envelope_is_between(&envelope), size == 0 || size == 7 || size == 12);
            envelope_fini(&envelope, &home);
        }
    }
    buffer_fini(&wire);
}

static void running_out_of_memory_is_a_fault_at_every_allocation(void **state)
{
    (void)state;
    buffer wire = wire_of(sizes, SIZES);
    size_t nth = 1;
    for (bool done = false; !done; nth++) {
        slab_fini(&queues);
        hold_pool_free(home.pool);
        home.pool = NULL;
        slab_init(&queues, envelope_queue_size(), 2);
        envelope envelope = { 0 };
        envelope_init(&envelope, MAX);
        envelope_fault fault = ENVELOPE_OK;
        memory_watch(nth);
        for (int i = 0; i < 10 && !fault; i++)
            fault = envelope_feed(&envelope, &home, buffer_bytes(&wire));
        proa_slice slice;
        while (!fault && envelope_pop(&envelope, &home, &slice, &fault))
            proa_slice_free(&slice);
        done = memory_unwatch() < nth;
        assert_int_equal(fault, done ? ENVELOPE_OK : ENVELOPE_NOMEM);
        envelope_fini(&envelope, &home);
    }
    assert_true(nth > 20);
    home.pool = hold_pool_new();
    buffer_fini(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_as_they_went_in_wherever_data_is_cut),
        cmocka_unit_test(messages_that_nobody_reads_wait_as_bytes),
        cmocka_unit_test(reading_goes_on_while_the_queue_is_full),
        cmocka_unit_test(bad_heads_are_found_when_they_arrive_even_behind_unread_messages),
        cmocka_unit_test(memory_grows_with_what_came_and_never_with_what_a_length_claims),
        cmocka_unit_test(a_large_message_is_read_into_one_hold),
        cmocka_unit_test(steady_small_messages_allocate_nothing),
        cmocka_unit_test(an_end_within_head_or_body_is_told_from_one_between),
        cmocka_unit_test(running_out_of_memory_is_a_fault_at_every_allocation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
