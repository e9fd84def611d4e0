/* SPDX-License-Identifier: Apache-2.0 */
/* grpc-timeout: written coarsely, read strictly, clamped where 64 bits of nanoseconds end. */
#include "rpc/timeout.h"

static const struct {
    char letter;
    int64_t ns;
} units[] = {
    { 'H', 3600 * PROA_SECOND },
    { 'M', 60 * PROA_SECOND },
    { 'S', PROA_SECOND },
    { 'm', PROA_MILLISECOND },
    { 'u', 1000 },
    { 'n', 1 },
};
enum { UNITS = sizeof units / sizeof units[0], DIGITS_MAX = 8 };

/* Up to three significant decimal digits. The result may be INT64_MAX + 1, hence unsigned. */
static uint64_t round_up(uint64_t ns)
{
    uint64_t step = 1;
    while (ns / step >= 1000)
        step *= 10;
    return (ns + step - 1) / step * step;
}

size_t timeout_format(int64_t ns, char out[TIMEOUT_TEXT_MAX])
{
    uint64_t value = ns > 0 ? round_up((uint64_t)ns) : 1;
    size_t unit = 0;
    while (value % (uint64_t)units[unit].ns != 0)
        unit++;
    value /= (uint64_t)units[unit].ns;
    /* Three digits and their zeros may be more than eight in a fine unit: 123 hours end in seconds. */
    while (value > 99999999) {
        unit--;
        uint64_t ratio = (uint64_t)(units[unit].ns / units[unit + 1].ns);
        value = (value + ratio - 1) / ratio;
    }
    char digits[DIGITS_MAX];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    out[count] = units[unit].letter;
    return count + 1;
}

bool timeout_parse(proa_bytes text, int64_t *ns)
{
    if (text.size < 2 || text.size > DIGITS_MAX + 1)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    for (size_t unit = 0; unit < UNITS; unit++) {
        if (units[unit].letter == text.data[text.size - 1]) {
            *ns = value > INT64_MAX / units[unit].ns ? INT64_MAX : value * units[unit].ns;
            return true;
        }
    }
    return false;
}
