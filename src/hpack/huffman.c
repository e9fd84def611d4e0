/* SPDX-License-Identifier: Apache-2.0 */
/* Huffman, both ways, a window of 64 bits at a time. Decoding looks up the next 8 bits; a longer code, which text hardly
 * has, is found by its length, since the code is canonical: at most 17 steps a symbol, so time is linear. */
#include "hpack/huffman.h"
#include <string.h>
#include "hpack/huffman.inc"

#define FAST_BITS 8
#define EOS       256

typedef struct bits {
    uint64_t window; /* left-aligned; behind count: zeros, or bits of bytes that are not taken yet */
    unsigned count;  /* bits in it */
    const uint8_t *at, *end;
} bits;

static uint64_t load_be(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Afterwards: at least 56 bits, or all that is left. */
static inline void refill(bits *b)
{
    if (b->end - b->at >= 8) {
        b->window |= load_be(b->at) >> b->count;
        unsigned taken = (63 - b->count) >> 3;
        b->at += taken;
        b->count += taken * 8;
        return;
    }
    while (b->count <= 56 && b->at < b->end) {
        b->window |= (uint64_t)*b->at++ << (56 - b->count);
        b->count += 8;
    }
}

/* A code of more than FAST_BITS bits: its symbol and length; EOS also when what is left is no whole code. */
static unsigned slow_symbol(const bits *b, unsigned *length)
{
    uint32_t next = (uint32_t)(b->window >> 32);
    unsigned i = 0;
    while (next > huffman_spans[i].last)
        i++;
    *length = huffman_spans[i].bits;
    if (*length > b->count)
        return EOS;
    return huffman_symbols[huffman_spans[i].base + ((next - huffman_spans[i].first) >> (32 - *length))];
}

/* What is left is less than a byte and no whole code: it must be ones, the beginning of EOS. */
static bool is_padding(const bits *b)
{
    return b->window == ~(~UINT64_C(0) >> b->count);
}

bool huffman_decode(proa_bytes code, char *to, size_t *size)
{
    const uint8_t *begin = (const uint8_t *)code.data;
    bits b = { 0, 0, begin, begin + code.size };
    char *start = to;
    for (;;) {
        refill(&b);
        if (b.count < FAST_BITS)
            break;
        do {
            unsigned length = huffman_fast[b.window >> (64 - FAST_BITS)].bits;
            unsigned symbol = huffman_fast[b.window >> (64 - FAST_BITS)].symbol;
            if (length == 0) {
                symbol = slow_symbol(&b, &length);
                if (symbol == EOS && length > b.count && b.at < b.end)
                    break; /* more bits are coming */
                if (symbol == EOS)
                    return false;
            }
            *to++ = (char)symbol;
            b.window <<= length;
            b.count -= length;
        } while (b.count >= FAST_BITS);
    }
    while (b.count) {
        unsigned length = huffman_fast[b.window >> (64 - FAST_BITS)].bits;
        if (length == 0 || length > b.count)
            break;
        *to++ = (char)huffman_fast[b.window >> (64 - FAST_BITS)].symbol;
        b.window <<= length;
        b.count -= length;
    }
    *size = (size_t)(to - start);
    return is_padding(&b);
}

size_t huffman_encoded_size(proa_bytes text)
{
    size_t sum = 0;
    for (size_t i = 0; i < text.size; i++)
        sum += huffman_codes[(uint8_t)text.data[i]].bits;
    return (sum + 7) / 8;
}

char *huffman_encode(proa_bytes text, char *to)
{
    uint64_t window = 0; /* right-aligned; what is above count was written */
    unsigned count = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t symbol = (uint8_t)text.data[i];
        window = window << huffman_codes[symbol].bits | huffman_codes[symbol].code;
        count += huffman_codes[symbol].bits;
        for (; count >= 32; count -= 8)
            *to++ = (char)(window >> (count - 8));
    }
    for (; count >= 8; count -= 8)
        *to++ = (char)(window >> (count - 8));
    if (count)
        *to++ = (char)(window << (8 - count) | 0xffu >> count);
    return to;
}
