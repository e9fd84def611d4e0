/* SPDX-License-Identifier: Apache-2.0 */
/* HPACK against libnghttp2, three ways over one input of steps: the same raw blocks into both decoders; our encoder into
 * both decoders; their encoder into ours. Both must accept the same blocks and read the same lists.
 * Known and legal differences: nghttp2 refuses a string of more than 65536 encoded bytes and we do not (our caller caps
 * the block), which inputs of this target cannot reach; nghttp2 has no limit on the list, so that ours is checked
 * against the sums of what it read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "hpack/hpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef PROA_HAVE_NGHTTP2
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}
#else
#include <nghttp2/nghttp2.h>

#define FIELDS_MAX      64
#define MUST(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

static void broken(const char *what, int line)
{
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    abort();
}

/* What nghttp2 read of one block. */
typedef struct theirs {
    bool is_fault;
    size_t count, list_bytes;
    uint64_t hash;
} theirs;

typedef struct run {
    limits limits;
    hpack_decoder *raw_ours, *from_ours, *from_theirs;
    nghttp2_hd_inflater *raw_theirs, *check_ours;
    nghttp2_hd_deflater *deflater;
    hpack_encoder *encoder;
    buffer out;
    bool is_raw_dead;
} run;

/* The input, read in small parts; behind its end come zeros. */
typedef struct source {
    const uint8_t *at, *end;
} source;

static uint8_t take(source *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

static proa_bytes take_bytes(source *s, size_t size)
{
    if (size > (size_t)(s->end - s->at))
        size = (size_t)(s->end - s->at);
    proa_bytes bytes = { (const char *)s->at, size };
    s->at += size;
    return bytes;
}

static uint64_t hash_field(uint64_t hash, proa_bytes name, proa_bytes value, bool is_never_indexed)
{
    return bytes_hash(value, bytes_hash(name, hash * 3 + is_never_indexed));
}

static theirs inflate(nghttp2_hd_inflater *inflater, proa_bytes wire)
{
    theirs list = { 0 };
    const uint8_t *at = (const uint8_t *)wire.data;
    size_t left = wire.size;
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, at, left, 1);
        if (used < 0) {
            list.is_fault = true;
            return list;
        }
        at += used;
        left -= (size_t)used;
        if (flags & NGHTTP2_HD_INFLATE_EMIT) {
            proa_bytes name = { (char *)nv.name, nv.namelen }, value = { (char *)nv.value, nv.valuelen };
            list.hash = hash_field(list.hash, name, value, nv.flags & NGHTTP2_NV_FLAG_NO_INDEX);
            list.count++;
            list.list_bytes += name.size + value.size + 32;
        }
        if (flags & NGHTTP2_HD_INFLATE_FINAL)
            break;
    }
    nghttp2_hd_inflate_end_headers(inflater);
    return list;
}

static void expect_same(const hpack_block *block, const theirs *list)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < block->count; i++)
        hash = hash_field(hash, block->fields[i].name, block->fields[i].value, block->fields[i].is_never_indexed);
    MUST(block->count == list->count);
    MUST(block->list_bytes == list->list_bytes);
    MUST(hash == list->hash);
}

/* The same bytes into both. False: both refuse them. */
static bool compare(const run *run, hpack_decoder *ours, nghttp2_hd_inflater *inflater, proa_bytes wire)
{
    hpack_block *block = NULL;
    hpack_result result;
    hpack_outcome outcome = hpack_decode(ours, wire, &block, &result);
    theirs list = inflate(inflater, wire);
    MUST(list.is_fault == (outcome == HPACK_COMPRESSION));
    if (list.is_fault)
        return false;
    bool is_over = list.list_bytes > run->limits.header_list_bytes_max || list.count > run->limits.header_fields_max;
    MUST(outcome == (is_over ? HPACK_TOO_LARGE : HPACK_OK));
    MUST(result.list_bytes == list.list_bytes && result.fields == list.count);
    if (outcome == HPACK_OK)
        expect_same(block, &list);
    hpack_block_release(block);
    return true;
}

static proa_bytes take_name(source *s)
{
    uint8_t which = take(s);
    if (which < 200)
        return hpack_name_text(1 + which % (HPACK_NAME_COUNT - 1));
    static const char *names[] = { "accept", "x-a", "x-b", "x-trace-bin", "vary", "custom-key" };
    return which < 240 ? proa_bytes_of(names[which % 6]) : take_bytes(s, take(s) % 40);
}

static size_t take_fields(source *s, hpack_field *fields)
{
    static const char *values[] = { "", "/", "200", "gzip, deflate", "application/grpc", "0", "trailers", "1S" };
    size_t count = take(s) % FIELDS_MAX;
    for (size_t i = 0; i < count; i++) {
        uint8_t how = take(s);
        fields[i] = (hpack_field){ .name = take_name(s), .is_never_indexed = how % 16 == 15 };
        fields[i].token = (uint8_t)(how & 64 ? hpack_name_of(fields[i].name) : HPACK_NAME_UNKNOWN);
        fields[i].value = how & 128 ? proa_bytes_of(values[how % 8]) : take_bytes(s, take(s));
    }
    return count;
}

/* Our encoder: both decoders read what went in. */
static void encode_ours(run *run, source *s)
{
    hpack_field fields[FIELDS_MAX];
    size_t count = take_fields(s, fields);
    run->out.begin = run->out.end = 0;
    MUST(hpack_encode(run->encoder, fields, count, &run->out) == PROA_ERR_NONE);
    theirs list = inflate(run->check_ours, buffer_bytes(&run->out));
    MUST(!list.is_fault && list.count == count);
    hpack_block *block = NULL;
    MUST(hpack_decode(run->from_ours, buffer_bytes(&run->out), &block, NULL) == HPACK_OK);
    expect_same(block, &list);
    for (size_t i = 0; i < count; i++) {
        MUST(proa_bytes_is_equal(block->fields[i].name, fields[i].name));
        MUST(proa_bytes_is_equal(block->fields[i].value, fields[i].value));
        MUST(block->fields[i].is_never_indexed || !fields[i].is_never_indexed);
    }
    hpack_block_release(block);
}

/* Their encoder: our decoder reads what went in. */
static void encode_theirs(run *run, source *s)
{
    static uint8_t wire[65536];
    hpack_field fields[FIELDS_MAX];
    nghttp2_nv nvs[FIELDS_MAX];
    size_t count = take_fields(s, fields);
    for (size_t i = 0; i < count; i++)
        nvs[i] = (nghttp2_nv){ (uint8_t *)(uintptr_t)fields[i].name.data, (uint8_t *)(uintptr_t)fields[i].value.data,
                               fields[i].name.size, fields[i].value.size,
                               fields[i].is_never_indexed ? NGHTTP2_NV_FLAG_NO_INDEX : 0 };
    ssize_t size = nghttp2_hd_deflate_hd(run->deflater, wire, sizeof wire, nvs, count);
    MUST(size >= 0);
    hpack_block *block = NULL;
    MUST(hpack_decode(run->from_theirs, (proa_bytes){ (char *)wire, (size_t)size }, &block, NULL) == HPACK_OK);
    MUST(block->count == count);
    for (size_t i = 0; i < count; i++) {
        MUST(proa_bytes_is_equal(block->fields[i].name, fields[i].name));
        MUST(proa_bytes_is_equal(block->fields[i].value, fields[i].value));
    }
    hpack_block_release(block);
}

/* SETTINGS_HEADER_TABLE_SIZE of the side that decodes, known to all. */
static void set_table(run *run, uint32_t table_bytes_max)
{
    hpack_decoder_set_table_bytes_max(run->raw_ours, table_bytes_max);
    hpack_decoder_set_table_bytes_max(run->from_ours, table_bytes_max);
    hpack_decoder_set_table_bytes_max(run->from_theirs, table_bytes_max);
    hpack_encoder_set_table_bytes_max(run->encoder, table_bytes_max);
    MUST(nghttp2_hd_inflate_change_table_size(run->check_ours, table_bytes_max) == 0);
    MUST(nghttp2_hd_deflate_change_table_size(run->deflater, table_bytes_max) == 0);
    if (!run->is_raw_dead)
        MUST(nghttp2_hd_inflate_change_table_size(run->raw_theirs, table_bytes_max) == 0);
}

static void step(run *run, source *s)
{
    uint8_t what = take(s);
    if (what < 16) {
        set_table(run, take(s) * 33u);
    } else if (what < 80) {
        encode_ours(run, s);
    } else if (what < 112) {
        encode_theirs(run, s);
    } else if (!run->is_raw_dead) {
        proa_bytes wire = take_bytes(s, take(s));
        for (unsigned i = 0; i < 1 + what % 4u && !run->is_raw_dead; i++)
            run->is_raw_dead = !compare(run, run->raw_ours, run->raw_theirs, wire);
    }
}

static void open_run(run *run, source *s)
{
    limits wide = { .header_list_bytes_max = 1u << 24, .header_fields_max = 1u << 16 };
    run->limits = (limits){ .header_list_bytes_max = 1 + take(s) * 64u, .header_fields_max = 1 + take(s) % 150u };
    uint8_t how = take(s);
    hpack_encoder_options options = { .table_bytes_max = (how >> 2) * 65u,
                                      .is_huffman_off = how & 1,
                                      .is_eager = how & 2 };
    run->raw_ours = hpack_decoder_new(&run->limits);
    run->from_ours = hpack_decoder_new(&wide);
    run->from_theirs = hpack_decoder_new(&wide);
    run->encoder = hpack_encoder_new(&options);
    if (!run->raw_ours || !run->from_ours || !run->from_theirs || !run->encoder ||
        nghttp2_hd_inflate_new(&run->raw_theirs) || nghttp2_hd_inflate_new(&run->check_ours) ||
        nghttp2_hd_deflate_new(&run->deflater, 4096))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source source = { data, data + size };
    run run = { 0 };
    open_run(&run, &source);
    while (source.at < source.end)
        step(&run, &source);
    hpack_decoder_free(run.raw_ours);
    hpack_decoder_free(run.from_ours);
    hpack_decoder_free(run.from_theirs);
    hpack_encoder_free(run.encoder);
    nghttp2_hd_inflate_del(run.raw_theirs);
    nghttp2_hd_inflate_del(run.check_ours);
    nghttp2_hd_deflate_del(run.deflater);
    buffer_fini(&run.out);
    return 0;
}
#endif
