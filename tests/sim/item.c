/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and headers that anybody can compute from the plan, so that one wrong byte is noticed. */
#include "cast.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOISE = 1 << 20 };
static char noise[2 * NOISE];

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t key_of(const plan *p, unsigned direction, unsigned number)
{
    return mix(p->token + direction, number);
}

static const char *noise_at(uint64_t key)
{
    if (!noise[1])
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)(mix(7, i / 8) >> i % 8 * 8 | 1);
    return noise + key % NOISE;
}

size_t item_size(const plan *p, unsigned direction, unsigned number)
{
    uint64_t key = key_of(p, direction, number) >> 8;
    if (p->is_over_limit && direction == TO_CLIENT && number == p->replies - 1)
        return 400 * 1024;
    switch (p->size_class) {
    case 0: return key % 100;
    case 1: return key % 4 ? key % 100 : key % 3000;
    case 2: return key % 20000;
    case 3: return key % 4 ? 0 : key % 300;
    default: return key % 3 ? key % 1000 : 60000 + key % 200000;
    }
}

static uint32_t check_of(const sim_Item *item)
{
    return (uint32_t)mix(item->call * 31 + item->number, item->body.size);
}

void item_fill(const plan *p, unsigned direction, unsigned number, sim_Item *out)
{
    uint64_t key = key_of(p, direction, number);
    *out = (sim_Item){ .call = p->id + 1, .number = number };
    out->body = (proa_bytes){ noise_at(key), item_size(p, direction, number) };
    out->check = check_of(out);
    if (out->body.size > 65536)
        cover(p->client->actor.world, COVER_MESSAGE_LARGE);
    else if (!out->body.size)
        cover(p->client->actor.world, COVER_MESSAGE_EMPTY);
}

void item_check(world *w, const plan *p, unsigned direction, unsigned number, const sim_Item *item)
{
    sim_Item due;
    item_fill(p, direction, number, &due);
    if (item->call != due.call)
        world_fail(w, "a message is of its call", "call %u got one of call %" PRIu64, p->id, item->call - 1);
    else if (item->number != due.number)
        world_fail(w, "messages come once and in order", "call %u: %u came, %u is due", p->id, item->number, number);
    else if (item->body.size != due.body.size || item->check != check_of(item) ||
             memcmp(item->body.data ? item->body.data : "", due.body.data, due.body.size) != 0)
        world_fail(w, "messages arrive as they were sent", "call %u, number %u", p->id, number);
}

/* Names and values come again and again, as those of real calls do, and many calls have one of a few whole lists, the same
 * some times in a row: what their blocks mean depends on the table alone. */
void item_headers(const plan *p, unsigned salt, header_set *out)
{
    bool is_usual = p->usual != 0;
    unsigned count = is_usual ? 2 : p->header_count;
    out->count = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t key = mix((is_usual ? p->usual : p->token) + salt, i);
        uint64_t value = key >> 40 & 1 ? key : key % 3;
        char *name = out->texts[i][0], *text = out->texts[i][1];
        bool is_binary = i % 3 == 2;
        snprintf(name, 80, "sim-%c%u%s", (char)('a' + salt % 7), i, is_binary ? "-bin" : "");
        int size = snprintf(text, 80, is_binary ? "%c%" PRIx64 : "v%c%" PRIx64, (int)('A' + value % 20), value);
        if (is_binary)
            text[0] = (char)value;
        out->items[out->count++] = (proa_header){ proa_bytes_of(name), { text, (size_t)size } };
    }
}

/* Letters that Huffman's code does not make shorter. */
proa_bytes item_long_header(const plan *p)
{
    static char letters[32768];
    if (!letters[0])
        for (size_t i = 0; i < sizeof letters; i++)
            letters[i] = "!#$%&'()*+,;<>?@[]^`{|}~XZjqz\"K"[mix(11, i) % 31];
    return (proa_bytes){ letters + p->token % 1000, p->long_header };
}

void item_check_headers(world *w, const plan *p, unsigned salt, proa_headers headers)
{
    header_set due;
    item_headers(p, salt, &due);
    unsigned found = 0;
    for (size_t i = 0; i < headers.count; i++) {
        const proa_header *h = &headers.data[i];
        if (h->name.size < 5 || memcmp(h->name.data, "sim-", 4) != 0 || h->name.data[4] != (char)('a' + salt % 7))
            continue;
        if (found == due.count || !proa_bytes_is_equal(h->name, due.items[found].name) ||
            !proa_bytes_is_equal(h->value, due.items[found].value)) {
            world_fail(w, "headers arrive as they were sent", "call %u: %.*s", p->id, (int)h->name.size, h->name.data);
            return;
        }
        found++;
    }
    if (found != due.count)
        world_fail(w, "headers arrive", "call %u: %u of %u", p->id, found, due.count);
}

plan *item_plan(cast *cast, proa_headers headers)
{
    proa_bytes text = proa_headers_get(headers, "call-number");
    char number[16] = "";
    if (!text.data || text.size >= sizeof number)
        return NULL;
    memcpy(number, text.data, text.size);
    unsigned id = (unsigned)strtoul(number, NULL, 10);
    return id < cast->plan_count ? &cast->plans[id] : NULL;
}
