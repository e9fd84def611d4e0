/* SPDX-License-Identifier: Apache-2.0 */
/* The order of addresses: families by turns, doubles once, shuffled only when asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "client/eyeballs.h"

/* "4a 4b 6c": an address each, of a family and a letter. */
static io_addresses addresses_of(const char *text)
{
    io_addresses all = { .count = 0 };
    for (const char *p = text; *p; p += p[2] ? 3 : 2) {
        char name[32];
        io_target target;
        snprintf(name, sizeof name, p[0] == '6' ? "[2001:db8::%d]:1" : "192.0.2.%d:1", p[1] - 'a' + 1);
        assert_int_equal(io_target_parse(name, -1, &target, NULL), PROA_ERR_NONE);
        all.items[all.count++] = target.addresses.items[0];
    }
    return all;
}

static void order_is(const char *given, const char *expected)
{
    io_addresses all = addresses_of(given), due = addresses_of(expected);
    eyeballs_order(&all, NULL);
    assert_int_equal(all.count, due.count);
    for (unsigned i = 0; i < all.count; i++)
        if (!io_address_is_equal(&all.items[i], &due.items[i]))
            fail_msg("%s: the %uth is not as in %s", given, i, expected);
}

static void families_take_turns(void **state)
{
    (void)state;
    order_is("", "");
    order_is("4a", "4a");
    order_is("6a 6b", "6a 6b");
    order_is("6a 6b 4c 4d", "6a 4c 6b 4d");
    order_is("4c 6a 6b", "4c 6a 6b");
    order_is("4a 4b 4c 6d", "4a 6d 4b 4c");
    order_is("6a 4b 4c 4d 6e", "6a 4b 6e 4c 4d");
    order_is("6a 6b 6c 6d 6e 6f 6g 6h 4a 4b 4c 4d 4e 4f 4g 4h", "6a 4a 6b 4b 6c 4c 6d 4d 6e 4e 6f 4f 6g 4g 6h 4h");
}

static void what_stands_twice_is_tried_once(void **state)
{
    (void)state;
    order_is("4a 4a 4b 4a", "4a 4b");
    order_is("6a 4a 6a", "6a 4a");
}

static void shuffled_ones_all_come_first_now_and_then(void **state)
{
    (void)state;
    unsigned first[4] = { 0 };
    uint64_t random = 5;
    io_addresses due = addresses_of("4a 4b 4c 4d");
    for (int i = 0; i < 4000; i++) {
        io_addresses all = due;
        eyeballs_order(&all, &random);
        assert_int_equal(all.count, 4);
        for (unsigned k = 0; k < 4; k++)
            first[k] += io_address_is_equal(&all.items[0], &due.items[k]);
    }
    for (int k = 0; k < 4; k++)
        assert_in_range(first[k], 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_take_turns),
        cmocka_unit_test(what_stands_twice_is_tried_once),
        cmocka_unit_test(shuffled_ones_all_come_first_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
