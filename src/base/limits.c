/* SPDX-License-Identifier: Apache-2.0 */
/* From the public options to ours: the same names. */
#include "base/limits.h"

void limits_copy(limits *to, const proa_limits *from)
{
    *to = (limits){
        .streams_max = from->streams_max,
        .header_list_bytes_max = from->header_list_bytes_max,
        .header_fields_max = from->header_fields_max,
        .header_table_bytes_max = from->header_table_bytes_max,
        .continuations_max = from->continuations_max,
        .settings_entries_max = from->settings_entries_max,
        .frame_bytes_max = from->frame_bytes_max,
        .connection_window_bytes = from->connection_window_bytes,
        .stream_window_bytes = from->stream_window_bytes,
        .window_bytes_max = from->window_bytes_max,
        .held_bytes_max = from->held_bytes_max,
        .output_bytes_max = from->output_bytes_max,
        .output_control_max = from->output_control_max,
        .reset_burst = from->reset_burst,
        .reset_per_second = from->reset_per_second,
        .glitch_burst = from->glitch_burst,
        .glitch_per_second = from->glitch_per_second,
        .empty_frames_max = from->empty_frames_max,
        .streams_per_feed_max = from->streams_per_feed_max,
        .ping_strikes_max = from->ping_strikes_max,
        .ping_interval_min_ns = from->ping_interval_min_ns,
        .preface_ns = from->preface_ns,
        .headers_ns = from->headers_ns,
        .settings_ack_ns = from->settings_ack_ns,
        .write_stall_ns = from->write_stall_ns,
    };
}
