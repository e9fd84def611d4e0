/* SPDX-License-Identifier: Apache-2.0 */
/* One side stops reading for a while, in each way to serve and each way to call: the other comes to rest, memory stays
 * flat, and then everything arrives, in order.
 *
 * Watch: the client stops reading. Upload: the server does. Serving on a loop, on a worker, from a thread that holds the
 * ticket; calling by waiting, with callbacks, inside a poll() loop: nine pairs each. */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "expect.h"
#include "running.h"
#include "telemetry.proa.h"

#define MESSAGES            1200
#define MESSAGE_BYTES       8192
#define PAUSE_NS            (80 * PROA_MILLISECOND)
#define IN_FLIGHT_BYTES_MAX (2 << 20)  /* of 9.8 MB: a receive window, a queue, some air */
#define RESIDENT_BYTES_MAX  (12 << 20) /* as much, several times over, and what allocators keep */

enum { ON_LOOP, ON_WORKER, LATER, SERVER_WAYS };
enum { WAITING, CALLBACKS, FOREIGN, CLIENT_WAYS };
static const char *const server_names[] = { "loop", "worker", "later" };
static const char *const client_names[] = { "waiting", "callbacks", "foreign" };

static float numbers[MESSAGE_BYTES / sizeof(float)];
static char text[MESSAGE_BYTES];
static _Atomic int way;              /* of the server, for this call */
static _Atomic int pushed, received; /* messages of this call */
static size_t resident_before;

static void pause_now(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
}

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

/* At the end of a pause: what one side pushed and the other did not read is bounded. */
static void expect_at_rest(void)
{
    EXPECT(received == 0);
    EXPECT(pushed * MESSAGE_BYTES < IN_FLIGHT_BYTES_MAX);
    EXPECT(resident_bytes() < resident_before + RESIDENT_BYTES_MAX);
}

/* ---- Watch: the server pushes as fast as it may, the client pauses. */

static telemetry_Sample next_sample(void)
{
    telemetry_Sample sample = { .time_ns = pushed, .cpu = { numbers, MESSAGE_BYTES / sizeof(float) } };
    pushed++;
    return sample;
}

static void take_sample(const telemetry_Sample *sample)
{
    EXPECT(sample->time_ns == received && sample->cpu.count == MESSAGE_BYTES / sizeof(float));
    received++;
}

static proa_code send_samples(proa_call *call)
{
    while (pushed < MESSAGES) {
        telemetry_Sample sample = next_sample();
        EXPECT(telemetry_Host_Watch_send_reply(call, &sample));
    }
    return PROA_OK;
}

static proa_code push_samples(proa_call *call)
{
    while (pushed < MESSAGES && proa_call_can_push(call)) {
        telemetry_Sample sample = next_sample();
        telemetry_Host_Watch_push_reply(call, &sample);
    }
    return pushed < MESSAGES ? PROA_WAIT : PROA_OK;
}

/* ---- Upload: the client pushes as fast as it may, the server pauses. */

static telemetry_Chunk next_chunk(void)
{
    int number = pushed++;
    memcpy(text, &number, sizeof number);
    return (telemetry_Chunk){ .data = { text, sizeof text } };
}

static void take_chunk(const telemetry_Chunk *chunk)
{
    int number = received++;
    EXPECT(chunk->data.size == MESSAGE_BYTES && memcmp(chunk->data.data, &number, sizeof number) == 0);
}

static proa_code receive_chunks(proa_call *call)
{
    const telemetry_Chunk *chunk;
    expect_at_rest();
    while ((chunk = telemetry_Host_Upload_receive_request(call)))
        take_chunk(chunk);
    return PROA_OK;
}

static proa_code pop_chunks(proa_call *call)
{
    bool *has_paused = proa_call_state(call, sizeof *has_paused);
    const telemetry_Chunk *chunk;
    if (!*has_paused) {
        *has_paused = true;
        return proa_call_sleep_ns(call, PAUSE_NS);
    }
    if (received == 0)
        expect_at_rest();
    while ((chunk = telemetry_Host_Upload_pop_request(call)))
        take_chunk(chunk);
    return proa_call_is_at_end(call) ? PROA_OK : PROA_WAIT;
}

/* ---- The three ways to serve. */

struct job {
    proa_later later;
    proa_code (*run)(proa_call *call);
    bool pauses;
};

static void *run_job(void *user)
{
    struct job job = *(struct job *)user;
    if (job.pauses)
        pause_now();
    proa_later_finish(&job.later, job.run(job.later.call));
    return NULL;
}

static proa_code run_later(proa_call *call, proa_code (*run)(proa_call *call), bool pauses)
{
    struct job *job = proa_call_state(call, sizeof *job);
    job->run = run;
    job->pauses = pauses;
    proa_code later = proa_call_later(call, &job->later);
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, run_job, job) == 0);
    pthread_detach(thread);
    return later;
}

static proa_code watch(proa_call *call, const telemetry_WatchRequest *request)
{
    (void)request;
    if (way == LATER)
        return run_later(call, send_samples, false);
    return way == ON_WORKER ? send_samples(call) : push_samples(call);
}

static proa_code upload(proa_call *call, telemetry_Digest *reply)
{
    (void)reply;
    if (way == LATER)
        return run_later(call, receive_chunks, true);
    if (way == ON_LOOP)
        return pop_chunks(call);
    EXPECT(proa_call_pause_ns(call, PAUSE_NS));
    return receive_chunks(call);
}

static const telemetry_Host host = { .Watch = watch, .Upload = upload };

/* ---- The three ways to call. */

struct client {
    proa_call *call;
    bool is_reading, is_over;
    proa_code code;
};

static void watch_ready(proa_call *call, void *user)
{
    const struct client *client = user;
    const telemetry_Sample *sample;
    while (client->is_reading && (sample = telemetry_Host_Watch_pop_reply(call)))
        take_sample(sample);
}

static void upload_ready(proa_call *call, void *user)
{
    (void)user;
    while (pushed < MESSAGES && proa_call_can_push(call)) {
        telemetry_Chunk chunk = next_chunk();
        telemetry_Host_Upload_push_request(call, &chunk);
    }
    if (pushed == MESSAGES)
        proa_call_end_requests(call);
}

static void call_done(proa_call *call, void *user)
{
    struct client *client = user;
    client->code = proa_call_status(call).code;
    client->is_over = true;
}

static void begin(struct client *client, proa_channel *channel, bool is_watch)
{
    proa_call_options options = { .on_ready = is_watch ? watch_ready : upload_ready,
                                  .on_done = call_done,
                                  .user = client };
    client->call = is_watch ? telemetry_Host_Watch_begin(channel, &(telemetry_WatchRequest){ 0 }, &options)
                            : telemetry_Host_Upload_begin(channel, &options);
}

static void begin_reading(void *user)
{
    struct client *client = user;
    expect_at_rest();
    client->is_reading = true;
    watch_ready(client->call, client);
}

struct alarm {
    proa_loop *loop;
    struct client *client;
};

static void *post_after_pause(void *user)
{
    struct alarm *alarm = user;
    pause_now();
    EXPECT(proa_loop_post(alarm->loop, begin_reading, alarm->client) == PROA_ERR_NONE);
    return NULL;
}

static void run_callbacks(proa_loop *loop, struct client *client, bool is_watch)
{
    struct alarm alarm = { loop, client };
    pthread_t thread;
    if (is_watch)
        EXPECT(pthread_create(&thread, NULL, post_after_pause, &alarm) == 0);
    while (!client->is_over)
        proa_loop_run(loop);
    if (is_watch)
        pthread_join(thread, NULL);
}

static void run_foreign(proa_loop *loop, struct client *client, bool is_watch)
{
    struct timespec begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    while (!client->is_over) {
        struct pollfd fd = { .fd = proa_loop_fd(loop), .events = POLLIN };
        int timeout_ms = proa_loop_timeout_ms(loop);
        bool is_pausing = is_watch && !client->is_reading;
        poll(&fd, 1, is_pausing && (timeout_ms < 0 || timeout_ms > 5) ? 5 : timeout_ms);
        proa_loop_turn(loop);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (is_pausing && (now.tv_sec - begun.tv_sec) * PROA_SECOND + now.tv_nsec - begun.tv_nsec > PAUSE_NS)
            begin_reading(client);
    }
}

static proa_code call_waiting(proa_channel *channel, bool is_watch)
{
    proa_call *call = is_watch ? telemetry_Host_Watch_begin(channel, &(telemetry_WatchRequest){ 0 }, NULL)
                               : telemetry_Host_Upload_begin(channel, NULL);
    if (is_watch) {
        const telemetry_Sample *sample;
        pause_now();
        expect_at_rest();
        while ((sample = telemetry_Host_Watch_receive_reply(call)))
            take_sample(sample);
    }
    while (!is_watch && pushed < MESSAGES) {
        telemetry_Chunk chunk = next_chunk();
        EXPECT(telemetry_Host_Upload_send_request(call, &chunk));
    }
    proa_code code = proa_call_status(call).code;
    proa_call_end(call);
    return code;
}

static proa_code call_on_loop(const struct running *running, bool is_foreign, bool is_watch)
{
    struct client client = { 0 };
    proa_loop *loop = proa_loop_new(NULL);
    EXPECT(loop);
    proa_channel *channel = running_channel(running, &(proa_channel_options){ .loop = loop });
    begin(&client, channel, is_watch);
    if (is_foreign)
        run_foreign(loop, &client, is_watch);
    else
        run_callbacks(loop, &client, is_watch);
    proa_channel_close(channel);
    proa_loop_free(loop);
    return client.code;
}

static void run(int server_way, int client_way, bool is_watch)
{
    printf("%s: %s, %s\n", is_watch ? "Watch" : "Upload", server_names[server_way], client_names[client_way]);
    fflush(stdout);
    proa_server *server = proa_server_new(NULL);
    telemetry_Host_serve(server, &host, &(proa_serve_options){ .on_workers = server_way == ON_WORKER });
    struct running running = running_begin(server);
    way = server_way;
    pushed = received = 0;
    resident_before = resident_bytes();

    proa_code code;
    if (client_way == WAITING) {
        proa_channel *channel = running_channel(&running, NULL);
        code = call_waiting(channel, is_watch);
        proa_channel_close(channel);
    } else {
        code = call_on_loop(&running, client_way == FOREIGN, is_watch);
    }
    EXPECT(code == PROA_OK);
    EXPECT(pushed == MESSAGES && received == MESSAGES);
    running_end(&running);
}

int main(void)
{
    for (int server_way = 0; server_way < SERVER_WAYS; server_way++)
        for (int client_way = 0; client_way < CLIENT_WAYS; client_way++) {
            run(server_way, client_way, true);
            run(server_way, client_way, false);
        }
    return 0;
}
