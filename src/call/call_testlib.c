/* SPDX-License-Identifier: Apache-2.0 */
#include "call/call_testlib.h"

static jmp_buf jump;
static const char *broken_rule;

static void on_broken(const char *rule)
{
    broken_rule = rule;
    longjmp(jump, 1);
}

void desk_breaks(const char *rule_part, void (*run)(proa_call *call), proa_call *call)
{
    assert_set_hook(on_broken);
    broken_rule = NULL;
    if (!setjmp(jump))
        run(call);
    assert_set_hook(NULL);
    if (!broken_rule || !strstr(broken_rule, rule_part))
        fail_msg("\"%s\" was to break: %s", rule_part, broken_rule ? broken_rule : "nothing did");
}

/* ---- What the layers above would do */

static void submit(void *owner, proa_call *call)
{
    desk *d = owner;
    d->submits++;
    d->submitted = call;
}

static void forget(void *owner, proa_call *call)
{
    desk *d = owner;
    d->forgets++;
    list_remove(call_node(call));
}

static void work(void *owner, proa_call *call)
{
    desk *d = owner;
    d->works++;
    d->worked = call;
    if (d->is_worker_full)
        call_refuse_work(call);
}

static bool unwork(void *owner, proa_call *call)
{
    desk *d = owner;
    assert_ptr_equal(call, d->worked);
    d->unworks++;
    return !d->is_taken;
}

static void gone(void *owner, proa_loop *home)
{
    desk *d = owner;
    assert_ptr_equal(home, d->home);
    d->gones++;
}

const call_hooks desk_hooks = { .submit = submit, .forget = forget, .work = work, .unwork = unwork, .gone = gone };

static void on_event(void *owner, const rpc_event *event)
{
    desk_end *e = owner;
    desk *d = e->desk;
    switch (event->type) {
    case RPC_EVENT_CALL:
        call_serve(
            d->home, e->pump, event->exchange,
            &(call_serving){
                .binding = &d->binding, .on_call = d->on_call, .hooks = &desk_hooks, .owner = d, .peer = e->peer });
        d->served = rpc_exchange_user(event->exchange);
        d->served_count++;
        break;
    case RPC_EVENT_READY:
    case RPC_EVENT_ROOM:
    case RPC_EVENT_GOAWAY:
    case RPC_EVENT_CLOSED: break;
    default: call_on_event(event);
    }
}

static void on_closed(void *owner)
{
    desk_end *e = owner;
    e->pump = NULL;
    call_peer_drop(e->peer);
    e->peer = NULL;
}

static const link_handler handler = { .on_event = on_event, .on_closed = on_closed };

/* ---- The connection */

static void on_accept(void *owner, io_socket *socket)
{
    ((desk *)owner)->accepted = socket;
}

static io_socket *connecting;

static void on_connected(void *owner)
{
    ((desk *)owner)->connected = connecting;
}

static const io_socket_handler connect_handler = { .on_connected = on_connected };

static void attach_end(desk *d, desk_end *e, h2_role role, io_socket *socket)
{
    rpc_endpoint *endpoint = rpc_endpoint_new(&(rpc_options){ .role = role,
                                                              .pool = io_loop_pool(home_io(d->home)),
                                                              .streams = home_streams(d->home),
                                                              .authority = PROA_STR("desk") },
                                              home_now(d->home));
    e->desk = d;
    e->peer = call_peer_new(socket);
    e->pump = link_pump_new(home_io(d->home), socket, endpoint, &handler, e);
    assert_non_null(e->pump);
}

void desk_connect(desk *d, desk_end *client, desk_end *server)
{
    d->accepted = d->connected = NULL;
    connecting = io_socket_connect(home_io(d->home), io_listener_address(d->listener), &connect_handler, d, NULL);
    TURN_UNTIL(d, d->accepted && d->connected);
    attach_end(d, client, H2_CLIENT, d->connected);
    attach_end(d, server, H2_SERVER, d->accepted);
    desk_rest(d);
}

void desk_open(desk *d, proa_handler handler_of_calls)
{
    io_target target;
    *d = (desk){ .binding = { .handler = handler_of_calls } };
    d->home = home_new(&(proa_loop_options){ 0 }, false);
    assert_int_equal(io_target_parse("127.0.0.1:0", -1, &target, NULL), PROA_ERR_NONE);
    d->listener = io_listener_open(home_io(d->home), &target.addresses.items[0], NULL, on_accept, d, NULL);
    desk_connect(d, &d->client, &d->server);
}

void desk_close(desk *d)
{
    if (d->client.pump)
        link_pump_close(d->client.pump);
    if (d->server.pump)
        link_pump_close(d->server.pump);
    desk_rest(d);
    io_listener_close(d->listener);
    proa_loop_free(d->home);
}

/* ---- Calls */

proa_call *desk_make(desk *d, const proa_call_options *options)
{
    static const proa_call_options none;
    proa_call *call = call_make(
        d->home,
        &(call_making){ .path = "/a.B/C", .options = options ? options : &none, .hooks = &desk_hooks, .owner = d });
    assert_non_null(call);
    return call;
}

void desk_attach(desk *d, proa_call *call)
{
    assert_int_equal(call_attach(call, d->client.pump, d->client.peer), PROA_ERR_NONE);
}

proa_call *desk_call(desk *d, const proa_call_options *options)
{
    proa_call *call = desk_make(d, options);
    desk_attach(d, call);
    return call;
}

void desk_rest(desk *d)
{
    for (int i = 0; i < 10; i++)
        home_turn(d->home, PROA_MILLISECOND);
}

void desk_push(proa_call *call, const char *text)
{
    proa_slice slice;
    assert_int_equal(proa_slice_copy(proa_bytes_of(text), &slice), PROA_ERR_NONE);
    proa_call_push(call, &slice);
}

bool desk_pop_is(proa_call *call, const char *text)
{
    proa_slice slice;
    if (!proa_call_pop(call, &slice))
        return false;
    bool is_same = proa_bytes_is_equal(slice.bytes, proa_bytes_of(text));
    proa_slice_free(&slice);
    return is_same;
}

void desk_in_thread(void *(*run)(void *), void *user)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, user), 0);
    pthread_join(thread, NULL);
}
