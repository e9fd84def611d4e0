/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that may send anything: blocks, SETTINGS, allocations that fail. The input is a list of steps, each a byte that
 * says which, a byte with its size or number, and for a block that many bytes.
 * Held against it: no list is over its limits and its sums are right; tokens are those of the names; a decoder with a
 * memo and one without always agree; a block that is held stays as it was; a fault is final. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "hpack/hpack.h"

#define HELD_MAX        4
#define MUST(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

static void broken(const char *what, int line)
{
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    abort();
}

typedef struct held {
    hpack_block *block;
    uint64_t hash;
} held;

typedef struct run {
    limits limits;
    hpack_decoder *with, *without; /* a memo */
    held held[HELD_MAX];
    unsigned blocks;
} run;

static uint64_t hash_of(const hpack_block *block)
{
    uint64_t hash = block->count;
    for (uint32_t i = 0; i < block->count; i++) {
        const hpack_field *field = &block->fields[i];
        hash = bytes_hash(field->value, bytes_hash(field->name, hash + field->is_never_indexed));
    }
    return hash;
}

static void check_list(const run *run, const hpack_block *block)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        const hpack_field *field = &block->fields[i];
        sum += field->name.size + field->value.size + 32;
        MUST(field->token == hpack_name_of(field->name));
    }
    MUST(sum == block->list_bytes);
    MUST(sum <= run->limits.header_list_bytes_max);
    MUST(block->count <= run->limits.header_fields_max);
}

static void keep(run *run, hpack_block *block)
{
    held *held = &run->held[run->blocks++ % HELD_MAX];
    if (held->block)
        MUST(hash_of(held->block) == held->hash);
    hpack_block_release(held->block);
    *held = (struct held){ block, hash_of(block) };
}

/* fail_nth: of the allocations of the first decoder; 0: none. */
static hpack_outcome decode(run *run, proa_bytes wire, size_t fail_nth)
{
    hpack_block *a = NULL, *b = NULL;
    hpack_result result_a, result_b;
    hpack_decoder_trim(run->without);
    memory_watch(fail_nth);
    hpack_outcome outcome = hpack_decode(run->with, wire, &a, &result_a);
    memory_unwatch();
    if (outcome == HPACK_NOMEM)
        return outcome;
    MUST(hpack_decode(run->without, wire, &b, &result_b) == outcome);
    MUST(result_a.list_bytes == result_b.list_bytes && result_a.fields == result_b.fields);
    if (outcome) {
        MUST(!a && !b && result_a.reason && result_a.offset <= wire.size);
        return outcome;
    }
    MUST(result_a.list_bytes == a->list_bytes && result_a.fields == a->count);
    check_list(run, a);
    MUST(hash_of(a) == hash_of(b));
    hpack_block_release(b);
    keep(run, a);
    return HPACK_OK;
}

static void set_table(run *run, uint32_t table_bytes_max)
{
    hpack_decoder_set_table_bytes_max(run->with, table_bytes_max);
    hpack_decoder_set_table_bytes_max(run->without, table_bytes_max);
}

static hpack_outcome step(run *run, uint8_t what, uint8_t number, const uint8_t **at, const uint8_t *end)
{
    if (what >= 8 && what < 12) {
        set_table(run, number * 40u);
        return HPACK_OK;
    }
    size_t size = number;
    if (size > (size_t)(end - *at))
        size = (size_t)(end - *at);
    proa_bytes wire = { (const char *)*at, size };
    *at += size;
    hpack_outcome outcome = decode(run, wire, what == 12 ? 1 + number % 7 : 0);
    if (outcome == HPACK_OK && what >= 13 && what < 20) /* the steady case: again and again */
        for (int i = 0; i < 3 && outcome == HPACK_OK; i++)
            outcome = decode(run, wire, 0);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    run run = { .limits = { .header_list_bytes_max = 1 + data[0] * 64u, .header_fields_max = 1 + data[1] % 150u } };
    const uint8_t *at = data + 2, *end = data + size;
    run.with = hpack_decoder_new(&run.limits);
    run.without = hpack_decoder_new(&run.limits);
    if (!run.with || !run.without)
        abort();
    hpack_outcome outcome = HPACK_OK;
    while (end - at >= 2 && (outcome == HPACK_OK || outcome == HPACK_TOO_LARGE)) {
        uint8_t what = at[0], number = at[1];
        at += 2;
        outcome = step(&run, what, number, &at, end);
    }
    if (outcome == HPACK_COMPRESSION || outcome == HPACK_NOMEM) {
        hpack_block *none = NULL;
        MUST(hpack_decode(run.with, PROA_STR("\x82"), &none, NULL) == outcome);
    }
    hpack_decoder_free(run.with);
    hpack_decoder_free(run.without);
    for (int i = 0; i < HELD_MAX; i++) {
        if (run.held[i].block)
            MUST(hash_of(run.held[i].block) == run.held[i].hash);
        hpack_block_release(run.held[i].block);
    }
    return 0;
}
