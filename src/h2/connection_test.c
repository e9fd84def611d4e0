/* SPDX-License-Identifier: Apache-2.0 */
/* The connection as its peer sees it: scripts, played whole, byte by byte and at seeded cuts. */
#include "h2/h2_testlib.h"

#define SERVER "> PREFACE\n> SETTINGS\n"
#define CLIENT "> SETTINGS\n"
#define ASKED  CLIENT "! open\n! s0 headers END :method=GET :path=/\n"
#define GET    "HEADERS 1 END :method=GET :path=/\n"

static void a_server_answers_requests(void **state)
{
    (void)state;
    static const play plays[] = {
        { "one request", H2_SERVER, NULL,
          SERVER "> HEADERS 1 END REQ\n! s0 headers :status=200\n! s0 data hello\n! s0 headers END grpc-status=0\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 hello\nHEADERS 1 END grpc-status=0\n" },
        { "body and trailers of a request", H2_SERVER, NULL,
          SERVER
          "> HEADERS 1 REQ content-length=5\n> DATA 1 hello\n> HEADERS 1 END x=y\n! s0 headers END :status=200\n",
          "settings\ns0 request :method=GET :scheme=http :path=/ content-length=5\ns0 data *5\ns0 trailers END x=y\n"
          "s0 closed\n",
          "SETTINGS ACK\nHEADERS 1 END :status=200\n" },
        { "DATA carries the end", H2_SERVER, NULL,
          SERVER
          "> HEADERS 1 REQ\n> DATA 1 PAD=9 one\n> DATA 1 END PAD=0 two\n! s0 headers :status=200\n! s0 data END ok\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *6 END\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 END ok\n" },
        { "an empty DATA carries the end", H2_SERVER, NULL, SERVER "> HEADERS 1 REQ\n> DATA 1 END PAD=200\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 data *0 END\n", "SETTINGS ACK\n" },
        { "a header block in pieces", H2_SERVER, NULL,
          SERVER "> HEADERS 1 END OPEN REQ\n> CONTINUATION 1 a=b\n> CONTINUATION 1\n> CONTINUATION 1 LAST c=*100\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/ a=b c=*100\n", "SETTINGS ACK\n" },
        { "streams at once", H2_SERVER, NULL,
          SERVER "> HEADERS 1 REQ\n> HEADERS 7 END REQ\n> DATA 1 END abc\n! s1 headers END :status=204\n"
                 "! s0 headers END :status=200\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns1 request END :method=GET :scheme=http :path=/\n"
          "s0 data *3 END\ns1 closed\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 7 END :status=204\nHEADERS 1 END :status=200\n" },
        { "messages of one dispatch share a frame", H2_SERVER, NULL,
          SERVER "> HEADERS 1 END REQ\n! s0 headers :status=200\n! s0 data one\n! s0 data two\n! s0 data END three\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 1 :status=200\nDATA 1 onetwo\nDATA 1 END three\n" },
        { "an interim response", H2_SERVER, NULL,
          SERVER "> HEADERS 1 END REQ\n! s0 headers :status=103\n! s0 headers END :status=200\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 1 :status=103\nHEADERS 1 END :status=200\n" },
        { "ping", H2_SERVER, NULL, SERVER "> PING 305419896\n! ping 7\n> PING ACK 7\n> PING ACK 8\n",
          "settings\nping ack 7\n", "SETTINGS ACK\nPING ACK 12345678\nPING 7\n" },
        { "unknown frames, flags and settings are ignored", H2_SERVER, NULL,
          SERVER "> RAW 000003 fa ff 80000001 616263\n> SETTINGS 99=5\n> RAW 000003 c0 00 00000000 616263\n> PING 1\n"
                 "> PRIORITY 9 1\n",
          "settings\nsettings\n", "SETTINGS ACK\nSETTINGS ACK\nPING ACK 1\n" },
    };
    PLAY_ALL(plays);
}

static void a_client_asks(void **state)
{
    (void)state;
    static const play plays[] = {
        { "one response", H2_CLIENT, NULL, ASKED "> HEADERS 1 RES content-length=5\n> DATA 1 END hello\n",
          "settings\ns0 response :status=200 content-length=5\ns0 data *5 END\ns0 closed\n", "SETTINGS ACK\n" GET },
        { "before the server's SETTINGS", H2_CLIENT, NULL,
          "! open\n! s0 headers :method=POST :path=/\n! s0 data END body\n> SETTINGS\n> HEADERS 1 END RES\n",
          "settings\ns0 response END :status=200\ns0 closed\n",
          "HEADERS 1 :method=POST :path=/\nDATA 1 END body\nSETTINGS ACK\n" },
        { "interim responses, then trailers", H2_CLIENT, NULL,
          ASKED "> HEADERS 1 :status=100\n> HEADERS 1 :status=103 a=b\n> HEADERS 1 RES\n> DATA 1 x\n"
                "> HEADERS 1 END grpc-status=0\n",
          "settings\ns0 informational :status=100\ns0 informational :status=103 a=b\ns0 response :status=200\n"
          "s0 data *1\ns0 trailers END grpc-status=0\ns0 closed\n",
          "SETTINGS ACK\n" GET },
        { "a response of HEAD has no body", H2_CLIENT, NULL,
          CLIENT "! open\n! s0 headers END :method=HEAD :path=/\n> HEADERS 1 END RES content-length=10\n",
          "settings\ns0 response END :status=200 content-length=10\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 1 END :method=HEAD :path=/\n" },
        { "no body after 304", H2_CLIENT, NULL, ASKED "> HEADERS 1 :status=304 content-length=10\n> DATA 1 END a\n",
          "settings\ns0 response :status=304 content-length=10\ns0 closed PROTOCOL_ERROR local\n",
          "SETTINGS ACK\n" GET "RST 1 PROTOCOL_ERROR\n" },
        { "refused", H2_CLIENT, NULL, ASKED "> RST 1 7\n", "settings\ns0 closed REFUSED_STREAM remote unprocessed\n",
          "SETTINGS ACK\n" GET },
        { "the server ends early and does not want the rest", H2_CLIENT, NULL,
          CLIENT "! open\n! s0 headers :method=POST :path=/\n> HEADERS 1 END RES\n> RST 1 0\n",
          "settings\ns0 response END :status=200\ns0 closed NO_ERROR remote\n",
          "SETTINGS ACK\nHEADERS 1 :method=POST :path=/\n" },
        { "cancelled", H2_CLIENT, NULL, ASKED "! s0 reset 8\n> HEADERS 1 RES\n> DATA 1 END late\n> PING 1\n",
          "settings\ns0 closed CANCEL local\n", "SETTINGS ACK\n" GET "RST 1 CANCEL\nPING ACK 1\n" },
        { "cancelled before it was sent", H2_CLIENT, NULL,
          CLIENT "! open\n! s0 reset 8\n! open\n! s1 headers END :method=GET\n",
          "settings\ns0 closed CANCEL local unprocessed\n", "SETTINGS ACK\nHEADERS 1 END :method=GET\n" },
        { "room is what the server allows", H2_CLIENT, NULL,
          "> SETTINGS 3=1\n! open\n! open\n! s0 headers END :method=GET\n> HEADERS 1 END RES\n! open\n! s1 reset 8\n",
          "settings\nno room\ns0 response END :status=200\ns0 closed\nroom\ns1 closed CANCEL local unprocessed\n",
          "SETTINGS ACK\nHEADERS 1 END :method=GET\n" },
        { "room grows with SETTINGS", H2_CLIENT, NULL, "> SETTINGS 3=0\n! open\n> SETTINGS 3=2\n",
          "settings\nno room\nsettings\nroom\n", "SETTINGS ACK\nSETTINGS ACK\n" },
        { "pushes are refused", H2_CLIENT, NULL, ASKED "> PUSH 1 2\n",
          "settings\ns0 closed by connection PROTOCOL_ERROR local\nstopped PROTOCOL_ERROR: PUSH_PROMISE was refused\n",
          "SETTINGS ACK\n" GET "GOAWAY 0 PROTOCOL_ERROR PUSH_PROMISE was refused\n" },
        { "a server may not switch pushes on", H2_CLIENT, NULL, "> SETTINGS 2=1\n",
          "stopped PROTOCOL_ERROR: SETTINGS_ENABLE_PUSH\n", "GOAWAY 0 PROTOCOL_ERROR SETTINGS_ENABLE_PUSH\n" },
        { "a server opens no streams", H2_CLIENT, NULL, CLIENT "> HEADERS 2 END RES\n",
          "settings\nstopped PROTOCOL_ERROR: HEADERS on a stream that the peer may not open\n",
          "SETTINGS ACK\nGOAWAY 0 PROTOCOL_ERROR HEADERS on a stream that the peer may not open\n" },
        { "DATA needs headers", H2_CLIENT, NULL, ASKED "> DATA 1 x\n", "settings\ns0 closed PROTOCOL_ERROR local\n",
          "SETTINGS ACK\n" GET "RST 1 PROTOCOL_ERROR\n" },
        { "no status", H2_CLIENT, NULL, ASKED "> HEADERS 1 a=b\n", "settings\ns0 closed PROTOCOL_ERROR local\n",
          "SETTINGS ACK\n" GET "RST 1 PROTOCOL_ERROR\n" },
        { "an interim response does not end", H2_CLIENT, NULL, ASKED "> HEADERS 1 END :status=100\n",
          "settings\ns0 closed PROTOCOL_ERROR local\n", "SETTINGS ACK\n" GET "RST 1 PROTOCOL_ERROR\n" },
    };
    PLAY_ALL(plays);
}

/* RFC 9113 3.4, 4, 6: faults of the connection. */
static void faults_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        const char *script, *code, *reason;
    } cases[] = {
        { "> RAW 474554202f20485454502f312e310d0a0d0a\n", "PROTOCOL_ERROR", "no HTTP/2 connection preface" },
        { "> PREFACE\n> PING 1\n", "PROTOCOL_ERROR", "the first frame is not SETTINGS" },
        { "> PREFACE\n> SETTINGS ACK\n", "PROTOCOL_ERROR", "the first frame is not SETTINGS" },
        { SERVER "> RAW 000000 00 00 00000000\n", "PROTOCOL_ERROR", "DATA on stream 0" },
        { SERVER "> RAW 000000 01 04 00000000\n", "PROTOCOL_ERROR", "HEADERS on stream 0" },
        { SERVER "> PRIORITY 0 1\n", "PROTOCOL_ERROR", "PRIORITY on stream 0" },
        { SERVER "> RST 0 1\n", "PROTOCOL_ERROR", "RST_STREAM on stream 0" },
        { SERVER "> RAW 000000 04 00 00000001\n", "PROTOCOL_ERROR", "SETTINGS on a stream" },
        { SERVER "> RAW 000008 06 00 00000001 0000000000000000\n", "PROTOCOL_ERROR", "PING on a stream" },
        { SERVER "> RAW 000008 07 00 00000001 0000000000000000\n", "PROTOCOL_ERROR", "GOAWAY on a stream" },
        { SERVER "> RAW 000001 04 00 00000000 00\n", "FRAME_SIZE_ERROR", "SETTINGS is not a multiple of 6 bytes" },
        { SERVER "> RAW 000006 04 01 00000000 000000000000\n", "FRAME_SIZE_ERROR", "SETTINGS ACK with a payload" },
        { SERVER "> RAW 000007 06 00 00000000 00000000000000\n", "FRAME_SIZE_ERROR", "PING is not 8 bytes" },
        { SERVER "> RAW 000007 07 00 00000000 00000000000000\n", "FRAME_SIZE_ERROR", "GOAWAY too short" },
        { SERVER "> RAW 000003 03 00 00000001 000000\n", "FRAME_SIZE_ERROR", "RST_STREAM is not 4 bytes" },
        { SERVER "> RAW 000003 08 00 00000000 000000\n", "FRAME_SIZE_ERROR", "WINDOW_UPDATE is not 4 bytes" },
        { SERVER "> RAW 010001 01 04 00000001\n", "FRAME_SIZE_ERROR", "frame over SETTINGS_MAX_FRAME_SIZE" },
        { SERVER "> RAW 008001 01 04 00000001\n", "ENHANCE_YOUR_CALM", "a frame that is not DATA is too long" },
        { SERVER "> RAW 010000 99 00 00000001\n", "ENHANCE_YOUR_CALM", "a frame that is not DATA is too long" },
        { SERVER "> RAW 000004 01 24 00000001 00000000\n", "FRAME_SIZE_ERROR", "HEADERS too short for its priority" },
        { SERVER "> RAW 000000 01 0c 00000001\n", "FRAME_SIZE_ERROR", "padded frame without pad length" },
        { SERVER "> RAW 000002 01 0c 00000001 0200\n", "PROTOCOL_ERROR", "padding as long as the frame" },
        { SERVER "> SETTINGS 2=2\n", "PROTOCOL_ERROR", "SETTINGS_ENABLE_PUSH" },
        { SERVER "> SETTINGS 4=0x80000000\n", "FLOW_CONTROL_ERROR", "SETTINGS_INITIAL_WINDOW_SIZE over 2^31-1" },
        { SERVER "> SETTINGS 5=16383\n", "PROTOCOL_ERROR", "SETTINGS_MAX_FRAME_SIZE" },
        { SERVER "> SETTINGS 5=16777216\n", "PROTOCOL_ERROR", "SETTINGS_MAX_FRAME_SIZE" },
        { SERVER "> PUSH 1 2\n", "PROTOCOL_ERROR", "PUSH_PROMISE of a client" },
        { SERVER "> WINDOW 0 0\n", "PROTOCOL_ERROR", "WINDOW_UPDATE of 0" },
        { SERVER "> WINDOW 0 0x7fffffff\n", "FLOW_CONTROL_ERROR", "connection window over 2^31-1" },
        { SERVER "> DATA 1 x\n", "PROTOCOL_ERROR", "DATA on an idle stream" },
        { SERVER "> RST 1 8\n", "PROTOCOL_ERROR", "RST_STREAM on an idle stream" },
        { SERVER "> WINDOW 1 1\n", "PROTOCOL_ERROR", "WINDOW_UPDATE on an idle stream" },
        { SERVER "> PRIORITY 1 1\n", "PROTOCOL_ERROR", "stream depends on itself" },
        { SERVER "> CONTINUATION 1 LAST a=b\n", "PROTOCOL_ERROR", "CONTINUATION without HEADERS" },
        { SERVER "> HEADERS 1 OPEN REQ\n> PING 1\n", "PROTOCOL_ERROR", "a frame inside a header block" },
        { SERVER "> HEADERS 1 OPEN REQ\n> CONTINUATION 3 LAST a=b\n", "PROTOCOL_ERROR",
          "a frame inside a header block" },
        { SERVER "> HEADERS 1 OPEN REQ\n> RAW 000001 99 00 00000001 00\n", "PROTOCOL_ERROR",
          "a frame inside a header block" },
        { SERVER "> HEADERS 2 END REQ\n", "PROTOCOL_ERROR", "HEADERS on a stream that the peer may not open" },
        { SERVER "> RAW 000001 01 05 00000001 be\n", "COMPRESSION_ERROR", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (unsigned cut = 0; cut < 2; cut++) {
            stage s;
            stage_init(&s, H2_SERVER, NULL, cut);
            stage_run(&s, cases[i].script);
            char stopped[128], goaway[128];
            snprintf(stopped, sizeof stopped, "stopped %s: %s", cases[i].code, cases[i].reason ? cases[i].reason : "");
            snprintf(goaway, sizeof goaway, "GOAWAY 0 %s %s", cases[i].code, cases[i].reason ? cases[i].reason : "");
            if (!strstr(s.events, stopped) || !strstr(s.frames, goaway))
                fail_msg("%s\nevents:\n%s\nframes:\n%s", cases[i].script, s.events, s.frames);
            assert_true(h2_connection_is_over(s.c));
            stage_feed(&s, PROA_STR("anything")); /* what comes behind is nobody's business */
            stage_fini(&s);
        }
}

/* RFC 9113 5.1, 8.1: faults of a stream leave the connection and the HPACK tables as they must be. */
static void faults_of_a_stream_leave_the_connection(void **state)
{
    (void)state;
    static const struct {
        const char *frames, *code;
    } cases[] = {
        { "> HEADERS 1 REQ\n> WINDOW 1 0\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ\n> WINDOW 1 0x7fffffff\n", "FLOW_CONTROL_ERROR" },
        { "> HEADERS 1 END REQ\n> DATA 1 x\n", "STREAM_CLOSED" },
        { "> HEADERS 1 END REQ\n> HEADERS 1 END x=y\n", "STREAM_CLOSED" },
        { "> HEADERS 1 REQ\n> HEADERS 1 x=y\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ\n> HEADERS 1 END :path=y\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ\n> PRIORITY 1 1\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ\n> RAW 000004 02 00 00000001 00000000\n", "FRAME_SIZE_ERROR" },
        { "> HEADERS 1 DEP=1 REQ\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 OPEN DEP=1 REQ\n> CONTINUATION 1 LAST x=y\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 END REQ Upper=x\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 END REQ connection=close\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 END x=y\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 END REQ content-length=1\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ content-length=1\n> DATA 1 ab\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ content-length=5\n> DATA 1 END ab\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ content-length=5\n> DATA 1 ab\n> HEADERS 1 END x=y\n", "PROTOCOL_ERROR" },
        { "> HEADERS 1 REQ\n> RST 1 8\n> DATA 1 x\n", "STREAM_CLOSED" },
        { "> HEADERS 1 REQ\n> RST 1 8\n> HEADERS 1 END x=y\n", "STREAM_CLOSED" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (unsigned cut = 0; cut < 2; cut++) {
            stage s;
            stage_init(&s, H2_SERVER, NULL, cut);
            stage_run(&s, SERVER);
            stage_run(&s, cases[i].frames);
            char expected[64];
            snprintf(expected, sizeof expected, "RST 1 %s\n", cases[i].code);
            if (!strstr(s.frames, expected) || strstr(s.frames, "GOAWAY"))
                fail_msg("%s\nevents:\n%s\nframes:\n%s", cases[i].frames, s.events, s.frames);
            stage_expect(&s, NULL, NULL);
            stage_run(&s, "> HEADERS 3 END REQ +table=kept\n> RAW 000004 01 05 00000005 828684be\n");
            assert_non_null(strstr(s.events, "request END :method=GET :scheme=http :path=/ table=kept\n"));
            assert_int_equal(h2_connection_streams(s.c),
                             2 + (s.streams[0] && s.streams[0]->state != STREAM_CLOSED && s.streams[0]->id == 1));
            stage_fini(&s);
        }
}

/* RFC 9113 5.1: what a late frame means depends on how its stream was closed. */
static void late_frames_are_judged_by_how_their_stream_closed(void **state)
{
    (void)state;
    static const play plays[] = {
        { "reset here: whatever comes was under way", H2_SERVER, NULL,
          SERVER "> HEADERS 1 REQ\n! s0 reset 8\n> DATA 1 abc\n> WINDOW 1 5\n> HEADERS 1 END +a=b\n> RST 1 8\n"
                 "> RAW 000004 01 05 00000003 828684be\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 closed CANCEL local\n"
          "s1 request END :method=GET :scheme=http :path=/ a=b\n",
          "SETTINGS ACK\nRST 1 CANCEL\n" },
        { "ended: WINDOW_UPDATE and RST_STREAM crossed the end", H2_SERVER, NULL,
          SERVER "> HEADERS 1 END REQ\n! s0 headers END :status=200\n> WINDOW 1 5\n> RST 1 8\n> PING 1\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed\n",
          "SETTINGS ACK\nHEADERS 1 END :status=200\nPING ACK 1\n" },
        { "ended: HEADERS", H2_SERVER, NULL,
          SERVER "> HEADERS 1 END REQ\n! s0 headers END :status=200\n> HEADERS 1 END REQ\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed\n"
          "stopped STREAM_CLOSED: HEADERS on a stream that ended\n",
          "SETTINGS ACK\nHEADERS 1 END :status=200\nGOAWAY 1 STREAM_CLOSED HEADERS on a stream that ended\n" },
        { "ended: DATA", H2_SERVER, NULL, SERVER "> HEADERS 1 END REQ\n! s0 headers END :status=200\n> DATA 1 x\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed\n"
          "stopped STREAM_CLOSED: DATA on a stream that ended\n",
          "SETTINGS ACK\nHEADERS 1 END :status=200\nGOAWAY 1 STREAM_CLOSED DATA on a stream that ended\n" },
        { "never opened: a lower number", H2_SERVER, NULL, SERVER "> HEADERS 5 END REQ\n> HEADERS 3 END REQ\n",
          "settings\ns0 request END :method=GET :scheme=http :path=/\ns0 closed by connection PROTOCOL_ERROR local\n"
          "stopped PROTOCOL_ERROR: stream number under an earlier one\n",
          "SETTINGS ACK\nGOAWAY 5 PROTOCOL_ERROR stream number under an earlier one\n" },
    };
    PLAY_ALL(plays);
}

static void a_forgotten_stream_is_given_the_benefit_of_the_doubt(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    char line[64];
    for (unsigned id = 1; id <= 2 * STREAMS_CLOSED_MAX + 3; id += 2) {
        snprintf(line, sizeof line, "> HEADERS %u REQ\n! s%u reset 8\n", id, id / 2);
        stage_run(&s, line);
    }
    stage_expect(&s, NULL, NULL);
    stage_run(&s, "> DATA 1 x\n> HEADERS 1 END a=b\n> PING 1\n");
    stage_expect(&s, "", "PING ACK 1\n");
    stage_fini(&s);
}

static void a_server_drains_in_two_steps(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "> HEADERS 1 END REQ\n! drain\n> HEADERS 3 END REQ\n");
    stage_expect(&s,
                 "s0 request END :method=GET :scheme=http :path=/\ns1 request END :method=GET :scheme=http :path=/\n",
                 "GOAWAY 2147483647 NO_ERROR\nPING 447261ff\n");
    stage_run(&s, "> RAW 000008 06 01 00000000 70726f61447261ff\n> HEADERS 5 END REQ +a=b\n> DATA 5 late\n> RST 5 8\n");
    stage_expect(&s, "", "GOAWAY 3 NO_ERROR\n");
    stage_run(&s, "! s0 headers END :status=200\n! s1 headers :status=200\n");
    stage_expect(&s, "s0 closed\n", "HEADERS 1 END :status=200\nHEADERS 3 :status=200\n");
    stage_run(&s, "! s1 headers END grpc-status=0\n");
    stage_expect(&s, "s1 closed\nstopped NO_ERROR\n", "HEADERS 3 END grpc-status=0\n");
    assert_true(h2_connection_is_over(s.c));
    stage_fini(&s);
}

static void a_drain_does_not_wait_for_ever_for_the_ping(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "! drain\n");
    stage_expect(&s, "", "GOAWAY 2147483647 NO_ERROR\nPING 447261ff\n");
    assert_int_equal(h2_connection_deadline(s.c), s.now + GOAWAY_NOTICE_NS);
    stage_pass(&s, GOAWAY_NOTICE_NS);
    stage_expect(&s, "stopped NO_ERROR\n", "GOAWAY 0 NO_ERROR\n");
    stage_fini(&s);
}

static void a_client_stops_when_its_last_stream_ended(void **state)
{
    (void)state;
    static const play plays[] = {
        { "its own drain", H2_CLIENT, NULL, ASKED "! drain\n! open\n> HEADERS 1 END RES\n",
          "settings\nno room\ns0 response END :status=200\ns0 closed\nstopped NO_ERROR\n",
          "SETTINGS ACK\n" GET "GOAWAY 0 NO_ERROR\n" },
        { "the server's GOAWAY", H2_CLIENT, NULL,
          CLIENT "! open\n! open\n! open\n! s0 headers END :method=GET\n! s1 headers END :method=GET\n"
                 "> GOAWAY 1 0 bye\n> HEADERS 1 END RES\n",
          "settings\ngoaway 1 NO_ERROR remote\ns1 closed REFUSED_STREAM remote unprocessed\n"
          "s2 closed REFUSED_STREAM remote unprocessed\ns0 response END :status=200\ns0 closed\nstopped NO_ERROR\n",
          "SETTINGS ACK\nHEADERS 1 END :method=GET\nHEADERS 3 END :method=GET\nGOAWAY 0 NO_ERROR\n" },
        { "two of them, the second may only name less", H2_CLIENT, NULL,
          CLIENT "! open\n! open\n! s0 headers END :method=GET\n! s1 headers END :method=GET\n"
                 "> GOAWAY 0x7fffffff 0\n> GOAWAY 1 0\n> GOAWAY 9 0\n",
          "settings\ngoaway 2147483647 NO_ERROR remote\ngoaway 1 NO_ERROR remote\n"
          "s1 closed REFUSED_STREAM remote unprocessed\ngoaway 1 NO_ERROR remote\n",
          "SETTINGS ACK\nHEADERS 1 END :method=GET\nHEADERS 3 END :method=GET\n" },
    };
    PLAY_ALL(plays);
}

static void stop_and_loss_end_every_stream(void **state)
{
    (void)state;
    static const play plays[] = {
        { "stop", H2_SERVER, NULL, SERVER "> HEADERS 1 REQ\n! stop 2 broken\n> HEADERS 3 REQ\n! stop 0 again\n! lost\n",
          "settings\ns0 request :method=GET :scheme=http :path=/\ns0 closed by connection INTERNAL_ERROR local\n"
          "stopped INTERNAL_ERROR: stopped on this side\n",
          "SETTINGS ACK\nGOAWAY 1 INTERNAL_ERROR broken\n" },
        { "lost", H2_CLIENT, NULL,
          ASKED "@ 0ms\n! open\n! block\n! open\n! s2 headers END :method=GET\n! lost\n! unblock\n",
          "settings\ns0 closed by connection INTERNAL_ERROR remote\n"
          "s1 closed by connection INTERNAL_ERROR remote unprocessed\n"
          "s2 closed by connection INTERNAL_ERROR remote unprocessed\nstopped INTERNAL_ERROR: gone\n",
          "SETTINGS ACK\n" GET },
    };
    PLAY_ALL(plays);
}

static void numbers_run_out_gracefully(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_CLIENT, NULL);
    s.c->next_id = FRAME_STREAM_ID_MAX - 2;
    stage_run(&s, "! open\n! s0 headers END :method=GET\n! open\n! s1 headers END :method=GET\n@ 0ms\n! open\n");
    stage_expect(&s, "goaway 2147483647 NO_ERROR local\nno room\n",
                 "HEADERS 2147483645 END :method=GET\nHEADERS 2147483647 END :method=GET\n");
    stage_run(&s, "> HEADERS 2147483645 END RES\n> HEADERS 2147483647 END RES\n");
    assert_non_null(strstr(s.events, "stopped NO_ERROR\n"));
    stage_fini(&s);
}

static void detached_streams_are_harmless(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    stage_run(&s, "! hold\n> HEADERS 1 REQ\n> DATA 1 abc\n");
    h2_connection_free(s.c);
    h2_stream *stream = s.streams[0];
    assert_null(h2_stream_connection(stream));
    assert_int_equal(h2_stream_send_headers(stream, NULL, 0, true), 0);
    h2_stream_consume(stream, 3);
    h2_stream_want(stream, 3);
    h2_stream_watch(stream, 3);
    h2_stream_reset(stream, H2_CANCEL);
    s.c = NULL;
    stage_fini(&s);
}

static void collect(void *user, const char *line)
{
    strcat(strcat(user, line), "\n");
}

static void one_trace_line_tells_each_frame(void **state)
{
    (void)state;
    stage s;
    stage_open(&s, H2_SERVER, NULL);
    char text[1024] = "";
    trace t = { .line = collect, .user = text, .areas = TRACE_H2 };
    s.c->trace = s.c->output.trace = &t;
    stage_run(&s,
              "> HEADERS 1 REQ\n> DATA 1 END abc\n! s0 headers :status=200\n! s0 data ab\n! s0 data cd\n! s0 reset 8\n"
              "> WINDOW 0 5\n");
    assert_string_equal(text, "h2 < HEADERS stream=1 len=3 END_HEADERS\n"
                              "h2 < DATA stream=1 len=3 END_STREAM\n"
                              "h2 > HEADERS stream=1 len=1 END_HEADERS\n"
                              "h2 > DATA stream=1 len=4\n"
                              "h2 > RST_STREAM stream=1 len=4 code=CANCEL\n"
                              "h2 < WINDOW_UPDATE stream=0 len=4 increment=5\n");
    stage_fini(&s);
}

/* ---- Running out of memory */

static void answer(h2_stream *stream)
{
    static const char large[100000];
    hpack_field field = { .name = PROA_STR("x"), .value = PROA_STR("y") };
    (void)h2_stream_send_headers(stream, &field, 1, false);
    (void)h2_stream_send_data(stream, &(proa_bytes){ large, sizeof large }, 1, false);
    (void)h2_stream_send_headers(stream, &field, 1, true);
}

static void pull_and_answer(h2_connection *c, h2_stream **live)
{
    for (h2_event e; h2_connection_next_event(c, &e);) {
        if (e.type == H2_EVENT_HEADERS)
            *live = e.stream;
        if (e.type == H2_EVENT_DATA) {
            h2_stream_consume(e.stream, e.bytes.size);
            if (e.is_end)
                answer(e.stream);
        }
        if (e.type == H2_EVENT_CLOSED) {
            *live = NULL;
            h2_stream_release(e.stream);
        }
    }
}

/* The i-th allocation fails, for every i: nothing leaks, nothing crashes. */
static void running_out_of_memory_is_survived(void **state)
{
    (void)state;
    buffer in = { 0 };
    frame_line(&in, "PREFACE");
    frame_line(&in, "SETTINGS");
    frame_line(&in, "HEADERS 1 OPEN REQ +a=b");
    frame_line(&in, "CONTINUATION 1 LAST c=*3000");
    frame_line(&in, "DATA 1 END *300");
    size_t asked, nth = 0;
    do {
        nth++;
        h2_stream *live = NULL;
        memory_watch(nth);
        h2_connection *c = h2_connection_new(&(h2_options){ .role = H2_SERVER }, 0);
        for (size_t at = 0; c && at < buffer_size(&in); at += 100) {
            size_t left = buffer_size(&in) - at;
            h2_connection_feed(c, (proa_bytes){ buffer_bytes(&in).data + at, left < 100 ? left : 100 }, 0);
            pull_and_answer(c, &live);
            for (h2_output out; h2_connection_emit(c, &out, 0);)
                h2_connection_sent(c, out.size);
            pull_and_answer(c, &live);
        }
        h2_connection_free(c);
        if (live)
            h2_stream_release(live);
        asked = memory_unwatch();
    } while (asked >= nth);
    buffer_fini(&in);
    assert_true(nth > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_answers_requests),
        cmocka_unit_test(a_client_asks),
        cmocka_unit_test(faults_end_the_connection),
        cmocka_unit_test(faults_of_a_stream_leave_the_connection),
        cmocka_unit_test(late_frames_are_judged_by_how_their_stream_closed),
        cmocka_unit_test(a_forgotten_stream_is_given_the_benefit_of_the_doubt),
        cmocka_unit_test(a_server_drains_in_two_steps),
        cmocka_unit_test(a_drain_does_not_wait_for_ever_for_the_ping),
        cmocka_unit_test(a_client_stops_when_its_last_stream_ended),
        cmocka_unit_test(stop_and_loss_end_every_stream),
        cmocka_unit_test(numbers_run_out_gracefully),
        cmocka_unit_test(detached_streams_are_harmless),
        cmocka_unit_test(one_trace_line_tells_each_frame),
        cmocka_unit_test(running_out_of_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
