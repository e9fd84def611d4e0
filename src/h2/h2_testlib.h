/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of h2 share: frames written as text, a stage that plays a script against one connection and keeps two
 * transcripts, of the events and of the frames that came out.
 *
 * Lines of a script:
 *   > PREFACE | SETTINGS 4=100 | SETTINGS ACK | HEADERS 1 END REQ x=y | CONTINUATION 1 LAST x=y | DATA 1 END PAD=3 text |
 *     DATA 1 *5000 | PING 7 | PING ACK 7 | RST 1 8 | WINDOW 0 100 | GOAWAY 1 0 text | PRIORITY 3 1 | PUSH 1 2 | RAW hex
 *     (HEADERS END_STREAM is END; OPEN leaves END_HEADERS away; REQ is GET / of http, RES is :status 200, DEP=n a priority)
 *   ! open | s0 headers END x=y | s0 data END text | s0 data *5000 | s0 slice END *5000 | s0 reset 8 | s0 consume 5 |
 *     s0 want 9 | s0 watch 9 | s0 forgive 5ms | s0 release | drain | stop 0 text | lost | ping 7 | hold (keeps what comes,
 *     and streams until release) | block (nothing is written until) | unblock
 *   @ 100ms   time passes; tick */
#ifndef H2_H2_TESTLIB_H
#define H2_H2_TESTLIB_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "h2/connection.h"

#define STAGE_STREAMS_MAX 256
#define STAGE_TEXT_MAX    (256 * 1024)

typedef struct stage {
    h2_connection *c;
    h2_role role;
    int64_t now;
    h2_stream *streams[STAGE_STREAMS_MAX];   /* s0, s1 ... in the order of their begin; NULL: released */
    size_t stream_count;
    bool is_holding, is_blocked, is_quiet;   /* quiet: frames are counted, not written down */
    unsigned cut;                            /* 0: whole; 1: byte by byte; else the seed of random cuts */
    uint64_t random;
    hpack_decoder *reader;                   /* of what comes out */
    buffer out;                              /* came out and is no whole frame yet */
    buffer gathered;                         /* '>' lines that are not fed yet */
    char *events, *frames;
    size_t events_size, frames_size;
    size_t gathered_data;                    /* size of that line so far */
    size_t data_open;                        /* place in events where the last data line may grow; 0: none */
    h2_stream *data_stream;
    size_t came_out[FRAME_TYPES + 1];        /* frames by type */
    size_t bytes_out;
    bool is_stopped;
} stage;

void stage_init(stage *stage, h2_role role, const limits *limits, unsigned cut);
void stage_fini(stage *stage);
void stage_run(stage *stage, const char *script);
void stage_feed(stage *stage, proa_bytes bytes);             /* cut as the stage says; events and output each time */
void stage_turn(stage *stage);                               /* events, output, audit */
void stage_pass(stage *stage, int64_t ns);                   /* time passes; tick */
/* The rest of the transcripts since the last call is exactly this. */
void stage_expect(stage *stage, const char *events, const char *frames);
void frame_put(buffer *out, unsigned type, unsigned flags, uint32_t id, const void *payload, size_t size);
void frame_line(buffer *out, const char *line);              /* what stands behind '>' */
/* A connection past its preface, transcripts empty. */
void stage_open(stage *stage, h2_role role, const limits *limits);

typedef struct play { const char *name; h2_role role; const limits *limits; const char *script, *events, *frames; } play;
/* Runs it whole, byte by byte and at seeded cuts: the transcripts are the same each time, and these. */
void play_all(const play *plays, size_t count);
#define PLAY_ALL(plays) play_all((plays), sizeof(plays) / sizeof(plays)[0])
uint64_t next_random(uint64_t *state);
#endif
