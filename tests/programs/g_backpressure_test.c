/* SPDX-License-Identifier: Apache-2.0 */
/* (g) runs: a client that sends and does not read comes to rest, memory stays flat, and nothing is lost after it. */
#include "g_backpressure.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "expect.h"
#include "running.h"

#define MESSAGES            3000
#define MESSAGE_BYTES       8192
#define IN_FLIGHT_BYTES_MAX (2 << 20)  /* a receive window of 256 KiB and a queue of 64 KiB each way, and some air */
#define RESIDENT_BYTES_MAX  (16 << 20) /* as much, several times over, and what allocators keep */

static _Atomic int sent;

static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0; /* no /proc: the number of messages is what is tested */
    EXPECT(fscanf(file, "%*u %lu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void *receive_all(void *user)
{
    proa_call *call = user;
    size_t before = resident_bytes();
    for (int last = -1; last != sent || sent == 0;) { /* until the sender has stood still for 300 ms */
        last = sent;
        nanosleep(&(struct timespec){ .tv_nsec = 300 * PROA_MILLISECOND }, NULL);
    }
    EXPECT(sent < MESSAGES);
    EXPECT(sent * MESSAGE_BYTES < IN_FLIGHT_BYTES_MAX);
    EXPECT(resident_bytes() < before + RESIDENT_BYTES_MAX);

    const telemetry_Line *line;
    int received = 0;
    while ((line = telemetry_Host_Grep_receive_reply(call))) {
        char number[16];
        snprintf(number, sizeof number, "%08d", received++);
        EXPECT(line->text.size == MESSAGE_BYTES && memcmp(line->text.data, number, 8) == 0);
    }
    EXPECT(received == MESSAGES);
    return NULL;
}

int main(void)
{
    proa_server *server = proa_server_new(NULL);
    telemetry_Host_serve(server, &g_host, NULL);
    struct running running = running_begin(server);
    proa_channel *channel = running_channel(&running, NULL);
    proa_call *call = telemetry_Host_Grep_begin(channel, NULL);
    pthread_t receiver;
    EXPECT(pthread_create(&receiver, NULL, receive_all, call) == 0);

    char text[MESSAGE_BYTES];
    memset(text, 'x', sizeof text);
    telemetry_Pattern pattern = { .kind = { .which = telemetry_Pattern_kind_text, .text = { text, sizeof text } } };
    for (int i = 0; i < MESSAGES; i++, sent++) {
        char number[16];
        snprintf(number, sizeof number, "%08d", i);
        memcpy(text, number, 8);
        EXPECT(telemetry_Host_Grep_send_request(call, &pattern));
    }
    proa_call_end_requests(call);
    EXPECT(pthread_join(receiver, NULL) == 0);
    EXPECT(proa_call_status(call).code == PROA_OK);
    proa_call_end(call);
    proa_channel_close(channel);
    running_end(&running);
    return 0;
}
