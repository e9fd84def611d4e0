/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 without padding out, either way in. Bits behind the last byte are not looked at, as in other gRPC readers. */
#include "rpc/base64.h"

enum { BAD = 64 };

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define ROW_BAD BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
static const uint8_t values[256] = {
    ROW_BAD, ROW_BAD, BAD,     BAD,     BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62,      BAD,     BAD,     BAD,
    63,      52,      53,      54,      55,  56,  57,  58,  59,  60,  61,  BAD, BAD, BAD,     BAD,     BAD,     BAD,
    BAD,     0,       1,       2,       3,   4,   5,   6,   7,   8,   9,   10,  11,  12,      13,      14,      15,
    16,      17,      18,      19,      20,  21,  22,  23,  24,  25,  BAD, BAD, BAD, BAD,     BAD,     BAD,     26,
    27,      28,      29,      30,      31,  32,  33,  34,  35,  36,  37,  38,  39,  40,      41,      42,      43,
    44,      45,      46,      47,      48,  49,  50,  51,  BAD, BAD, BAD, BAD, BAD, ROW_BAD, ROW_BAD, ROW_BAD, ROW_BAD,
    ROW_BAD, ROW_BAD, ROW_BAD, ROW_BAD,
};

void base64_encode(proa_bytes raw, char *out)
{
    const unsigned char *in = (const unsigned char *)raw.data;
    size_t left = raw.size;
    for (; left >= 3; left -= 3, in += 3) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        *out++ = letters[bits >> 6 & 63];
        *out++ = letters[bits & 63];
    }
    if (left == 0)
        return;
    uint32_t bits = (uint32_t)in[0] << 16 | (left == 2 ? (uint32_t)in[1] << 8 : 0);
    *out++ = letters[bits >> 18];
    *out++ = letters[bits >> 12 & 63];
    if (left == 2)
        *out++ = letters[bits >> 6 & 63];
}

/* The text without its padding. Padding fills the last four exactly or is not there at all. */
static bool unpad(proa_bytes *text)
{
    if (text->size && text->size % 4 == 0 && text->data[text->size - 1] == '=')
        text->size -= text->data[text->size - 2] == '=' ? 2 : 1;
    return text->size % 4 != 1;
}

bool base64_is_valid(proa_bytes text)
{
    if (!unpad(&text))
        return false;
    uint8_t seen = 0;
    for (size_t i = 0; i < text.size; i++)
        seen |= values[(unsigned char)text.data[i]];
    return !(seen & BAD);
}

bool base64_decode(proa_bytes text, char *out, size_t *size)
{
    if (!unpad(&text))
        return false;
    const unsigned char *in = (const unsigned char *)text.data;
    char *begin = out;
    uint8_t seen = 0;
    size_t left = text.size;
    for (; left >= 4; left -= 4, in += 4) {
        uint8_t a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];
        seen |= a | b | c | d;
        uint32_t bits = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
        *out++ = (char)(bits >> 16);
        *out++ = (char)(bits >> 8);
        *out++ = (char)bits;
    }
    if (left) {
        uint8_t a = values[in[0]], b = values[in[1]], c = left == 3 ? values[in[2]] : 0;
        seen |= a | b | c;
        uint32_t bits = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6;
        *out++ = (char)(bits >> 16);
        if (left == 3)
            *out++ = (char)(bits >> 8);
    }
    if (seen & BAD)
        return false;
    *size = (size_t)(out - begin);
    return true;
}
