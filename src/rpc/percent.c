/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes what is not visible ASCII or a space, and '%'; decodes leniently. */
#include "rpc/percent.h"
#include "base/bytes.h"

static bool is_plain_byte(unsigned char byte)
{
    return byte >= 0x20 && byte <= 0x7e && byte != '%';
}

/* A field value neither begins nor ends with a space (RFC 9113 8.2.1), so these two are encoded as well. */
static bool is_plain_at(proa_bytes text, size_t i)
{
    return is_plain_byte((unsigned char)text.data[i]) && (text.data[i] != ' ' || (i > 0 && i + 1 < text.size));
}

bool percent_is_plain(proa_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_plain_at(text, i))
            return false;
    }
    return true;
}

/* The first byte of the character that byte i belongs to; itself where the text is no UTF-8. */
static size_t character_begin(proa_bytes text, size_t i)
{
    size_t begin = i;
    while (begin > 0 && i - begin < 3 && ((unsigned char)text.data[begin] & 0xc0) == 0x80)
        begin--;
    return (unsigned char)text.data[begin] >= 0xc0 ? begin : i;
}

/* How many bytes of text have an encoding of at most size bytes. */
static size_t fitting(proa_bytes text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < text.size; i++) {
        used += is_plain_at(text, i) ? 1 : 3;
        if (used > size)
            return character_begin(text, i);
    }
    return text.size;
}

size_t percent_encode(proa_bytes text, char *out, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    /* A cut may turn an inner space into a last one, which then needs three bytes: drop trailing spaces of a cut. */
    size_t fits = fitting(text, size);
    if (fits < text.size) {
        while (fits > 0 && text.data[fits - 1] == ' ')
            fits--;
    }
    text.size = fits;
    char *to = out;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (is_plain_at(text, i)) {
            *to++ = (char)byte;
        } else {
            *to++ = '%';
            *to++ = hex[byte >> 4];
            *to++ = hex[byte & 15];
        }
    }
    return (size_t)(to - out);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t percent_decode(proa_bytes text, char *out)
{
    const char *escape = text.size ? memchr(text.data, '%', text.size) : NULL;
    size_t plain = escape ? (size_t)(escape - text.data) : text.size;
    bytes_copy(out, text.data, plain);
    char *to = out + plain;
    for (size_t i = plain; i < text.size; i++) {
        int high = -1, low = -1;
        if (text.data[i] == '%' && text.size - i > 2) {
            high = digit(text.data[i + 1]);
            low = digit(text.data[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            *to++ = (char)(high << 4 | low);
            i += 2;
        } else {
            *to++ = text.data[i];
        }
    }
    return (size_t)(to - out);
}
