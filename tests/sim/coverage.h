/* SPDX-License-Identifier: Apache-2.0 */
/* What a run has reached. A thing that no seed reaches is not tested, so the whole run fails when a number is 0. */
#ifndef SIM_COVERAGE_H
#define SIM_COVERAGE_H
#include <stdint.h>

#define COVERAGE(X)                                                                                                    \
    /* statuses that clients saw */                                                                                    \
    X(STATUS_OK, "calls: OK")                                                                                          \
    X(STATUS_PLANNED, "calls: the error that the handler gave")                                                        \
    X(STATUS_CANCELLED, "calls: CANCELLED")                                                                            \
    X(STATUS_DEADLINE, "calls: DEADLINE_EXCEEDED")                                                                     \
    X(STATUS_UNAVAILABLE, "calls: UNAVAILABLE")                                                                        \
    X(STATUS_EXHAUSTED, "calls: RESOURCE_EXHAUSTED")                                                                   \
    X(STATUS_UNIMPLEMENTED, "calls: UNIMPLEMENTED")                                                                    \
    /* shapes */                                                                                                       \
    X(CALL_ONE, "calls: unary")                                                                                        \
    X(CALL_OUT, "calls: server streaming")                                                                             \
    X(CALL_IN, "calls: client streaming")                                                                              \
    X(CALL_BOTH, "calls: both streaming")                                                                              \
    X(CALL_LATER, "calls: answered later, by a ticket")                                                                \
    X(CALL_EARLY, "calls: answered before the last request")                                                           \
    X(CALL_WAITS_FOR_READY, "calls: wait for ready")                                                                   \
    X(CALL_OVER_BEFORE_BEGUN, "calls: the deadline was over before")                                                   \
    X(CALL_NEVER_SERVED, "calls: failed, and no handler saw them")                                                     \
    X(CLIENT_CANCELS, "cancelled by the client")                                                                       \
    X(SERVER_CANCELS, "cancelled by the handler")                                                                      \
    X(SERVED_CANCELLED, "handlers that ended without their answer")                                                    \
    X(PUSH_FULL, "a push that said: no room for another")                                                              \
    X(MESSAGE_LARGE, "messages over 64 KiB")                                                                           \
    X(MESSAGE_EMPTY, "messages without a body")                                                                        \
    X(MESSAGE_OVER_LIMIT, "messages over the limit")                                                                   \
    X(SLOW_CLIENT, "clients that read slowly")                                                                         \
    X(SLOW_SERVER, "handlers that read slowly")                                                                        \
    /* the network */                                                                                                  \
    X(CONNECTED, "network: connections")                                                                               \
    X(SEGMENT_ONE_BYTE, "network: segments of one byte")                                                               \
    X(SEGMENT_SPLIT, "network: writes cut into segments")                                                              \
    X(SHORT_WRITE, "network: writes taken in part")                                                                    \
    X(PAUSED, "network: a reader that paused")                                                                         \
    X(JITTER, "network: jitter")                                                                                       \
    X(STALL, "fault: stall")                                                                                           \
    X(RESET, "fault: reset")                                                                                           \
    X(RESET_PARTIAL, "fault: reset with bytes on the way")                                                             \
    X(CUT, "fault: closed by something in between")                                                                    \
    X(SILENCE, "fault: silence, half open")                                                                            \
    X(SILENCE_NOTICED, "fault: silence that the system noticed")                                                       \
    X(REFUSED, "fault: connection refused")                                                                            \
    X(CONNECT_SILENT, "fault: connect without an answer")                                                              \
    X(CONNECT_ERROR, "fault: connect that fails at once")                                                              \
    X(NO_MEMORY, "fault: an allocation failed")                                                                        \
    X(NO_MEMORY_LASTING, "fault: allocations failed for a while")                                                      \
    X(CLOCK_STEP, "fault: the clock stepped")                                                                          \
    X(LATE_TURN, "fault: a loop that turned late")                                                                     \
    X(SERVER_DRAINED, "servers: drained")                                                                              \
    X(SERVER_KILLED, "servers: killed")                                                                                \
    X(SERVER_STOPPED, "servers: freed while they serve")                                                               \
    X(SERVER_BACK, "servers: back at their address")                                                                   \
    X(CHANNEL_CLOSED, "channels: closed with calls")                                                                   \
    X(TWO_ADDRESSES, "channels: that know two addresses")                                                              \
    X(CHANNEL_IDLE, "channels: IDLE")                                                                                  \
    X(CHANNEL_CONNECTING, "channels: CONNECTING")                                                                      \
    X(CHANNEL_READY, "channels: READY")                                                                                \
    X(CHANNEL_FAILURE, "channels: TRANSIENT_FAILURE")                                                                  \
    /* the wire */                                                                                                     \
    X(FRAME_DATA, "frames: DATA")                                                                                      \
    X(FRAME_HEADERS, "frames: HEADERS")                                                                                \
    X(FRAME_CONTINUATION, "frames: CONTINUATION")                                                                      \
    X(FRAME_RST_STREAM, "frames: RST_STREAM")                                                                          \
    X(FRAME_SETTINGS, "frames: SETTINGS")                                                                              \
    X(FRAME_PING, "frames: PING")                                                                                      \
    X(FRAME_GOAWAY, "frames: GOAWAY")                                                                                  \
    X(FRAME_WINDOW_UPDATE, "frames: WINDOW_UPDATE")                                                                    \
    X(STREAM_OPENED, "streams: opened")                                                                                \
    X(STREAM_HALF_CLOSED_CLIENT, "streams: the client's half closed first")                                            \
    X(STREAM_HALF_CLOSED_SERVER, "streams: the server's half closed first")                                            \
    X(STREAM_CLOSED_WELL, "streams: both halves closed")                                                               \
    X(STREAM_RESET_BY_CLIENT, "streams: reset by the client")                                                          \
    X(STREAM_RESET_BY_SERVER, "streams: reset by the server")                                                          \
    X(STREAM_REFUSED, "streams: refused by the server")                                                                \
    X(WINDOW_EMPTY_STREAM, "windows: a stream's was used up")                                                          \
    X(WINDOW_EMPTY_CONNECTION, "windows: a connection's was used up")                                                  \
    X(STREAMS_MAX_REACHED, "limits: as many streams as the server allows")                                             \
    X(LEDGER_EXACT, "connections whose credit was exact at rest")                                                      \
    X(AUDIT, "audits of live connections")

typedef enum coverage_point {
#define COVERAGE_NAME(name, text) COVER_##name,
    COVERAGE(COVERAGE_NAME)
#undef COVERAGE_NAME
        COVERAGE_COUNT
} coverage_point;
typedef struct coverage { uint64_t counts[COVERAGE_COUNT]; uint64_t turns, calls, bytes; int64_t virtual_ns; } coverage;
const char *coverage_text(unsigned point);
void coverage_add(coverage *sum, const coverage *more);
unsigned coverage_print(const coverage *coverage);    /* how many points are 0 */
#endif
