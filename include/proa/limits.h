/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a peer can make us hold or do: each limit is an option here, and a counter that tells how often it was met.
 *
 * The defaults are safe in the open internet; src/base/limits.h has them in one table with the attack that each stops.
 */
#ifndef PROA_LIMITS_H
#define PROA_LIMITS_H
#include "proa/base.h"
PROA_BEGIN

/** Limits of each HTTP/2 connection. Zero is the default, so only what differs is set. Its size is fixed: limits to
 * come take from `reserved_`, which stays zero. */
typedef struct proa_limits {
    uint32_t streams_max;             /**< streams, calls at once that a peer may open; default 200; CVE-2023-44487 */
    uint32_t header_list_bytes_max;   /**< bytes of one header list, name + value + 32 each; default 16 KiB; CVE-2016-6581 */
    uint32_t header_fields_max;       /**< fields of one header list; default 128; CVE-2026-49975 */
    uint32_t header_table_bytes_max;  /**< bytes of the HPACK table, both directions; default 4096; RFC 7541 4.2 */
    uint32_t continuations_max;       /**< CONTINUATION frames of one header block; default 8; VU#421644 */
    uint32_t settings_entries_max;    /**< entries of one SETTINGS frame; default 32; CVE-2020-11080 */
    uint32_t frame_bytes_max;         /**< bytes of a DATA frame; default 64 KiB, 16384 to 2^24-1; RFC 9113 4.2 */
    uint32_t connection_window_bytes; /**< bytes, receive window of the connection; default 1 MiB; RFC 9113 6.9 */
    uint32_t stream_window_bytes;     /**< bytes, receive window of each stream; default 256 KiB; RFC 9113 6.9 */
    uint32_t held_bytes_max;          /**< bytes received that nobody popped yet; default 8 MiB; CVE-2019-9517 */
    uint32_t output_bytes_max;        /**< bytes queued to send before reading stops; default 1 MiB; CVE-2019-9517 */
    uint32_t output_control_max;      /**< acknowledgements and resets queued before reading stops; default 1000; CVE-2019-9512 */
    uint32_t reset_burst;             /**< streams reset before they were answered, at once; default 1000 */
    uint32_t reset_per_second;        /**< and those that come back each second; default 200; CVE-2023-44487 */
    uint32_t glitch_burst;            /**< legal but useless frames, at once; default 1000; CVE-2019-9511 to -9518 */
    uint32_t glitch_per_second;       /**< and those that come back each second; default 100 */
    uint32_t empty_frames_max;        /**< empty DATA frames in a row; default 100; CVE-2019-9518 */
    uint32_t streams_per_feed_max;    /**< new streams of one read, others wait for the next turn; default 128; CVE-2023-44487 */
    uint32_t ping_strikes_max;        /**< pings that came too early before GOAWAY; default 2; gRFC A8 */
    int64_t ping_interval_min_ns;     /**< ns between pings with open calls; default 5 min; gRFC A8 */
    int64_t preface_ns;               /**< ns from accept to the whole preface; default 5 s */
    int64_t headers_ns;               /**< ns from the first to the last byte of a header block; default 10 s */
    int64_t settings_ack_ns;          /**< ns until the peer acknowledged SETTINGS; default 10 s; RFC 9113 6.5.3 */
    int64_t write_stall_ns;           /**< ns that output waits while the peer reads nothing; default 30 s; CVE-2019-9517 */
    uint32_t window_bytes_max;        /**< bytes to which both windows may grow when the path is long and fast; default 16 MiB
                                           unless one of the windows is set, then they stay as they are. The connection's
                                           stays under connection_window_bytes + 7/8 of held_bytes_max */
    uint32_t reserved32_;             /**< zero */
    uint64_t reserved_[15];           /**< zero */
} proa_limits;

/** What a server counted since it was made. Only grows, by appending: read it with proa_server_get_counters.
 *
 * After the first six, a member has the name of the limit that it belongs to and counts how often that was met.
 */
typedef struct proa_counters {
    uint64_t connections_opened;    /**< accepted and kept */
    uint64_t connections_closed;    /**< of those, gone */
    uint64_t calls_begun;           /**< requests whose headers were taken */
    uint64_t calls_ended;           /**< of those, ended, whatever the status */
    uint64_t faults_stream;         /**< streams that we reset for a fault of the peer */
    uint64_t faults_connection;     /**< connections that we closed for a fault of the peer */
    uint64_t connections_max;       /**< connections refused */
    uint64_t workers_queue_max;     /**< calls refused because every worker was busy and the queue full */
    uint64_t receive_bytes_max;     /**< messages refused for their size */
    uint64_t streams_max;           /**< streams refused */
    uint64_t header_list_bytes_max; /**< header lists refused for their bytes */
    uint64_t header_fields_max;     /**< header lists refused for their number of fields */
    uint64_t continuations_max;     /**< connections closed for too many CONTINUATION frames */
    uint64_t settings_entries_max;  /**< connections closed for a SETTINGS frame too long */
    uint64_t frame_bytes_max;       /**< frames refused for their size */
    uint64_t held_bytes_max;        /**< times that reading stopped for messages that nobody popped */
    uint64_t output_bytes_max;      /**< times that reading stopped for output that the peer did not read */
    uint64_t output_control_max;    /**< times that reading stopped for answers that the peer did not read */
    uint64_t reset_burst;           /**< times that a peer was slowed down for resetting too much */
    uint64_t glitch_burst;          /**< times that a peer was slowed down for useless frames */
    uint64_t empty_frames_max;      /**< connections closed for empty DATA frames */
    uint64_t streams_per_feed_max;  /**< times that streams of one read were put off */
    uint64_t ping_strikes_max;      /**< connections closed for pings */
    uint64_t preface_ns;            /**< connections closed before their preface was whole */
    uint64_t headers_ns;            /**< connections closed in a header block */
    uint64_t settings_ack_ns;       /**< connections closed without SETTINGS acknowledged */
    uint64_t write_stall_ns;        /**< connections closed because the peer read nothing */
    uint64_t handshakes_failed;     /**< connections closed in a TLS handshake, whatever the reason */
    uint64_t handshake_ns;          /**< of those, the ones that took too long or sent too much; see proa_tls_options */
} proa_counters;

PROA_END
#endif
