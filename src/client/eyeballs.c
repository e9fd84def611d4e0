/* SPDX-License-Identifier: Apache-2.0 */
/* Names often have addresses of a family that does not work from here: so the families take turns. */
#include "client/eyeballs.h"
#include "client/backoff.h"

static void drop_doubles(io_addresses *all)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < all->count; i++) {
        unsigned k = 0;
        while (k < kept && !io_address_is_equal(&all->items[k], &all->items[i]))
            k++;
        if (k == kept)
            all->items[kept++] = all->items[i];
    }
    all->count = kept;
}

/* Fisher and Yates. */
static void shuffle(io_addresses *all, uint64_t *random)
{
    for (unsigned left = all->count; left > 1; left--) {
        unsigned i = (unsigned)(backoff_random(random) % left);
        io_address last = all->items[left - 1];
        all->items[left - 1] = all->items[i];
        all->items[i] = last;
    }
}

/* The next of that family from *at on; false: there is none. */
static bool take_next(const io_addresses *from, unsigned *at, bool is_v6, io_addresses *to)
{
    while (*at < from->count && io_address_is_v6(&from->items[*at]) != is_v6)
        ++*at;
    if (*at == from->count)
        return false;
    to->items[to->count++] = from->items[(*at)++];
    return true;
}

void eyeballs_order(io_addresses *addresses, uint64_t *random)
{
    io_addresses out = { .count = 0 };
    drop_doubles(addresses);
    if (random)
        shuffle(addresses, random);
    bool is_v6 = addresses->count && io_address_is_v6(&addresses->items[0]);
    unsigned at[2] = { 0, 0 };
    while (out.count < addresses->count) {
        take_next(addresses, &at[is_v6], is_v6, &out);
        is_v6 = !is_v6;
    }
    *addresses = out;
}
