/* SPDX-License-Identifier: Apache-2.0 */
/* The two samples, compiled, and the bench for them. */
#include "pb/sample_testlib.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pb/sample3_source.inc"
#include "pb/sample2_source.inc"

int bench_setup(void **state)
{
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->arena = proa_arena_new(0);
    assert_non_null(b->arena);
    *state = b;
    return 0;
}

static void forget(bench *b)
{
    while (b->copy_count)
        free(b->copies[--b->copy_count]);
    proa_arena_reset(b->arena);
}

int bench_teardown(void **state)
{
    bench *b = *state;
    forget(b);
    proa_arena_free(b->arena);
    free(b);
    return 0;
}

/* A copy with slop readable bytes behind it, all set so that a decoder that believes them goes wrong. */
static proa_bytes copy_of(bench *b, const char *data, size_t size, size_t slop)
{
    assert_true(b->copy_count < sizeof b->copies / sizeof b->copies[0]);
    char *copy = malloc(size + slop ? size + slop : 1);
    assert_non_null(copy);
    b->copies[b->copy_count++] = copy;
    bytes_copy(copy, data, size);
    memset(copy + size, 0xff, slop);
    return (proa_bytes){ copy, size };
}

void *bench_decode(bench *b, const proa_type *type, const char *data, size_t size)
{
    proa_error error = { .code = PROA_ERR_NONE };
    void *slack = proa_arena_alloc(b->arena, type->size);
    memset(&b->error, 0, sizeof b->error);
    proa_bytes wide = copy_of(b, data, size, HOLD_SLOP);
    proa_err code = pb_decode_slice(type, wide, b->arena, slack, &error);
    void *exact = proa_decode(type, copy_of(b, data, size, 0), b->arena, &b->error);
    assert_int_equal(code, error.code);
    assert_int_equal(exact == NULL, code != PROA_ERR_NONE);
    if (!exact) {
        assert_string_equal(error.text, b->error.text);
        assert_int_equal(error.offset, b->error.offset);
        assert_true(b->error.code != PROA_ERR_NONE && b->error.offset <= size);
        return NULL;
    }
    proa_bytes one = bench_encode(b, type, slack), two = bench_encode(b, type, exact);
    assert_true(proa_bytes_is_equal(one, two));
    return exact;
}

proa_bytes bench_encode(bench *b, const proa_type *type, const void *message)
{
    pb_scratch scratch = { .block = NULL };
    proa_bytes in_arena = { NULL, 0 }, in_scratch = { NULL, 0 };
    assert_int_equal(proa_encode(type, message, b->arena, &in_arena), PROA_ERR_NONE);
    assert_int_equal(pb_encode_scratch(type, message, &scratch, &in_scratch), PROA_ERR_NONE);
    assert_true(proa_bytes_is_equal(in_arena, in_scratch));
    memset((char *)(uintptr_t)in_scratch.data - PB_HEAD_ROOM, 0xaa, PB_HEAD_ROOM);
    pb_scratch_fini(&scratch);
    return in_arena;
}

void bench_refuse_cuts(bench *b, const proa_type *type, const char *data, size_t size)
{
    assert_non_null(bench_decode(b, type, data, size));
    for (size_t cut = 1; cut < size; cut++) {
        assert_null(bench_decode(b, type, data, cut));
        assert_int_equal(b->error.code, PROA_ERR_MALFORMED);
        forget(b);
    }
}

static void survive_one(bench *b, const proa_type *type, const char *data, size_t size)
{
    void *message = bench_decode(b, type, data, size);
    if (message) {
        proa_bytes first = bench_encode(b, type, message);
        void *again = bench_decode(b, type, first.data, first.size);
        assert_non_null(again);
        assert_true(proa_bytes_is_equal(first, bench_encode(b, type, again)));
        void *clone = proa_clone(type, message, b->arena);
        assert_non_null(clone);
        assert_true(proa_bytes_is_equal(first, bench_encode(b, type, clone)));
    }
    forget(b);
}

void bench_survive(bench *b, const proa_type *type, const char *data, size_t size)
{
    for (size_t cut = 0; cut <= size; cut++)
        survive_one(b, type, data, cut);
    uint32_t seed = 1;
    char *changed = malloc(size ? size : 1);
    assert_non_null(changed);
    for (int round = 0; round < 2000 && size; round++) {
        bytes_copy(changed, data, size);
        for (int change = 0; change <= round % 3; change++) {
            seed = seed * 1664525 + 1013904223;
            changed[(seed >> 8) % size] = (char)(seed >> 24);
        }
        survive_one(b, type, changed, size);
    }
    free(changed);
}
