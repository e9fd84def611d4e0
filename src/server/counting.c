/* SPDX-License-Identifier: Apache-2.0 */
/* One writer, so that adding is a load and a store, and readers in any thread. A connection's own numbers are plain: they
 * are compared after each flush, and what grew is added; nearly always nothing but the streams has. */
#include "server/counting.h"

typedef struct source {
    size_t from; /* in h2_counters */
    size_t to;   /* in proa_counters */
} source;

#define SOURCE(h2, public) \
    { \
        offsetof(h2_counters, h2), offsetof(proa_counters, public) \
    }

static const source sources[] = {
    SOURCE(faults_stream, faults_stream),
    SOURCE(faults_connection, faults_connection),
    SOURCE(streams_refused, streams_max),
    SOURCE(header_lists_too_large, header_list_bytes_max),
    SOURCE(header_fields_too_many, header_fields_max),
    SOURCE(continuations_exceeded, continuations_max),
    SOURCE(settings_too_long, settings_entries_max),
    SOURCE(frames_too_large, frame_bytes_max),
    SOURCE(held_exceeded, held_bytes_max),
    SOURCE(controls_stalled, output_control_max),
    SOURCE(reset_slowed, reset_burst),
    SOURCE(glitch_slowed, glitch_burst),
    SOURCE(empties_exceeded, empty_frames_max),
    SOURCE(streams_put_off, streams_per_feed_max),
    SOURCE(ping_strikes, ping_strikes_max),
    SOURCE(prefaces_late, preface_ns),
    SOURCE(headers_late, headers_ns),
    SOURCE(settings_late, settings_ack_ns),
    SOURCE(writes_stalled, write_stall_ns),
};

void counting_add_at(counting *c, size_t offset, uint64_t n)
{
    atomic_uint_least64_t *count = &c->counts[offset / sizeof(uint64_t)];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n, memory_order_relaxed);
}

static uint64_t at(const h2_counters *h2, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)h2 + offset);
}

/* All but streams_opened, the first, which moves with every call. */
static bool is_same(const h2_counters *a, const h2_counters *b)
{
    return !memcmp(&a->streams_refused, &b->streams_refused, sizeof *a - offsetof(h2_counters, streams_refused));
}

void counting_follow(counting *c, const rpc_endpoint *endpoint, counting_seen *seen)
{
    const h2_counters *h2 = rpc_endpoint_counters(endpoint);
    uint64_t oversized = rpc_endpoint_oversized(endpoint);
    if (oversized != seen->oversized)
        counting_add_at(c, offsetof(proa_counters, receive_bytes_max), oversized - seen->oversized);
    seen->oversized = oversized;
    if (is_same(h2, &seen->h2))
        return;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        uint64_t more = at(h2, sources[i].from) - at(&seen->h2, sources[i].from);
        if (more)
            counting_add_at(c, sources[i].to, more);
    }
    /* h2 counts both kinds of output together, and one of them apart. */
    uint64_t stalls = h2->output_stalls - h2->controls_stalled;
    counting_add_at(c, offsetof(proa_counters, output_bytes_max),
                    stalls - (seen->h2.output_stalls - seen->h2.controls_stalled));
    seen->h2 = *h2;
}

void counting_read(const counting *c, proa_counters *sum)
{
    uint64_t numbers[COUNTING_SIZE];
    memcpy(numbers, sum, sizeof numbers);
    for (size_t i = 0; i < COUNTING_SIZE; i++)
        numbers[i] += atomic_load_explicit(&c->counts[i], memory_order_relaxed);
    memcpy(sum, numbers, sizeof numbers);
}
