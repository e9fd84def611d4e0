/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, counts, and the memory of closed streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/base.h"
#include "h2/streams.h"

static h2_stream *open_one(streams *s, uint32_t id)
{
    h2_stream *stream = streams_add(s);
    assert_non_null(stream);
    streams_number(s, stream, id);
    return stream;
}

static void open_streams_are_found_and_counted(void **state)
{
    (void)state;
    streams s;
    streams_init(&s, H2_SERVER, NULL, 24);
    h2_stream *one = open_one(&s, 1), *nine = open_one(&s, 9);
    assert_ptr_equal(streams_find(&s, 1), one);
    assert_ptr_equal(streams_find(&s, 9), nine);
    assert_null(streams_find(&s, 5));
    assert_int_equal(s.open, 2);
    assert_int_equal(s.last_id, 9);
    streams_close(&s, one, STREAMS_ENDED);
    assert_null(streams_find(&s, 1));
    streams_close(&s, nine, STREAMS_RESET_THERE);
    assert_int_equal(s.open, 0);
    assert_int_equal(s.zombies, 1); /* its handler may still run */
    streams_release(&s, nine);
    assert_int_equal(s.zombies, 0);
    streams_release(&s, one);
    streams_fini(&s);
}

static void the_past_of_a_number_is_remembered(void **state)
{
    (void)state;
    streams s;
    streams_init(&s, H2_SERVER, NULL, 0);
    streams_note(&s, 1, STREAMS_ENDED);
    streams_note(&s, 5, STREAMS_RESET_HERE);
    streams_note(&s, 7, STREAMS_RESET_THERE);
    assert_int_equal(streams_recall(&s, 1), STREAMS_ENDED);
    assert_int_equal(streams_recall(&s, 3), STREAMS_SKIPPED);
    assert_int_equal(streams_recall(&s, 5), STREAMS_RESET_HERE);
    assert_int_equal(streams_recall(&s, 7), STREAMS_RESET_THERE);
    assert_int_equal(streams_recall(&s, 9), STREAMS_IDLE);
    assert_int_equal(streams_recall(&s, 2), STREAMS_IDLE);
    streams_note(&s, 0x7fffffff, STREAMS_RESET_THERE);
    assert_int_equal(streams_recall(&s, 0x7fffffff), STREAMS_RESET_THERE);
    for (uint32_t i = 0; i < STREAMS_CLOSED_MAX - 3; i++)
        streams_note(&s, 101 + 2 * i, STREAMS_ENDED);
    assert_int_equal(streams_recall(&s, 1), STREAMS_FORGOTTEN);
    assert_int_equal(streams_recall(&s, 3), STREAMS_SKIPPED);
    assert_int_equal(streams_recall(&s, 5), STREAMS_RESET_HERE);
    streams_note(&s, 501, STREAMS_ENDED);
    assert_int_equal(streams_recall(&s, 3), STREAMS_FORGOTTEN);
    streams_fini(&s);
}

static void blocks_are_recycled_with_their_extra_zeroed(void **state)
{
    (void)state;
    streams s;
    streams_init(&s, H2_SERVER, NULL, 24);
    h2_stream *one = open_one(&s, 1);
    memset(h2_stream_extra(one), 7, 24);
    streams_close(&s, one, STREAMS_ENDED);
    streams_release(&s, one);
    h2_stream *two = open_one(&s, 3);
    assert_ptr_equal(one, two);
    char zeros[24] = { 0 };
    assert_memory_equal(h2_stream_extra(two), zeros, 24);
    assert_int_equal((uintptr_t)h2_stream_extra(two) % 16, (uintptr_t)two % 16);
    streams_close(&s, two, STREAMS_ENDED);
    streams_release(&s, two);
    streams_fini(&s);
}

static void fields_are_copied_whole(void **state)
{
    (void)state;
    char name[] = "x-name", value[] = "value";
    hpack_field fields[] = { { .name = { name, 6 }, .value = { value, 5 }, .is_never_indexed = true },
                             hpack_field_of(HPACK_NAME_GRPC_STATUS, (proa_bytes){ value, 1 }) };
    stream_fields *copy = stream_fields_copy(fields, 2);
    memset(name, 0, sizeof name);
    memset(value, 0, sizeof value);
    assert_int_equal(copy->count, 2);
    assert_true(bytes_is(copy->fields[0].name, "x-name", 6) && copy->fields[0].is_never_indexed);
    assert_true(bytes_is(copy->fields[0].value, "value", 5));
    assert_int_equal(copy->fields[1].token, HPACK_NAME_GRPC_STATUS);
    assert_true(bytes_is(copy->fields[1].value, "v", 1));
    memory_free(copy);
}

/* RFC 9113 5.1: whatever comes, a closed stream stays closed, and only the two ends lead there without a reset. */
static void the_machine_has_no_way_back(void **state)
{
    (void)state;
    for (unsigned s = 0; s < STREAM_STATES; s++)
        for (unsigned i = 0; i < STREAM_INPUTS; i++) {
            const stream_step *step = &stream_table[s][i];
            if (s == STREAM_CLOSED)
                assert_int_equal(step->next, STREAM_CLOSED);
            if (s != STREAM_IDLE)
                assert_int_not_equal(step->next, STREAM_IDLE);
            if (step->scope)
                assert_true(step->next == s && step->reason);
            if (s != STREAM_IDLE && i == STREAM_R_RESET)
                assert_int_equal(step->next, STREAM_CLOSED);
        }
    assert_int_equal(stream_table[STREAM_OPEN][STREAM_R_END].next, STREAM_HALF_REMOTE);
    assert_int_equal(stream_table[STREAM_OPEN][STREAM_S_END].next, STREAM_HALF_LOCAL);
    assert_int_equal(stream_table[STREAM_HALF_LOCAL][STREAM_R_END].next, STREAM_CLOSED);
    assert_int_equal(stream_table[STREAM_HALF_REMOTE][STREAM_S_END].next, STREAM_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_streams_are_found_and_counted),
        cmocka_unit_test(the_past_of_a_number_is_remembered),
        cmocka_unit_test(blocks_are_recycled_with_their_extra_zeroed),
        cmocka_unit_test(fields_are_copied_whole),
        cmocka_unit_test(the_machine_has_no_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
