/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/exchange.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum {
    F = EXCHANGE_FRESH,
    O = EXCHANGE_OPEN,
    R = EXCHANGE_REPLYING,
    N = EXCHANGE_ENDING,
    E = EXCHANGE_ENDED,
    X = EXCHANGE_REFUSED,
    NEVER = EXCHANGE_STATES
};

static void table_is_the_drawing(void **state)
{
    (void)state;
    /* Every arrow of the drawing; what is not among them does not happen. */
    static const struct {
        int from, input, to;
    } arrows[] = {
        { F, EXCHANGE_BEGIN, O },  { F, EXCHANGE_REFUSE, X }, { O, EXCHANGE_REPLY, R },  { O, EXCHANGE_STATUS, N },
        { R, EXCHANGE_STATUS, N }, { N, EXCHANGE_CLOSED, E }, { O, EXCHANGE_CLOSED, E }, { R, EXCHANGE_CLOSED, E },
    };
    size_t found = 0, count = 0;
    for (size_t i = 0; i < sizeof arrows / sizeof arrows[0]; i++)
        found += exchange_table[arrows[i].from][arrows[i].input] == arrows[i].to;
    for (int from = 0; from < EXCHANGE_STATES; from++) {
        for (int input = 0; input < EXCHANGE_INPUTS; input++)
            count += exchange_table[from][input] != NEVER;
    }
    assert_int_equal(found, sizeof arrows / sizeof arrows[0]);
    assert_int_equal(count, found);
}

static void step_that_does_not_happen_changes_nothing(void **state)
{
    (void)state;
    for (int from = 0; from < EXCHANGE_STATES; from++) {
        for (int input = 0; input < EXCHANGE_INPUTS; input++) {
            rpc_exchange exchange = { .state = (uint8_t)from };
            bool happens = exchange_table[from][input] != NEVER;
            assert_int_equal(exchange_step(&exchange, (exchange_input)input), happens);
            assert_int_equal(exchange.state, happens ? exchange_table[from][input] : from);
        }
    }
}

static void every_way_ends(void **state)
{
    (void)state;
    for (int from = 0; from < EXCHANGE_STATES; from++) {
        for (int input = 0; input < EXCHANGE_INPUTS; input++) {
            int to = exchange_table[from][input];
            assert_true(to == NEVER || to > from); /* no way back, so no loop */
        }
    }
    for (int input = 0; input < EXCHANGE_INPUTS; input++)
        assert_true(exchange_table[E][input] == NEVER && exchange_table[X][input] == NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_the_drawing),
        cmocka_unit_test(step_that_does_not_happen_changes_nothing),
        cmocka_unit_test(every_way_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
