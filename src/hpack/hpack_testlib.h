/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of hpack share: blocks written as hex, lists written as text, seeded randomness. */
#ifndef HPACK_HPACK_TESTLIB_H
#define HPACK_HPACK_TESTLIB_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hpack/hpack.h"

#define SAMPLE_MAX 65536

/* A block under test in a heap copy of exactly its size, so that a sanitizer sees a read behind it. */
typedef struct sample { char *data; size_t size; } sample;

sample sample_of_hex(const char *hex);            /* blanks are skipped */
sample sample_of(const void *data, size_t size);
void sample_free(sample *sample);
static inline proa_bytes sample_bytes(const sample *s) { return (proa_bytes){ s->data, s->size }; }

hpack_decoder *new_decoder(uint32_t list_bytes_max, uint32_t fields_max);   /* zero: the default */
hpack_encoder *new_encoder(uint32_t table_bytes_max, bool is_huffman_off, bool is_eager);
hpack_outcome decode_hex(hpack_decoder *decoder, const char *hex, hpack_block **out, hpack_result *result);
/* The block decodes to this list: "name: value" lines, each ending in '\n'. It is released. */
void expect_list(hpack_decoder *decoder, const char *hex, const char *list);
void expect_outcome(hpack_decoder *decoder, const char *hex, hpack_outcome outcome);
void assert_block_is(const hpack_block *block, const char *list);
/* Cuts such a text into fields, tokens unset. Gives their number. */
size_t fields_of(const char *list, hpack_field *fields, size_t max);
void expect_hex(const buffer *encoded, const char *hex);
uint64_t next_random(uint64_t *state);
#endif
