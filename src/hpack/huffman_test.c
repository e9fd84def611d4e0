/* SPDX-License-Identifier: Apache-2.0 */
/* Huffman: examples, every symbol alone and beside every other, padding, EOS. */
#include "hpack/hpack_testlib.h"
#include "hpack/huffman.h"

static bool decode(proa_bytes code, char *to, size_t *size)
{
    sample sample = sample_of(code.data, code.size);
    char *exact = malloc(huffman_decoded_max(code.size) + 1);
    assert_non_null(exact);
    bool is_decoded = huffman_decode(sample_bytes(&sample), exact, size);
    if (is_decoded) {
        assert_true(*size <= huffman_decoded_max(code.size));
        memcpy(to, exact, *size);
    }
    free(exact);
    sample_free(&sample);
    return is_decoded;
}

static bool decode_hex_code(const char *hex, char *to, size_t *size)
{
    sample sample = sample_of_hex(hex);
    bool is_decoded = decode(sample_bytes(&sample), to, size);
    sample_free(&sample);
    return is_decoded;
}

static void expect_round_trip(proa_bytes text)
{
    char code[1024], back[1024];
    size_t size = 0;
    assert_true(huffman_encoded_size(text) <= sizeof code);
    char *end = huffman_encode(text, code);
    assert_int_equal(end - code, huffman_encoded_size(text));
    assert_true(decode((proa_bytes){ code, (size_t)(end - code) }, back, &size));
    assert_int_equal(size, text.size);
    assert_memory_equal(back, text.data, size);
}

static void expect_both_ways(const char *hex, const char *text)
{
    char out[256];
    size_t size = 0;
    assert_true(decode_hex_code(hex, out, &size));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(out, text, size);
    sample sample = sample_of_hex(hex);
    char *end = huffman_encode(proa_bytes_of(text), out);
    assert_int_equal(end - out, sample.size);
    assert_memory_equal(out, sample.data, sample.size);
    sample_free(&sample);
}

static void examples_of_the_rfc_hold_both_ways(void **state)
{
    (void)state;
    expect_both_ways("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com");
    expect_both_ways("a8eb10649cbf", "no-cache");
    expect_both_ways("25a849e95ba97d7f", "custom-key");
    expect_both_ways("25a849e95bb8e8b4bf", "custom-value");
    expect_both_ways("6402", "302");
    expect_both_ways("640eff", "307");
    expect_both_ways("aec3771a4b", "private");
    expect_both_ways("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT");
    expect_both_ways("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com");
    expect_both_ways("94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                     "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
}

static void every_pair_of_symbols_comes_back(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char text[2] = { (char)a, (char)b };
            expect_round_trip((proa_bytes){ text, 2 });
        }
        char one = (char)a;
        expect_round_trip((proa_bytes){ &one, 1 });
    }
    expect_round_trip(PROA_STR(""));
}

static void random_texts_come_back(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 5000; i++) {
        char text[200];
        size_t size = next_random(&seed) % sizeof text;
        bool is_text = next_random(&seed) & 1;
        for (size_t k = 0; k < size; k++)
            text[k] = (char)(is_text ? ' ' + next_random(&seed) % 95 : next_random(&seed));
        expect_round_trip((proa_bytes){ text, size });
    }
}

static void padding_is_less_than_a_byte_of_ones(void **state)
{
    (void)state;
    char out[64];
    size_t size;
    assert_true(decode_hex_code("07", out, &size)); /* '0', then 111 */
    assert_int_equal(size, 1);
    assert_false(decode_hex_code("06", out, &size)); /* 110: not a prefix of EOS (RFC 7541 5.2) */
    assert_false(decode_hex_code("05", out, &size));
    assert_true(decode_hex_code("00", out, &size) == false); /* '0', then 000 */
    assert_false(decode_hex_code("07ff", out, &size));       /* 11 bits of it */
    assert_false(decode_hex_code("ff", out, &size));         /* 8 bits of it alone */
    assert_false(decode_hex_code("ffff", out, &size));
    assert_false(decode_hex_code("fffffa", out, &size));
    assert_true(decode_hex_code("", out, &size));
    assert_int_equal(size, 0);
}

static void eos_is_refused_wherever_it_is(void **state)
{
    (void)state;
    char out[64];
    size_t size;
    assert_false(decode_hex_code("ffffffff", out, &size));
    assert_false(decode_hex_code("fffffffc", out, &size));
    assert_false(decode_hex_code("07fffffffe", out, &size));
    assert_false(decode_hex_code("fffffffc000000000000000000", out, &size));
    assert_false(decode_hex_code("f1e3c2e5f23a6ba0ab90fffffffff4ff", out, &size));
}

/* A cut at a byte is right only when what is left of a symbol is a few ones. */
static void every_truncation_is_refused_or_a_prefix(void **state)
{
    (void)state;
    const char *text = "Mon, 21 Oct 2013 20:13:21 GMT \x01\xff{}|~^";
    char code[128], out[256];
    size_t whole = (size_t)(huffman_encode(proa_bytes_of(text), code) - code), size;
    for (size_t cut = 0; cut < whole; cut++)
        if (decode((proa_bytes){ code, cut }, out, &size)) {
            assert_true(size < strlen(text));
            assert_memory_equal(out, text, size);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc_hold_both_ways),
        cmocka_unit_test(every_pair_of_symbols_comes_back),
        cmocka_unit_test(random_texts_come_back),
        cmocka_unit_test(padding_is_less_than_a_byte_of_ones),
        cmocka_unit_test(eos_is_refused_wherever_it_is),
        cmocka_unit_test(every_truncation_is_refused_or_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
