/* SPDX-License-Identifier: Apache-2.0 */
/* The small decoders of rpc over any text: base64, percent, timeout, status, details, paths, metadata. What is read and
 * written again is read as the same. */
#include "base/base.h"
#include "rpc/base64.h"
#include "rpc/metadata.h"
#include "rpc/percent.h"
#include "rpc/request.h"
#include "rpc/status.h"
#include "rpc/timeout.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *room(size_t size)
{
    char *made = malloc(size ? size : 1);
    PROA_ASSERT(made, "memory");
    return made;
}

static void check_base64(proa_bytes text)
{
    char *raw = room(base64_decoded_size_max(text.size));
    size_t size = 0;
    bool decodes = base64_decode(text, raw, &size);
    PROA_ASSERT(decodes == base64_is_valid(text), "what is valid decodes");
    PROA_ASSERT(!decodes || size <= base64_decoded_size_max(text.size), "it fits");
    free(raw);

    size_t encoded = base64_encoded_size(text.size);
    char *wire = room(encoded), *back = room(base64_decoded_size_max(encoded));
    base64_encode(text, wire);
    PROA_ASSERT(base64_decode((proa_bytes){ wire, encoded }, back, &size), "what was encoded decodes");
    PROA_ASSERT(proa_bytes_is_equal(text, (proa_bytes){ back, size }), "to the same");
    free(wire);
    free(back);
}

static void check_percent(proa_bytes text)
{
    char *decoded = room(text.size);
    PROA_ASSERT(percent_decode(text, decoded) <= text.size, "decoding never grows");
    free(decoded);
    char *wire = room(3 * text.size), *back = room(3 * text.size);
    size_t size = percent_encode(text, wire, 3 * text.size);
    for (size_t i = 0; i < size; i++)
        PROA_ASSERT(wire[i] >= 0x20 && wire[i] <= 0x7e, "an encoding is visible ASCII");
    PROA_ASSERT(percent_is_plain(text) == (size == text.size), "plain is what stays");
    size = percent_decode((proa_bytes){ wire, size }, back);
    PROA_ASSERT(proa_bytes_is_equal(text, (proa_bytes){ back, size }), "what was encoded decodes to the same");
    size = percent_encode(text, wire, text.size / 2);
    PROA_ASSERT(size <= text.size / 2, "a cut fits");
    free(wire);
    free(back);
}

static void check_timeout(proa_bytes text)
{
    int64_t ns = 0, again = 0;
    char out[TIMEOUT_TEXT_MAX];
    if (!timeout_parse(text, &ns))
        return;
    PROA_ASSERT(ns >= 0, "a timeout is no debt");
    size_t size = timeout_format(ns, out);
    PROA_ASSERT(timeout_parse((proa_bytes){ out, size }, &again), "what was written can be read");
    PROA_ASSERT(again >= ns && again - ns <= ns / 100 + 1, "rounded up, by one percent at most");
}

static void check_metadata(proa_bytes text)
{
    size_t name_size = text.size ? (unsigned char)text.data[0] % (text.size + 1) : 0;
    proa_bytes name = { text.data, name_size }, value = { text.data + name_size, text.size - name_size };
    for (int is_bin = 0; is_bin < 2; is_bin++) {
        proa_bytes key = is_bin ? PROA_STR("k-bin") : name;
        hpack_field field = { key, value, (uint8_t)hpack_name_of(key), false };
        hpack_block block = { .fields = &field, .count = 1 };
        request_head head;
        (void)request_read(&block, &head);
        proa_arena *arena = proa_arena_new(0);
        if (metadata_is_sound(&block))
            PROA_ASSERT(metadata_read(&block, arena).data, "sound metadata can be read");

        proa_header header = { key, value };
        proa_headers headers = { &header, 1 };
        fields out = { 0 };
        if (!metadata_validate(headers)) {
            PROA_ASSERT(!fields_begin(&out, 1, metadata_text_size(headers)), "memory");
            metadata_write(headers, &out);
            hpack_block sent = { .fields = out.data, .count = (uint32_t)out.count };
            proa_headers back = metadata_read(&sent, arena);
            PROA_ASSERT(back.data && back.count == out.count, "what is written is read");
            if (is_bin)
                PROA_ASSERT(proa_bytes_is_equal(back.data[0].value, value), "as the same");
        }
        fields_fini(&out);
        proa_arena_free(arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    proa_bytes text = { size ? (const char *)data : "", size };
    uint64_t code;
    proa_code status = status_parse(text);
    PROA_ASSERT(status >= PROA_OK && status <= PROA_UNAUTHENTICATED, "a status is one of the seventeen");
    (void)status_details_code(text, &code);
    PROA_ASSERT(!request_is_path(text) || (text.size >= 4 && text.data[0] == '/'), "a path has two parts");
    check_base64(text);
    check_percent(text);
    check_timeout(text);
    check_metadata(text);
    return 0;
}
