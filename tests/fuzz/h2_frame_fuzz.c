/* SPDX-License-Identifier: Apache-2.0 */
/* The pure decoders of h2: frame headers and their rules, padding, SETTINGS, and what a header list may say. */
#include "h2/frame.h"
#include <stdio.h>
#include <stdlib.h>
#include "h2/headers.h"
#include "h2/settings.h"

#define MUST(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

static void broken(const char *what, int line)
{
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    abort();
}

static void check_frame(const uint8_t *data, proa_bytes payload)
{
    frame f = frame_decode((const char *)data);
    char again[FRAME_HEADER_SIZE];
    frame_encode(again, f);
    again[5] |= (char)(data[5] & 0x80); /* the reserved bit is not kept */
    MUST(memcmp(again, data, sizeof again) == 0);
    char text[64];
    MUST(strlen(frame_flags_text(f, text)) < sizeof text && frame_type_name(f.type));
    h2_fault fault = frame_check(f, FRAME_LENGTH_MIN);
    MUST(f.length <= FRAME_LENGTH_MIN || fault.code == H2_FRAME_SIZE_ERROR);
    MUST(!fault.scope == !fault.reason);
    f.length = (uint32_t)payload.size;
    proa_bytes inner = payload;
    fault = frame_unpad(f, &inner);
    MUST(fault.scope || (inner.data >= payload.data && inner.data + inner.size <= payload.data + payload.size));
}

static void check_settings(proa_bytes payload)
{
    settings read = settings_default, again = settings_default;
    if (settings_decode(payload, H2_CLIENT, 32, &read).scope)
        return;
    MUST(read.window_bytes <= INT32_MAX && read.frame_bytes_max >= FRAME_LENGTH_MIN && read.is_push_on <= 1);
    char out[SETTINGS_SIZE_MAX];
    size_t size = settings_encode(&read, out);
    MUST(!settings_decode((proa_bytes){ out, size }, H2_CLIENT, 32, &again).scope);
    MUST(memcmp(&read, &again, sizeof read) == 0);
}

static void check_list(proa_bytes block)
{
    hpack_decoder *decoder = hpack_decoder_new(&(limits){ 0 });
    hpack_block *list = NULL;
    if (decoder && hpack_decode(decoder, block, &list, NULL) == HPACK_OK) {
        const char *request = headers_check(list, H2_HEADERS_REQUEST);
        const char *trailers = headers_check(list, H2_HEADERS_TRAILERS);
        MUST(headers_check(list, H2_HEADERS_REQUEST) == request &&
             headers_check(list, H2_HEADERS_TRAILERS) == trailers);
        MUST(request || trailers); /* pseudo-headers: one needs them, the other must not have them */
        if (!request && (list->verdict & HEADERS_HAS_LENGTH))
            MUST(headers_content_length(list) < UINT64_C(1000000000000000000));
        hpack_block_release(list);
    }
    hpack_decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < FRAME_HEADER_SIZE)
        return 0;
    proa_bytes payload = { (const char *)data + FRAME_HEADER_SIZE, size - FRAME_HEADER_SIZE };
    check_frame(data, payload);
    check_settings(payload);
    check_list(payload);
    return 0;
}
