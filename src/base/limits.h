/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a peer can make us hold or do, in one place: unit, default, reason, the attack that it stops.
 * An option of the same name overrides a default where the comment says so; a counter of the same name counts each time
 * that a limit was met. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H
#include "proa/limits.h"

/* The limits of one HTTP/2 connection. Zero in an options struct means the default. */
typedef struct limits {
    uint32_t streams_max;             /* concurrent streams that a peer may open; CVE-2023-44487 (handlers never exceed it) */
    uint32_t header_list_bytes_max;   /* bytes of one header list, name + value + 32 each; CVE-2016-6581 HPACK bomb */
    uint32_t header_fields_max;       /* fields of one header list, cookie crumbs counted; CVE-2026-49975 */
    uint32_t header_table_bytes_max;  /* dynamic table, both directions; RFC 7541 4.2 */
    uint32_t continuations_max;       /* CONTINUATION frames of one block; VU#421644 */
    uint32_t settings_entries_max;    /* entries of one SETTINGS frame; CVE-2020-11080 */
    uint32_t frame_bytes_max;         /* payload of DATA that we accept, which streams; others: header_list_bytes_max twice, or
                                         16384; RFC 9113 4.2 */
    uint32_t connection_window_bytes; /* receive window; RFC 9113 6.9 */
    uint32_t stream_window_bytes;     /* receive window of each stream */
    uint32_t window_bytes_max;        /* to which both may grow by measuring; see set_windows in h2/connection.c */
    uint32_t held_bytes_max;          /* received and not yet popped by anybody, all streams; CVE-2019-9517 */
    uint32_t output_bytes_max;        /* bytes queued to send before reading stops; CVE-2019-9517 */
    uint32_t output_control_max;      /* answers (ACKs, RST) queued before reading stops; CVE-2019-9512, -9514, -9515 */
    uint32_t reset_burst, reset_per_second;     /* streams reset before they were answered; CVE-2023-44487, CVE-2025-8671 */
    uint32_t glitch_burst, glitch_per_second;   /* frames that are legal and useless; CVE-2019-9511 to -9518 */
    uint32_t empty_frames_max;        /* empty DATA without END_STREAM in a row; CVE-2019-9518 */
    uint32_t streams_per_feed_max;    /* new streams of one read: the others' turn comes; CVE-2023-44487 */
    uint32_t ping_strikes_max;        /* pings too early before GOAWAY too_many_pings; gRFC A8 */
    int64_t ping_interval_min_ns;     /* gRFC A8, with open calls */
    int64_t preface_ns;               /* from accept to the whole preface; slowloris */
    int64_t headers_ns;               /* from the first to the last byte of a header block */
    int64_t settings_ack_ns;          /* until the peer acknowledged SETTINGS; RFC 9113 6.5.3 */
    int64_t write_stall_ns;           /* output waits and the peer reads nothing; CVE-2019-9517 */
} limits;

/* What a program asked for; zero members stay zero. */
void limits_copy(limits *to, const proa_limits *from);

#define LIMITS_DEFAULT { \
    .streams_max = 200, \
    .header_list_bytes_max = 16 * 1024, .header_fields_max = 128, .header_table_bytes_max = 4096, \
    .continuations_max = 8, .settings_entries_max = 32, .frame_bytes_max = 65536, \
    .connection_window_bytes = 1024 * 1024, .stream_window_bytes = 256 * 1024, .window_bytes_max = 16 * 1024 * 1024, \
    .held_bytes_max = 8 * 1024 * 1024, \
    .output_bytes_max = 1024 * 1024, .output_control_max = 1000, \
    .reset_burst = 1000, .reset_per_second = 200, .glitch_burst = 1000, .glitch_per_second = 100, \
    .empty_frames_max = 100, .streams_per_feed_max = 128, \
    .ping_strikes_max = 2, .ping_interval_min_ns = INT64_C(300000000000), \
    .preface_ns = INT64_C(5000000000), .headers_ns = INT64_C(10000000000), \
    .settings_ack_ns = INT64_C(10000000000), .write_stall_ns = INT64_C(30000000000) }

/* Of a call. */
#define LIMITS_RECEIVE_BYTES_MAX (4u * 1024 * 1024)   /* one received message; CVE-2024-37168: checked before any allocation */
#define LIMITS_QUEUE_BYTES_MAX (64u * 1024)           /* unsent bytes of one call before can_push is false */
#define LIMITS_STATUS_MESSAGE_BYTES_MAX 8192u         /* text of a status that we send, before percent-encoding */
#define LIMITS_WORKER_QUEUE_MAX 1024u                 /* calls that wait for a worker; over it RESOURCE_EXHAUSTED */
#define LIMITS_PENDING_CALLS_MAX 10000u               /* client: calls that wait for a connection or a stream */
#define LIMITS_CONNECTIONS_MAX 10000u                 /* accepted connections of one server */
#define LIMITS_CONNECT_NS INT64_C(20000000000)        /* one connection attempt; doc/connection-backoff.md MIN_CONNECT_TIMEOUT */
#define LIMITS_BACKOFF_INITIAL_NS INT64_C(1000000000)  /* doc/connection-backoff.md INITIAL_BACKOFF */
#define LIMITS_BACKOFF_MAX_NS INT64_C(120000000000)   /* MAX_BACKOFF */
#define LIMITS_BACKOFF_LOCAL_MAX_NS INT64_C(1000000000)   /* to this machine: an attempt costs no network anything */
#define LIMITS_FLAPS_MAX 3u                           /* connections in a row that died young before backoff; restart loops */
#define LIMITS_ATTEMPT_DELAY_NS INT64_C(250000000)    /* gRFC A61: between addresses, 100 ms to 2 s */
#define LIMITS_ATTEMPT_DELAY_MIN_NS INT64_C(100000000)
#define LIMITS_ATTEMPT_DELAY_MAX_NS INT64_C(2000000000)
#define LIMITS_LOOKUP_NS INT64_C(20000000000)         /* one lookup of a name; DNS servers that say nothing */
#define LIMITS_LOOKUP_INTERVAL_NS INT64_C(30000000000)    /* between two of them; a flood of questions */
#define LIMITS_IDLE_NS INT64_C(1800000000000)         /* client: without a call; doc/connectivity-semantics-and-api.md, gRFC A62 */
#define LIMITS_KEEPALIVE_MIN_NS INT64_C(10000000000)  /* client; gRFC A8 */
#define LIMITS_KEEPALIVE_TIMEOUT_NS INT64_C(20000000000)
#define LIMITS_REPLAY_BYTES_MAX (256u * 1024)         /* client: of a call, kept to be sent again; gRFC A6 */
#define LIMITS_SENDS_MAX 100u                         /* client: attempts of one call; servers that hang up at once */
#define LIMITS_GRACE_NS INT64_C(30000000000)          /* drain, unless the option says otherwise */

/* Of TLS. */
#define LIMITS_HANDSHAKE_NS INT64_C(10000000000)      /* from accept to the end of a handshake; slowloris */
#define LIMITS_HANDSHAKE_BYTES_MAX (112u * 1024)      /* of one handshake, one way, and what came with its end */
#define LIMITS_TLS_CHAIN_MAX 10                       /* authorities between a certificate and one that we trust */
#define LIMITS_TLS_MESSAGES_MAX 32u                   /* KeyUpdate, tickets, alerts, and one for each MiB of data */

/* Of Protobuf. */
#define LIMITS_PROTO_DEPTH_MAX 100                    /* nested messages and groups, unknown ones too; CVE-2024-7254 */
#define LIMITS_PROTO_AMPLIFY 16                       /* arena bytes per wire byte, plus 1 MiB; abuse by 2-byte elements */
#endif
