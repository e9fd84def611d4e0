/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the tree that stands on an installed proa: it serves shop.Till on a port of its own, calls it, and
 * fails unless the answer is right. map_get is here to clash if the library leaked a name of its insides.
 */
#include <pthread.h>
#include <stdio.h>

#include "proa/proa.h"
#include "shop/order.proa.h"

int map_get(int key);
int map_get(int key)
{
    return key + 1;
}

static proa_code pay(proa_call *call, const shop_Order *order, shop_Receipt *receipt)
{
    for (size_t i = 0; i < order->items.count; i++)
        receipt->pieces += order->items.data[i].count;
    receipt->text = proa_arena_format(proa_call_arena(call), "%zu items", order->items.count);
    return PROA_OK;
}

static const shop_Till till = { .Pay = pay };

static void *run(void *server)
{
    proa_error error = { 0 };
    if (proa_server_run(server, &error) != PROA_ERR_NONE)
        fprintf(stderr, "%s\n", error.text);
    return NULL;
}

static int call_it(const char *address)
{
    proa_channel *channel = proa_channel_open(address, NULL);
    proa_arena *arena = proa_arena_new(0);
    shop_Item items[] = { { .name = PROA_STR_INIT("pen"), .count = 40 }, { .name = PROA_STR_INIT("ink"), .count = 2 } };
    shop_Order order = { .items = PROA_LIST(items) };
    shop_Receipt receipt;
    proa_status status =
        shop_Till_Pay(channel, &order, &receipt, arena, &(proa_call_options){ .timeout_ns = 5 * PROA_SECOND });
    int good = status.code == PROA_OK && receipt.pieces == 42 && proa_bytes_is_equal(receipt.text, PROA_STR("2 items"));
    if (!good)
        fprintf(stderr, "%s: %.*s\n", proa_code_name(status.code), PROA_FMT(status.message));
    proa_arena_free(arena);
    proa_channel_close(channel);
    return good;
}

int main(void)
{
    proa_server *server = proa_server_new(NULL);
    shop_Till_serve(server, &till, NULL);
    if (proa_server_listen(server, "127.0.0.1:0", NULL) != PROA_ERR_NONE)
        return 2;
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, server) != 0)
        return 2;
    int good = call_it(proa_server_address(server, 0)) && map_get(1) == 2;
    proa_server_drain(server);
    pthread_join(thread, NULL);
    proa_server_free(server);
    return good ? 0 : 1;
}
