/* SPDX-License-Identifier: Apache-2.0 */
/* bench_codec [ROUNDS]: nanoseconds per message of three implementations, as JSON lines. See bench/codec.
 *
 * Ours does what a call does: the wire is copied into the arena, with slop behind it, and decoded there, which copies all
 * strings; a message is encoded into the scratch of a loop and copied to where it is sent from. UTF-8 is checked, unknown fields
 * are kept. Rounds are interleaved, and each figure is the median of its rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "codec_bench.h"
#include "codec_mix.proa.h"
#include "base/base.h"
#include "pb/pb.h"

enum { VALUES = 2000, SEED = 20240601, ROUNDS_DEFAULT = 15, ROUNDS_MAX = 101, PASSES = 4 };

#define TYPE(Type, lower) &mix_##Type##_type,
static const proa_type *const types[] = { CODEC_TYPES(TYPE) };

static void **messages;
static proa_arena *kept, *work;
static pb_scratch scratch;
static char output[64 * 1024];
static const codec_value *values_of_all;

static void *decode_one(const codec_value *value, proa_arena *arena)
{
    const proa_type *type = types[value->type];
    void *message = proa_arena_alloc(arena, type->size);
    char *wire = arena_raw(arena, value->size + HOLD_SLOP);
    if (!message || !wire)
        return NULL;
    memcpy(wire, value->wire, value->size);
    proa_bytes bytes = { wire, value->size };
    return pb_decode_slice(type, bytes, arena, message, NULL) == PROA_ERR_NONE ? message : NULL;
}

static size_t encode_one(const codec_value *value, const void *message)
{
    proa_bytes out;
    if (pb_encode_scratch(types[value->type], message, &scratch, &out) != PROA_ERR_NONE || out.size > sizeof output)
        return 0;
    memcpy(output, out.data, out.size);
    return out.size;
}

static void prepare(const codec_value *values, size_t count)
{
    messages = calloc(count, sizeof *messages);
    kept = proa_arena_new(0);
    work = proa_arena_new(64 * 1024);
    for (size_t i = 0; i < count; i++) {
        messages[i] = decode_one(&values[i], kept);
        if (!messages[i] || encode_one(&values[i], messages[i]) != values[i].size ||
            memcmp(output, values[i].wire, values[i].size) != 0) {
            fprintf(stderr, "codec: value %zu (%s) does not come back as it was\n", i, types[values[i].type]->name);
            exit(1);
        }
    }
}

static size_t decode(const codec_value *values, size_t count)
{
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        seen += decode_one(&values[i], work) != NULL;
        proa_arena_reset(work);
    }
    return seen;
}

static size_t encode(size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += encode_one(&values_of_all[i], messages[i]);
    return size;
}

static void finish(size_t count)
{
    (void)count;
    free(messages);
    proa_arena_free(kept);
    proa_arena_free(work);
    pb_scratch_fini(&scratch);
}

const codec_peer codec_proa = { "proa", prepare, decode, encode, finish };

/* ---- Measuring */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, const codec_peer *peer, double *rounds, int count)
{
    qsort(rounds, (size_t)count, sizeof *rounds, by_size);
    printf("{\"codec.%s_ns.%s\": %.1f}\n", what, peer->name, rounds[count / 2]);
    fprintf(stderr, "%s %s: %.1f to %.1f ns a message\n", what, peer->name, rounds[0], rounds[count - 1]);
}

static void check(bool is_so, const codec_peer *peer)
{
    if (is_so)
        return;
    fprintf(stderr, "codec: %s did not do all\n", peer->name);
    exit(1);
}

int main(int argc, char **argv)
{
    static double decoded[3][ROUNDS_MAX], encoded[3][ROUNDS_MAX];
    const codec_peer *peers[] = { &codec_proa, &codec_protobuf_c, &codec_protobuf_cpp };
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS_DEFAULT;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_codec [ROUNDS], at most %d\n", ROUNDS_MAX);
        return 2;
    }
    codec_value *values = codec_make(SEED, VALUES);
    values_of_all = values;
    size_t bytes = 0;
    for (size_t i = 0; i < VALUES; i++)
        bytes += values[i].size;
    for (int p = 0; p < 3; p++)
        peers[p]->prepare(values, VALUES);
    for (int r = -1; r < rounds; r++) /* the first is for the caches */
        for (int p = 0; p < 3; p++) {
            double begin = now_ns();
            for (int i = 0; i < PASSES; i++)
                check(peers[p]->decode(values, VALUES) == VALUES, peers[p]);
            double middle = now_ns();
            for (int i = 0; i < PASSES; i++)
                check(peers[p]->encode(VALUES) == bytes, peers[p]);
            if (r < 0)
                continue;
            decoded[p][r] = (middle - begin) / (PASSES * VALUES);
            encoded[p][r] = (now_ns() - middle) / (PASSES * VALUES);
        }
    for (int p = 0; p < 3; p++) {
        print("decode", peers[p], decoded[p], rounds);
        print("encode", peers[p], encoded[p], rounds);
        peers[p]->finish(VALUES);
    }
    printf("{\"codec.note\": \"%d values of %zu types, %.0f bytes on average; strings are copied by all; "
           "protobuf_c does not check UTF-8\"}\n",
           VALUES, sizeof types / sizeof *types, (double)bytes / VALUES);
    for (size_t i = 0; i < VALUES; i++)
        free((char *)values[i].wire);
    free(values);
    return 0;
}
