/* SPDX-License-Identifier: Apache-2.0 */
/* (k) Ten hours of Watch in a moment: the clock jumps when nothing is ready. */
#include "expect.h"
#include "telemetry.proa.h"

static proa_code watch(proa_call *call, const telemetry_WatchRequest *request)
{
    if (!telemetry_Host_Watch_push_reply(call, &(telemetry_Sample){ .load = 0.5 }))
        return PROA_WAIT;
    return proa_call_sleep_ns(call, request->interval_ms * PROA_MILLISECOND);
}

static const telemetry_Host host = { .Watch = watch };

int main(void)
{
    proa_loop *loop = proa_loop_new(&(proa_loop_options){ .virtual_time = true });
    proa_server *server = proa_server_new(&(proa_server_options){ .loop = loop });
    telemetry_Host_serve(server, &host, NULL);
    proa_channel *channel = proa_server_channel(server);
    proa_call *call = telemetry_Host_Watch_begin(channel, &(telemetry_WatchRequest){ .interval_ms = 1000 },
                                                 &(proa_call_options){ .timeout_ns = 36000 * PROA_SECOND });
    int samples = 0;
    while (telemetry_Host_Watch_receive_reply(call))
        samples++;
    EXPECT(samples == 36000);
    EXPECT(proa_call_status(call).code == PROA_DEADLINE_EXCEEDED);
    proa_call_end(call);
    proa_channel_close(channel);
    proa_server_free(server);
    proa_loop_free(loop);
    return 0;
}
