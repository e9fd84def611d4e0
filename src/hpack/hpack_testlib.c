/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of hpack share. */
#include "hpack/hpack_testlib.h"

static int digit(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

sample sample_of(const void *data, size_t size)
{
    sample sample = { malloc(size ? size : 1), size };
    assert_non_null(sample.data);
    if (size)
        memcpy(sample.data, data, size);
    return sample;
}

sample sample_of_hex(const char *hex)
{
    static char bytes[SAMPLE_MAX];
    size_t size = 0;
    for (const char *at = hex; *at; at++) {
        if (*at == ' ')
            continue;
        assert_true(size < sizeof bytes && at[1]);
        bytes[size++] = (char)(digit(at[0]) << 4 | digit(at[1]));
        at++;
    }
    return sample_of(bytes, size);
}

void sample_free(sample *sample)
{
    free(sample->data);
    *sample = (struct sample){ NULL, 0 };
}

hpack_decoder *new_decoder(uint32_t list_bytes_max, uint32_t fields_max)
{
    limits limits = { .header_list_bytes_max = list_bytes_max, .header_fields_max = fields_max };
    hpack_decoder *decoder = hpack_decoder_new(&limits);
    assert_non_null(decoder);
    return decoder;
}

hpack_encoder *new_encoder(uint32_t table_bytes_max, bool is_huffman_off, bool is_eager)
{
    hpack_encoder_options options = { .table_bytes_max = table_bytes_max,
                                      .is_huffman_off = is_huffman_off,
                                      .is_eager = is_eager };
    hpack_encoder *encoder = hpack_encoder_new(&options);
    assert_non_null(encoder);
    return encoder;
}

hpack_outcome decode_hex(hpack_decoder *decoder, const char *hex, hpack_block **out, hpack_result *result)
{
    sample sample = sample_of_hex(hex);
    hpack_outcome outcome = hpack_decode(decoder, sample_bytes(&sample), out, result);
    sample_free(&sample);
    return outcome;
}

static void assert_bytes_are(proa_bytes bytes, const char *text, size_t size)
{
    assert_int_equal(bytes.size, size);
    assert_memory_equal(bytes.data, text, size);
}

size_t fields_of(const char *list, hpack_field *fields, size_t max)
{
    size_t count = 0;
    while (*list) {
        const char *end = strchr(list, '\n'), *colon = strstr(list, ": ");
        assert_true(end && colon && colon < end && count < max);
        fields[count++] = (hpack_field){ .name = { list, (size_t)(colon - list) },
                                         .value = { colon + 2, (size_t)(end - colon - 2) } };
        list = end + 1;
    }
    return count;
}

void assert_block_is(const hpack_block *block, const char *list)
{
    hpack_field expected[256];
    size_t count = fields_of(list, expected, 256), list_bytes = 0;
    assert_int_equal(block->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_bytes_are(block->fields[i].name, expected[i].name.data, expected[i].name.size);
        assert_bytes_are(block->fields[i].value, expected[i].value.data, expected[i].value.size);
        assert_int_equal(block->fields[i].token, hpack_name_of(expected[i].name));
        list_bytes += expected[i].name.size + expected[i].value.size + 32;
    }
    assert_int_equal(block->list_bytes, list_bytes);
}

void expect_list(hpack_decoder *decoder, const char *hex, const char *list)
{
    hpack_block *block = NULL;
    hpack_result result;
    assert_int_equal(decode_hex(decoder, hex, &block, &result), HPACK_OK);
    assert_null(result.reason);
    assert_int_equal(result.fields, block->count);
    assert_block_is(block, list);
    hpack_block_release(block);
}

void expect_outcome(hpack_decoder *decoder, const char *hex, hpack_outcome outcome)
{
    hpack_block *untouched = (hpack_block *)decoder, *block = untouched;
    hpack_result result;
    assert_int_equal(decode_hex(decoder, hex, &block, &result), outcome);
    assert_ptr_equal(block, untouched);
    assert_non_null(result.reason);
}

void expect_hex(const buffer *encoded, const char *hex)
{
    sample sample = sample_of_hex(hex);
    proa_bytes bytes = buffer_bytes(encoded);
    assert_int_equal(bytes.size, sample.size);
    assert_memory_equal(bytes.data, sample.data, sample.size);
    sample_free(&sample);
}

uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
