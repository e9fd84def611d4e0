/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder: the RFC's examples byte for byte, what goes into the table and what never does, size updates, the promise
 * of the generation, memory. Whatever it writes is read back by our decoder. */
#include "base/bytes.h"
#include "base/memory.h"
#include "hpack/examples.inc"
#include "hpack/hpack_testlib.h"

static void encode(hpack_encoder *encoder, const char *list, buffer *out)
{
    hpack_field fields[256];
    out->begin = out->end = 0;
    assert_int_equal(hpack_encode(encoder, fields, fields_of(list, fields, 256), out), PROA_ERR_NONE);
}

static void expect_encoding(hpack_encoder *encoder, const char *list, const char *hex)
{
    buffer out = { 0 };
    encode(encoder, list, &out);
    expect_hex(&out, hex);
    buffer_fini(&out);
}

static void expect_read_back(hpack_decoder *decoder, const buffer *encoded, const char *list)
{
    hpack_block *block = NULL;
    assert_int_equal(hpack_decode(decoder, buffer_bytes(encoded), &block, NULL), HPACK_OK);
    assert_block_is(block, list);
    hpack_block_release(block);
}

static void examples_of_the_rfc_are_encoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        hpack_encoder *encoder = new_encoder(examples[i].table_bytes_max, examples[i].is_huffman_off, true);
        for (int k = 0; k < 3; k++)
            expect_encoding(encoder, examples[i].blocks[k].list, examples[i].blocks[k].hex);
        hpack_encoder_free(encoder);
    }
}

#define REQUEST \
    ":method: POST\n:scheme: http\n:path: /pkg.Service/Method\n:authority: host:1\nte: trailers\n" \
    "content-type: application/grpc\nuser-agent: proa/0.1\n"

static void a_repeated_request_is_one_byte_a_field(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, false, false);
    buffer out = { 0 };
    encode(encoder, REQUEST, &out);
    assert_true(buffer_size(&out) > 40);
    uint64_t generation = hpack_encoder_generation(encoder);
    expect_encoding(encoder, REQUEST, "83 86 c2 c1 c0 bf be");
    expect_encoding(encoder, ":status: 200\ncontent-type: application/grpc\n", "88 bf");
    assert_int_equal(hpack_encoder_generation(encoder), generation);
    buffer_fini(&out);
    hpack_encoder_free(encoder);
}

static void tokens_and_names_give_the_same_bytes(void **state)
{
    (void)state;
    hpack_field by_name[16], by_token[16];
    size_t count = fields_of(REQUEST "grpc-timeout: 1S\nauthorization: Bearer x\ngrpc-status: 0\n", by_name, 16);
    for (size_t i = 0; i < count; i++)
        by_token[i] = hpack_field_of(hpack_name_of(by_name[i].name), by_name[i].value);
    hpack_encoder *a = new_encoder(4096, false, false), *b = new_encoder(4096, false, false);
    buffer out_a = { 0 }, out_b = { 0 };
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < count; k++)
            by_token[k].name = (proa_bytes){ NULL, 0 }; /* not read */
        assert_int_equal(hpack_encode(a, by_name, count, &out_a), PROA_ERR_NONE);
        assert_int_equal(hpack_encode(b, by_token, count, &out_b), PROA_ERR_NONE);
    }
    assert_true(proa_bytes_is_equal(buffer_bytes(&out_a), buffer_bytes(&out_b)));
    buffer_fini(&out_a);
    buffer_fini(&out_b);
    hpack_encoder_free(a);
    hpack_encoder_free(b);
}

static void secrets_are_never_indexed(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, true, true);
    uint64_t generation = hpack_encoder_generation(encoder);
    for (int i = 0; i < 2; i++) {
        expect_encoding(encoder, "authorization: x\n", "1f08 01 78");
        expect_encoding(encoder, "proxy-authorization: x\n", "1f22 01 78");
        expect_encoding(encoder, "cookie: x\n", "1f11 01 78");
        hpack_field field = { .name = PROA_STR("x-key"), .value = PROA_STR("s"), .is_never_indexed = true };
        buffer out = { 0 };
        assert_int_equal(hpack_encode(encoder, &field, 1, &out), PROA_ERR_NONE);
        expect_hex(&out, "10 05 782d6b6579 01 73");
        field = (hpack_field){ .name = PROA_STR(":method"), .value = PROA_STR("GET"), .is_never_indexed = true };
        assert_int_equal(hpack_encode(encoder, &field, 1, &out), PROA_ERR_NONE);
        expect_hex(&out, "10 05 782d6b6579 01 73 12 03 474554");
        buffer_fini(&out);
    }
    assert_int_equal(hpack_encoder_generation(encoder), generation);
    hpack_encoder_free(encoder);
}

static void what_changes_with_every_call_keeps_only_its_name(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, true, false);
    expect_encoding(encoder, "grpc-timeout: 1S\n", "40 0c 677270632d74696d656f7574 02 3153");
    uint64_t generation = hpack_encoder_generation(encoder);
    expect_encoding(encoder, "grpc-timeout: 2S\n", "0f2f 02 3253");
    expect_encoding(encoder, "grpc-timeout: 2S\n", "0f2f 02 3253");
    expect_encoding(encoder, "grpc-timeout: 1S\n", "be");
    expect_encoding(encoder, "content-length: 7\n", "0f0d 01 37");
    assert_int_equal(hpack_encoder_generation(encoder), generation);
    expect_encoding(encoder, "x-trace-bin: AA\n", "40 0b 782d74726163652d62696e 02 4141");
    expect_encoding(encoder, "x-trace-bin: BB\n", "0f2f 02 4242");
    expect_encoding(encoder, "x-trace-bin: BB\n", "0f2f 02 4242");
    hpack_encoder_free(encoder);
}

static void unknown_values_are_kept_when_they_come_twice(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, true, false);
    expect_encoding(encoder, "x-id: 1\n", "40 04 782d6964 01 31");
    expect_encoding(encoder, "x-id: 2\n", "0f2f 01 32");
    expect_encoding(encoder, "x-id: 3\n", "0f2f 01 33");
    expect_encoding(encoder, "x-id: 2\n", "7e 01 32");
    expect_encoding(encoder, "x-id: 2\nx-id: 1\n", "be bf");
    hpack_encoder_free(encoder);
}

static void old_entries_are_still_found_when_the_table_grew(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, false, false);
    buffer out = { 0 };
    char list[64];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 60; i++) {
            snprintf(list, sizeof list, "x-%d: %d\n", i, i);
            encode(encoder, list, &out);
            if (round)
                assert_int_equal(buffer_size(&out), 1);
        }
    buffer_fini(&out);
    hpack_encoder_free(encoder);
}

static void what_is_large_is_not_kept(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, true, false);
    static char list[8192];
    uint64_t generation = hpack_encoder_generation(encoder);
    snprintf(list, sizeof list, ":path: /%02100d\n", 1);
    buffer out = { 0 };
    encode(encoder, list, &out);
    snprintf(list, sizeof list, "grpc-message: %0600d\n", 1);
    encode(encoder, list, &out);
    assert_int_equal(hpack_encoder_generation(encoder), generation);
    buffer_fini(&out);
    hpack_encoder_free(encoder);
}

static void huffman_is_used_only_when_it_is_shorter(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, false, false);
    expect_encoding(encoder, ":authority: www.example.com\n", "41 8c f1e3c2e5f23a6ba0ab90f4ff");
    expect_encoding(encoder, ":authority: \\^{}\n", "41 04 5c5e7b7d");
    hpack_encoder_free(encoder);
}

static void size_updates_follow_the_settings_of_the_peer(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, true, false);
    expect_encoding(encoder, "x-a: 1\n", "40 03 782d61 01 31");
    hpack_encoder_set_table_bytes_max(encoder, 65536);
    expect_encoding(encoder, "x-a: 1\n", "be"); /* we use no more than our own 4096: nothing to say */
    uint64_t generation = hpack_encoder_generation(encoder);
    hpack_encoder_set_table_bytes_max(encoder, 100);
    assert_true(hpack_encoder_generation(encoder) != generation);
    expect_encoding(encoder, "x-a: 1\n", "3f45 be");
    hpack_encoder_set_table_bytes_max(encoder, 0);
    hpack_encoder_set_table_bytes_max(encoder, 4096); /* RFC 7541 4.2: the smallest, then the last */
    expect_encoding(encoder, "x-a: 1\n", "20 3fe11f 40 03 782d61 01 31");
    expect_encoding(encoder, "x-a: 1\n", "be");
    hpack_encoder_set_table_bytes_max(encoder, 0);
    expect_encoding(encoder, "", "20");
    expect_encoding(encoder, "x-a: 1\n:method: GET\n", "00 03 782d61 01 31 82");
    hpack_encoder_free(encoder);
    encoder = new_encoder(0, true, true); /* no table at all is said at once */
    expect_encoding(encoder, "x-a: 1\n", "20 00 03 782d61 01 31");
    hpack_encoder_set_table_bytes_max(encoder, 4096);
    expect_encoding(encoder, "x-a: 1\n", "00 03 782d61 01 31");
    hpack_encoder_free(encoder);
}

/* A client caches what it sent: the bytes mean the same as long as the generation is the same. */
static void bytes_may_be_replayed_while_the_generation_stays(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(300, false, false);
    hpack_decoder *decoder = new_decoder(0, 0);
    static const char *pool[] = { REQUEST,
                                  ":status: 200\ngrpc-status: 0\n",
                                  "x-one: 1\n",
                                  "x-two: 2\n",
                                  "x-three: 3\n",
                                  "grpc-timeout: 17m\n",
                                  "grpc-status: 5\ngrpc-message: no such thing\n" };
    enum { COUNT = sizeof pool / sizeof pool[0] };
    struct {
        buffer bytes;
        uint64_t generation;
    } kept[COUNT] = { 0 };
    uint64_t seed = 5;
    unsigned replays = 0;
    for (int i = 0; i < 3000; i++) {
        uint64_t random = next_random(&seed) >> 8;
        size_t which = random % ((random >> 20) % 8 ? 2 : COUNT);
        if (random % 200 == 0)
            hpack_encoder_set_table_bytes_max(encoder, (uint32_t)(random >> 10) % 400);
        uint64_t generation = hpack_encoder_generation(encoder);
        if (kept[which].generation == generation) {
            replays++;
        } else {
            encode(encoder, pool[which], &kept[which].bytes);
            kept[which].generation = generation == hpack_encoder_generation(encoder) ? generation : 0;
        }
        expect_read_back(decoder, &kept[which].bytes, pool[which]);
    }
    assert_true(replays > 300);
    for (size_t i = 0; i < COUNT; i++)
        buffer_fini(&kept[i].bytes);
    hpack_encoder_free(encoder);
    hpack_decoder_free(decoder);
}

/* Random lists over few names and values, tables of all sizes, both policies: always the list that went in. */
static void random_lists_are_read_back(void **state)
{
    (void)state;
    uint64_t seed = 99;
    static char list[65536];
    for (int round = 0; round < 60; round++) {
        uint32_t table = (uint32_t)(next_random(&seed) >> 20) % 6000;
        hpack_encoder *encoder = new_encoder(table, round & 1, round & 2);
        hpack_decoder *decoder = new_decoder(65536, 0);
        hpack_decoder_set_table_bytes_max(decoder, 6000);
        hpack_encoder_set_table_bytes_max(encoder, 6000);
        buffer out = { 0 };
        for (int i = 0; i < 40; i++) {
            size_t at = 0;
            list[0] = 0;
            for (uint64_t n = next_random(&seed) % 20; n; n--) {
                uint64_t random = next_random(&seed) >> 8;
                unsigned name = random % (1 + HPACK_NAME_COUNT);
                const char *text = name && name < HPACK_NAME_COUNT ? hpack_name_text(name).data : "x-meta";
                at +=
                    (size_t)snprintf(list + at, sizeof list - at, "%s%s: %0*d\n", text, random >> 10 & 3 ? "" : "-more",
                                     (int)(random >> 20) % ((random >> 40) % 8 ? 20 : 900), (int)(random >> 30) % 5);
            }
            if (next_random(&seed) % 16 == 0)
                hpack_encoder_set_table_bytes_max(encoder, (uint32_t)(next_random(&seed) % 6000));
            encode(encoder, list, &out);
            expect_read_back(decoder, &out, list);
        }
        buffer_fini(&out);
        hpack_encoder_free(encoder);
        hpack_decoder_free(decoder);
    }
}

static void parts_of_a_block_may_be_appended(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, false, false);
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_field fields[8];
    buffer out = { 0 };
    assert_int_equal(hpack_encode(encoder, fields, fields_of(":status: 200\n", fields, 8), &out), PROA_ERR_NONE);
    assert_int_equal(hpack_encode(encoder, fields, fields_of("x-a: 1\n", fields, 8), &out), PROA_ERR_NONE);
    expect_read_back(decoder, &out, ":status: 200\nx-a: 1\n");
    buffer_fini(&out);
    hpack_encoder_free(encoder);
    hpack_decoder_free(decoder);
}

static void running_out_of_memory_changes_nothing_but_the_form(void **state)
{
    (void)state;
    for (size_t nth = 1;; nth++) {
        hpack_encoder_options options = { .table_bytes_max = 1024 };
        hpack_decoder *decoder = new_decoder(0, 0);
        hpack_field fields[16];
        buffer out = { 0 };
        memory_watch(nth);
        hpack_encoder *encoder = hpack_encoder_new(&options);
        for (int i = 0; encoder && i < 3; i++) {
            static const char *lists[] = { REQUEST, "x-1: 1\nx-2: 2\nx-3: 3\nx-4: 4\nx-5: 5\nx-6: 6\n", REQUEST };
            size_t count = fields_of(lists[i], fields, 16);
            uint64_t generation = hpack_encoder_generation(encoder);
            out.begin = out.end = 0;
            if (hpack_encode(encoder, fields, count, &out) != PROA_ERR_NONE) {
                assert_int_equal(hpack_encoder_generation(encoder), generation);
                assert_int_equal(buffer_size(&out), 0);
                assert_int_equal(hpack_encode(encoder, fields, count, &out), PROA_ERR_NONE);
            }
            size_t asked = memory_unwatch();
            expect_read_back(decoder, &out, lists[i]);
            memory_watch(nth > asked ? nth - asked : SIZE_MAX);
        }
        bool is_over = memory_unwatch() == 0 && nth > 20;
        hpack_encoder_free(encoder);
        hpack_decoder_free(decoder);
        buffer_fini(&out);
        if (is_over)
            break;
    }
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    hpack_encoder *encoder = new_encoder(4096, false, false);
    buffer out = { 0 };
    char list[256];
    for (int i = 0; i < 200; i++) {
        if (i == 10)
            memory_watch(0);
        encode(encoder, REQUEST, &out);
        snprintf(list, sizeof list, "grpc-timeout: %dm\nx-request-id: %d\n", i, i);
        encode(encoder, list, &out);
    }
    assert_int_equal(memory_unwatch(), 0);
    buffer_fini(&out);
    hpack_encoder_free(encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc_are_encoded),
        cmocka_unit_test(a_repeated_request_is_one_byte_a_field),
        cmocka_unit_test(tokens_and_names_give_the_same_bytes),
        cmocka_unit_test(secrets_are_never_indexed),
        cmocka_unit_test(what_changes_with_every_call_keeps_only_its_name),
        cmocka_unit_test(unknown_values_are_kept_when_they_come_twice),
        cmocka_unit_test(old_entries_are_still_found_when_the_table_grew),
        cmocka_unit_test(what_is_large_is_not_kept),
        cmocka_unit_test(huffman_is_used_only_when_it_is_shorter),
        cmocka_unit_test(size_updates_follow_the_settings_of_the_peer),
        cmocka_unit_test(bytes_may_be_replayed_while_the_generation_stays),
        cmocka_unit_test(random_lists_are_read_back),
        cmocka_unit_test(parts_of_a_block_may_be_appended),
        cmocka_unit_test(running_out_of_memory_changes_nothing_but_the_form),
        cmocka_unit_test(steady_state_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
