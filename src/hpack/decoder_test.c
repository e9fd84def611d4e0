/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder: the RFC's examples, everything that a peer can get wrong, limits, the memo seen from outside, memory. */
#include "base/bytes.h"
#include "base/memory.h"
#include "hpack/examples.inc"
#include "hpack/hpack_testlib.h"

/* A hex block of `count` times the same part. */
static char *repeat(const char *head, const char *part, size_t count)
{
    size_t head_size = strlen(head), part_size = strlen(part);
    char *hex = malloc(head_size + part_size * count + 1);
    assert_non_null(hex);
    memcpy(hex, head, head_size + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(hex + head_size + i * part_size, part, part_size + 1);
    return hex;
}

static void examples_of_the_rfc_are_decoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        hpack_decoder *decoder = new_decoder(0, 0);
        if (examples[i].table_bytes_max != 4096)
            hpack_decoder_set_table_bytes_max(decoder, examples[i].table_bytes_max);
        for (int k = 0; k < 3; k++)
            expect_list(decoder, examples[i].blocks[k].hex, examples[i].blocks[k].list);
        hpack_decoder_free(decoder);
    }
}

static void each_form_of_a_field_is_decoded(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    expect_list(decoder, "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
                "custom-key: custom-header\n"); /* RFC 7541 C.2.1 */
    expect_list(decoder, "be", "custom-key: custom-header\n");
    expect_list(decoder, "040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n"); /* RFC 7541 C.2.2 */
    expect_list(decoder, "82", ":method: GET\n");                                        /* RFC 7541 C.2.4 */
    expect_list(decoder, "7e 0131 0f2f 0132", "custom-key: 1\ncustom-key: 2\n");
    expect_list(decoder, "bfbe", "custom-key: custom-header\ncustom-key: 1\n");
    expect_list(decoder, "4883 640e ff", ":status: 307\n");
    expect_list(decoder, "", "");
    expect_list(decoder, "00 00 00", ": \n"); /* an empty name is HTTP's business, not ours */
    expect_list(decoder, "00 80 80", ": \n");
    hpack_decoder_free(decoder);
}

static void never_indexed_is_kept_with_the_field(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_block *block = NULL;
    const char *hex = "82 1008 7061 7373 776f 7264 0673 6563 7265 74"; /* RFC 7541 C.2.3 */
    assert_int_equal(decode_hex(decoder, hex, &block, NULL), HPACK_OK);
    assert_block_is(block, ":method: GET\npassword: secret\n");
    assert_false(block->fields[0].is_never_indexed);
    assert_true(block->fields[1].is_never_indexed);
    hpack_block_release(block);
    expect_outcome(decoder, "be", HPACK_COMPRESSION);
    hpack_decoder_free(decoder);
}

static void tokens_come_with_static_dynamic_and_literal_names(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_block *block = NULL;
    const char *hex = "83 400b677270632d7374617475730130 be 7e0131 000b677270632d7374617475730132 0003782d610132";
    assert_int_equal(decode_hex(decoder, hex, &block, NULL), HPACK_OK);
    assert_int_equal(block->fields[0].token, HPACK_NAME_METHOD);
    for (int i = 1; i < 5; i++)
        assert_int_equal(block->fields[i].token, HPACK_NAME_GRPC_STATUS);
    assert_int_equal(block->fields[5].token, HPACK_NAME_UNKNOWN);
    hpack_block_release(block);
    hpack_decoder_free(decoder);
}

/* A cut is a fault, unless it is between two fields: then it is a shorter list. */
static void every_truncation_is_a_fault_or_a_shorter_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        sample whole = sample_of_hex(examples[i].blocks[0].hex);
        unsigned shorter = 0;
        for (size_t cut = 0; cut < whole.size; cut++) {
            sample part = sample_of(whole.data, cut);
            hpack_decoder *decoder = new_decoder(0, 0);
            hpack_block *block = NULL;
            hpack_result result;
            hpack_outcome outcome = hpack_decode(decoder, sample_bytes(&part), &block, &result);
            if (outcome == HPACK_OK) {
                assert_true(block->count < 4);
                shorter++;
                hpack_block_release(block);
            } else {
                assert_int_equal(outcome, HPACK_COMPRESSION);
                assert_true(result.offset <= cut);
            }
            hpack_decoder_free(decoder);
            sample_free(&part);
        }
        assert_int_equal(shorter, examples[i].table_bytes_max == 256 ? 5 : 4); /* the update alone is a block as well */
        sample_free(&whole);
    }
}

static void what_is_wrong_is_a_compression_error(void **state)
{
    (void)state;
    static const char *blocks[] = {
        "80", /* index 0: RFC 7541 6.1 */
        "be",
        "ff00",
        "ff808080800f", /* not in the table */
        "ffffffffffff00",
        "ff8080808080808000", /* integers: too large, too long */
        "7e0131",
        "0f2f0131",
        "1f2f0131", /* names not in the table */
        "40",
        "4001",
        "400161",
        "40016101",
        "40ff",
        "00ff8080808000", /* strings cut short */
        "007f",
        "00016105616263",
        "0001618106", /* padding is not of ones */
        "00016182ffff",
        "00016184ffffffff", /* padding too long, EOS */
        "0081ff0161",       /* padding too long, in a name */
        "823fe11f",
        "8220", /* size update behind a field: RFC 7541 4.2 */
        "3fe21f",
        "3fffffffff0f", /* size update over 4096 */
        "3f",
        "3fe1",
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        hpack_decoder *decoder = new_decoder(0, 0);
        expect_outcome(decoder, blocks[i], HPACK_COMPRESSION);
        expect_outcome(decoder, "82", HPACK_COMPRESSION); /* it stays dead */
        hpack_decoder_free(decoder);
    }
}

static void a_smaller_table_has_to_be_acknowledged_by_an_update(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        hpack_decoder *decoder = new_decoder(0, 0);
        expect_list(decoder, "4001610131", "a: 1\n");
        hpack_decoder_set_table_bytes_max(decoder, 100);
        switch (i) {
        case 0: expect_outcome(decoder, "82", HPACK_COMPRESSION); break;
        case 1: expect_outcome(decoder, "", HPACK_COMPRESSION); break;
        case 2: expect_outcome(decoder, "3f46 82", HPACK_COMPRESSION); break; /* 101 */
        case 3: expect_list(decoder, "3f45 be", "a: 1\n"); break;             /* 100 */
        case 4: /* shrink, then grow: the smallest has to be there */
            hpack_decoder_set_table_bytes_max(decoder, 4096);
            expect_outcome(decoder, "3fe11f 82", HPACK_COMPRESSION);
            break;
        case 5:
            hpack_decoder_set_table_bytes_max(decoder, 0);
            hpack_decoder_set_table_bytes_max(decoder, 4096);
            expect_list(decoder, "20 3fe11f 82", ":method: GET\n");
            expect_list(decoder, "82", ":method: GET\n");
            expect_outcome(decoder, "be", HPACK_COMPRESSION);
            break;
        }
        hpack_decoder_free(decoder);
    }
}

static void a_larger_table_may_be_used(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_decoder_set_table_bytes_max(decoder, 8192);
    expect_list(decoder, "82", ":method: GET\n");
    expect_list(decoder, "3fe13f 82", ":method: GET\n");
    expect_list(decoder, "3fe11f 3fe13f 20 3fe13f", ""); /* any number of them */
    hpack_decoder_set_table_bytes_max(decoder, 8191);
    expect_outcome(decoder, "82", HPACK_COMPRESSION);
    hpack_decoder_free(decoder);
}

static void a_size_update_evicts(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    expect_list(decoder, "4001610131 4001620132", "a: 1\nb: 2\n");
    expect_list(decoder, "3f03 be", "b: 2\n"); /* 34 */
    expect_list(decoder, "be 4001630133 be", "b: 2\nc: 3\nc: 3\n");
    expect_outcome(decoder, "bf", HPACK_COMPRESSION);
    hpack_decoder_free(decoder);
}

static void an_evicted_name_may_still_name_the_entry_that_evicts_it(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    expect_list(decoder, "3f03 4001610131", "a: 1\n");
    expect_list(decoder, "7e0132 be", "a: 2\na: 2\n"); /* RFC 7541 4.4 */
    hpack_decoder_free(decoder);
}

static void list_bytes_are_limited_exactly(void **state)
{
    (void)state;
    hpack_result result;
    hpack_block *block = NULL;
    hpack_decoder *decoder = new_decoder(2 * 34, 0);
    expect_list(decoder, "0001610131 0001620132", "a: 1\nb: 2\n");
    expect_outcome(decoder, "0001610131 000162023233", HPACK_TOO_LARGE);
    expect_outcome(decoder, "82 84", HPACK_TOO_LARGE);
    assert_int_equal(decode_hex(decoder, "0001610131 000162023233 82", &block, &result), HPACK_TOO_LARGE);
    assert_int_equal(result.list_bytes, 34 + 35 + 42);
    assert_int_equal(result.fields, 3);
    expect_list(decoder, "0001610131", "a: 1\n");
    hpack_decoder_free(decoder);
}

static void fields_are_limited_exactly(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 3);
    expect_list(decoder, "828284", ":method: GET\n:method: GET\n:path: /\n");
    expect_outcome(decoder, "82828482", HPACK_TOO_LARGE);
    expect_list(decoder, "0001610131 0001610132 0001610133", "a: 1\na: 2\na: 3\n");
    expect_outcome(decoder, "0001610131 0001610132 0001610133 0001610134", HPACK_TOO_LARGE);
    hpack_decoder_free(decoder);
    decoder = new_decoder(0, 0);
    char *hex = repeat("", "82", 128);
    hpack_block *block = NULL;
    assert_int_equal(decode_hex(decoder, hex, &block, NULL), HPACK_OK);
    assert_int_equal(block->count, 128);
    hpack_block_release(block);
    free(hex);
    hex = repeat("", "82", 129);
    expect_outcome(decoder, hex, HPACK_TOO_LARGE);
    free(hex);
    hpack_decoder_free(decoder);
}

/* CVE-2023-32731: what follows a list that was too large is read with the table that the peer has. */
static void the_table_stays_in_step_after_too_large(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(80, 0);
    expect_list(decoder, "4001610131", "a: 1\n");
    expect_outcome(decoder, "be be 4001620132 4001630133 7e0134 c0 7f000135", HPACK_TOO_LARGE);
    expect_list(decoder, "be bf", "c: 5\nc: 4\n");
    expect_list(decoder, "c0 c1", "c: 3\nb: 2\n");
    expect_list(decoder, "c2", "a: 1\n");
    hpack_decoder_free(decoder);
}

static void a_fault_behind_the_limit_is_still_a_fault(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(80, 0);
    expect_outcome(decoder, "82 82 82 82 be", HPACK_COMPRESSION);
    hpack_decoder_free(decoder);
}

/* CVE-2016-6581: thousands of references to one large entry. */
static void a_bomb_costs_no_memory(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_block *block = NULL;
    hpack_result result;
    sample first = sample_of_hex("4001617fa21e"); /* 127 + 0x22 + 0x1e * 128 = 4001 bytes of value */
    char *wire = malloc(first.size + 4001);
    memcpy(wire, first.data, first.size);
    memset(wire + first.size, 'b', 4001);
    assert_int_equal(hpack_decode(decoder, (proa_bytes){ wire, first.size + 4001 }, &block, &result), HPACK_OK);
    assert_int_equal(block->fields[0].value.size, 4001);
    hpack_block_release(block);
    char *bomb = repeat("", "be", 16000);
    memory_watch(0);
    assert_int_equal(decode_hex(decoder, bomb, &block, &result), HPACK_TOO_LARGE);
    assert_true(memory_unwatch() < 8);
    assert_int_equal(result.list_bytes, (size_t)16000 * (1 + 4001 + 32));
    free(bomb);
    bomb = repeat("", "7e00", 8000); /* and every one inserts its name again */
    assert_int_equal(decode_hex(decoder, bomb, &block, &result), HPACK_TOO_LARGE);
    expect_list(decoder, "be", "a: \n");
    free(bomb);
    free(wire);
    sample_free(&first);
    hpack_decoder_free(decoder);
}

static hpack_block *decoded(hpack_decoder *decoder, const char *hex, const char *list)
{
    hpack_block *block = NULL;
    assert_int_equal(decode_hex(decoder, hex, &block, NULL), HPACK_OK);
    assert_block_is(block, list);
    return block;
}

static void a_steady_block_is_the_same_block(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_block_release(decoded(decoder, "4001610131", "a: 1\n"));
    hpack_block *first = decoded(decoder, "82be", ":method: GET\na: 1\n");
    hpack_block *second = decoded(decoder, "82be", ":method: GET\na: 1\n");
    hpack_block *third = decoded(decoder, "82be", ":method: GET\na: 1\n");
    assert_true(first->id != 0 && first->id != second->id);
    assert_ptr_equal(third, second);
    assert_int_equal(third->id, second->id);
    hpack_block *other = decoded(decoder, "83be", ":method: POST\na: 1\n");
    assert_true(other != third);
    hpack_block_release(first);
    hpack_block_release(second);
    hpack_block_release(third);
    hpack_block_release(other);
    hpack_decoder_free(decoder);
}

static void a_changed_table_makes_the_same_bytes_another_block(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_block_release(decoded(decoder, "4001610131", "a: 1\n"));
    for (int i = 0; i < 4; i++)
        hpack_block_release(decoded(decoder, "82be", ":method: GET\na: 1\n"));
    hpack_block_release(decoded(decoder, "4001620132", "b: 2\n"));
    for (int i = 0; i < 4; i++)
        hpack_block_release(decoded(decoder, "82be", ":method: GET\nb: 2\n"));
    for (int i = 0; i < 4; i++) /* blocks that insert are never remembered */
        hpack_block_release(decoded(decoder, "7e0133", "b: 3\n"));
    hpack_block_release(decoded(decoder, "c2 c3", "b: 2\na: 1\n"));
    hpack_block_release(decoded(decoder, "20", ""));
    expect_outcome(decoder, "82be", HPACK_COMPRESSION);
    hpack_decoder_free(decoder);
}

static void a_due_update_is_demanded_of_known_bytes_too(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    for (int i = 0; i < 4; i++)
        hpack_block_release(decoded(decoder, "82", ":method: GET\n"));
    hpack_decoder_set_table_bytes_max(decoder, 0);
    expect_outcome(decoder, "82", HPACK_COMPRESSION);
    hpack_decoder_free(decoder);
}

static void a_dead_decoder_knows_nothing_any_more(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    for (int i = 0; i < 4; i++)
        hpack_block_release(decoded(decoder, "82", ":method: GET\n"));
    expect_outcome(decoder, "be", HPACK_COMPRESSION);
    expect_outcome(decoder, "82", HPACK_COMPRESSION);
    hpack_decoder_free(decoder);
}

/* What a block of few bytes stands for may need more room than any block before. */
static void indexed_fields_grow_the_block(void **state)
{
    (void)state;
    char value[301], list[8192] = "";
    memset(value, 'v', 300);
    value[300] = 0;
    char *hex = repeat("0161 7fad01", "76", 300); /* 127 + 45 + 128 */
    char *insertion = repeat("40", hex, 1);
    hpack_decoder *decoder = new_decoder(0, 0);
    snprintf(list, sizeof list, "a: %s\n", value);
    expect_list(decoder, insertion, list);
    for (int i = 1; i < 20; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "a: %s\n", value);
    free(hex);
    hex = repeat("", "be", 20);
    for (int i = 0; i < 4; i++)
        expect_list(decoder, hex, list);
    free(hex);
    free(insertion);
    hpack_decoder_free(decoder);
}

/* The same random sequence of blocks, with and without a memory of earlier ones. */
static void the_memo_changes_no_result(void **state)
{
    (void)state;
    static const char *pool[] = { "82",     "82be", "83bf",     "bebf",      "4001610131", "4001620132",
                                  "7e0133", "82c0", "0f2f0134", "3fe11f",    "3f4582",     "3fe11f82be",
                                  "8284be", "86",   "be",       "0001630135" };
    uint64_t seed = 42;
    unsigned hits = 0, rounds = 0;
    for (int round = 0; round < 200; round++) {
        hpack_decoder *with = new_decoder(0, 0), *without = new_decoder(0, 0);
        hpack_outcome outcome = HPACK_OK;
        uint64_t last_id = 0;
        for (int i = 0; i < 60 && outcome == HPACK_OK; i++, rounds++) {
            uint64_t random = next_random(&seed);
            const char *hex = pool[(random >> 8) % ((random & 7) ? 6 : 16)];
            hpack_block *a = NULL, *b = NULL;
            hpack_decoder_trim(without);
            outcome = decode_hex(with, hex, &a, NULL);
            assert_int_equal(decode_hex(without, hex, &b, NULL), outcome);
            if (outcome)
                break;
            assert_int_equal(a->count, b->count);
            for (uint32_t k = 0; k < a->count; k++) {
                assert_true(proa_bytes_is_equal(a->fields[k].name, b->fields[k].name));
                assert_true(proa_bytes_is_equal(a->fields[k].value, b->fields[k].value));
            }
            hits += a->id <= last_id;
            last_id = a->id > last_id ? a->id : last_id;
            hpack_block_release(a);
            hpack_block_release(b);
        }
        hpack_decoder_free(with);
        hpack_decoder_free(without);
    }
    assert_true(hits > 100 && rounds > 2000);
}

static void blocks_and_notes_outlive_the_decoder(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    hpack_block *one = decoded(decoder, "4001610131", "a: 1\n"), *two = decoded(decoder, "be", "a: 1\n");
    one->note = malloc(8); /* a leak for a sanitizer, were it not freed */
    one->note_free = free;
    hpack_decoder_free(decoder);
    assert_block_is(one, "a: 1\n");
    hpack_block_release(one);
    assert_block_is(two, "a: 1\n");
    hpack_block_release(two);
}

#define STEADY "82be 040474657374"

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    hpack_decoder *decoder = new_decoder(0, 0);
    expect_list(decoder, "4001610131", "a: 1\n");
    sample blocks[4] = { sample_of_hex("82be"), sample_of_hex(STEADY), sample_of_hex(STEADY "82"),
                         sample_of_hex("84be") };
    for (int i = 0; i < 200; i++) {
        if (i == 20)
            memory_watch(0);
        blocks[1].data[4] = (char)('a' + i % 7); /* a value that changes with every call */
        hpack_block *out[4];
        for (int k = 0; k < 4; k++)
            assert_int_equal(hpack_decode(decoder, sample_bytes(&blocks[k]), &out[k], NULL), HPACK_OK);
        for (int k = 0; k < 4; k++)
            hpack_block_release(out[k]);
    }
    assert_int_equal(memory_unwatch(), 0);
    for (int k = 0; k < 4; k++)
        sample_free(&blocks[k]);
    hpack_decoder_free(decoder);
}

static hpack_outcome run_example(hpack_decoder *decoder, const struct example *example)
{
    for (int k = 0; k < 3; k++) {
        hpack_block *block = NULL;
        hpack_outcome outcome = decode_hex(decoder, example->blocks[k].hex, &block, NULL);
        if (outcome)
            return outcome;
        assert_block_is(block, example->blocks[k].list);
        hpack_block_release(block);
    }
    return HPACK_OK;
}

static void running_out_of_memory_is_reported_and_final(void **state)
{
    (void)state;
    limits limits = { 0 };
    for (size_t nth = 1;; nth++) {
        memory_watch(nth);
        hpack_decoder *decoder = hpack_decoder_new(&limits);
        if (!decoder) {
            memory_unwatch();
            continue;
        }
        hpack_outcome outcome = run_example(decoder, &examples[2]);
        size_t asked = memory_unwatch();
        if (outcome)
            expect_outcome(decoder, "82", HPACK_NOMEM);
        hpack_decoder_free(decoder);
        if (asked < nth)
            break;
        assert_int_equal(outcome, HPACK_NOMEM);
        assert_true(nth < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc_are_decoded),
        cmocka_unit_test(each_form_of_a_field_is_decoded),
        cmocka_unit_test(never_indexed_is_kept_with_the_field),
        cmocka_unit_test(tokens_come_with_static_dynamic_and_literal_names),
        cmocka_unit_test(every_truncation_is_a_fault_or_a_shorter_list),
        cmocka_unit_test(what_is_wrong_is_a_compression_error),
        cmocka_unit_test(a_smaller_table_has_to_be_acknowledged_by_an_update),
        cmocka_unit_test(a_larger_table_may_be_used),
        cmocka_unit_test(a_size_update_evicts),
        cmocka_unit_test(an_evicted_name_may_still_name_the_entry_that_evicts_it),
        cmocka_unit_test(list_bytes_are_limited_exactly),
        cmocka_unit_test(fields_are_limited_exactly),
        cmocka_unit_test(the_table_stays_in_step_after_too_large),
        cmocka_unit_test(a_fault_behind_the_limit_is_still_a_fault),
        cmocka_unit_test(a_bomb_costs_no_memory),
        cmocka_unit_test(a_steady_block_is_the_same_block),
        cmocka_unit_test(a_changed_table_makes_the_same_bytes_another_block),
        cmocka_unit_test(a_due_update_is_demanded_of_known_bytes_too),
        cmocka_unit_test(a_dead_decoder_knows_nothing_any_more),
        cmocka_unit_test(indexed_fields_grow_the_block),
        cmocka_unit_test(the_memo_changes_no_result),
        cmocka_unit_test(blocks_and_notes_outlive_the_decoder),
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(running_out_of_memory_is_reported_and_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
