/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of `proa bench`: a table of options, each with a reader for its value. */
#include "cli/bench_options.h"
#include "base/base.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES_MAX (64u * 1024 * 1024)

/* What was given as --data, --file or --size, until all options are known. */
typedef struct reading {
    bench_options *options;
    const char *name, *value; /* of the option that is read now */
    const char *data, *file, *size;
    bool has_pipeline;
} reading;

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "proa bench: %s: %s\n", what, why);
    return false;
}

static bool complain_of_value(const reading *r, const char *why)
{
    fprintf(stderr, "proa bench: --%s=%s: %s\n", r->name, r->value, why);
    return false;
}

const char *bench_shape_name(bench_shape shape)
{
    static const char *const names[] = { "unary", "client", "server", "bidi" };
    return names[shape];
}

/* ---- Values */

static bool read_count(const reading *r, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(r->value, &end, 10);
    if (*r->value >= '0' && *r->value <= '9' && !*end && !errno && value >= min && value <= max) {
        *out = value;
        return true;
    }
    char why[96];
    snprintf(why, sizeof why, "a number from %llu to %llu", (unsigned long long)min, (unsigned long long)max);
    return complain_of_value(r, why);
}

static bool read_seconds(const reading *r, double min, int64_t *out_ns)
{
    char *end;
    double seconds = strtod(r->value, &end);
    if (*r->value && !*end && seconds >= min && seconds <= 1e6) {
        *out_ns = (int64_t)(seconds * 1e9);
        return true;
    }
    return complain_of_value(r, min > 0 ? "a number of seconds above 0" : "a number of seconds");
}

static bool read_header(reading *r)
{
    const char *wrong = values_add_header(&r->options->headers, r->value, r->options->arena);
    return !wrong || complain_of_value(r, wrong);
}

static bool read_shape(reading *r)
{
    for (int shape = BENCH_UNARY; shape <= BENCH_BIDI; shape++) {
        if (!strcmp(r->value, bench_shape_name((bench_shape)shape))) {
            r->options->shape = (bench_shape)shape;
            return true;
        }
    }
    return complain_of_value(r, "a shape is unary, client, server or bidi");
}

static bool read_rate(reading *r)
{
    char *end;
    r->options->rate = strtod(r->value, &end);
    if (*r->value && !*end && r->options->rate > 0 && r->options->rate <= 1e8)
        return true;
    return complain_of_value(r, "a rate is a number of calls a second above 0");
}

/* ---- The message */

static bool take_message(bench_options *o, proa_bytes bytes)
{
    return proa_slice_copy(bytes, &o->message) == PROA_ERR_NONE || complain("the message", "no memory");
}

static bool message_of_file(bench_options *o, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return complain(path, strerror(errno));
    char *data = malloc(MESSAGE_BYTES_MAX + 1);
    size_t size = data ? fread(data, 1, MESSAGE_BYTES_MAX + 1, file) : 0;
    bool ok = data && !ferror(file);
    if (!ok)
        complain(path, data ? strerror(errno) : "no memory");
    else if (size > MESSAGE_BYTES_MAX)
        ok = complain(path, "a message is 64 MiB at most");
    fclose(file);
    ok = ok && take_message(o, (proa_bytes){ data, size });
    free(data);
    return ok;
}

/* Field 1, bytes: the tag, the length in as many bytes as fit the size (it may be longer than needed), zeros. */
static bool message_of_size(bench_options *o, size_t size)
{
    if (size == 1)
        return complain("--size=1", "no Protobuf message has one byte; --data=HEX sends any");
    char *data = calloc(size + 8, 1);
    if (!data)
        return complain("--size", "no memory for the message");
    size_t length_bytes = 1;
    while (size > 1 && (size - 1 - length_bytes) >> (7 * length_bytes))
        length_bytes++;
    size_t length = size ? size - 1 - length_bytes : 0;
    data[0] = 0x0a;
    for (size_t i = 0; i < length_bytes; i++, length >>= 7)
        data[1 + i] = (char)((length & 0x7f) | (i + 1 < length_bytes ? 0x80 : 0));
    bool ok = take_message(o, (proa_bytes){ data, size });
    free(data);
    return ok;
}

static bool make_message(reading *r)
{
    bench_options *o = r->options;
    if (!!r->data + !!r->file + !!r->size > 1)
        return complain("--data, --file and --size", "a message comes from one of them");
    if (r->file)
        return message_of_file(o, r->file);
    if (r->data) {
        proa_bytes bytes;
        return values_read_hex(r->data, o->arena, &bytes)
                   ? take_message(o, bytes)
                   : complain("--data", "a message is given in hex, two digits a byte");
    }
    uint64_t size = 0;
    reading of_size = { .name = "size", .value = r->size };
    return (!r->size || read_count(&of_size, 0, MESSAGE_BYTES_MAX, &size)) && message_of_size(o, (size_t)size);
}

/* ---- The table of options. Those behind NO_VALUE are switches. */

typedef enum option {
    SHAPE,
    DATA,
    FILE_,
    SIZE,
    MESSAGES,
    PIPELINE,
    CONNECTIONS,
    STREAMS,
    DURATION,
    CALLS,
    WARMUP,
    RATE,
    LATE,
    TIMEOUT,
    HEADER,
    RECEIVE_MAX,
    STREAM_WINDOW,
    CONNECTION_WINDOW,
    FRAME_MAX,
    JSON,
    CA,
    CERT,
    KEY,
    SERVER_NAME,
    NO_VALUE,
    TLS = NO_VALUE,
    PLAINTEXT,
    KEEP_GOING,
    LIVE,
    OPTIONS
} option;

static const char *const names[OPTIONS] = {
    [SHAPE] = "shape",
    [DATA] = "data",
    [FILE_] = "file",
    [SIZE] = "size",
    [MESSAGES] = "messages",
    [PIPELINE] = "pipeline",
    [CONNECTIONS] = "connections",
    [STREAMS] = "streams",
    [DURATION] = "duration",
    [CALLS] = "calls",
    [WARMUP] = "warmup",
    [RATE] = "rate",
    [LATE] = "late",
    [TIMEOUT] = "timeout",
    [HEADER] = "header",
    [RECEIVE_MAX] = "receive-max",
    [STREAM_WINDOW] = "stream-window",
    [CONNECTION_WINDOW] = "connection-window",
    [FRAME_MAX] = "frame-max",
    [JSON] = "json",
    [CA] = "ca",
    [CERT] = "cert",
    [KEY] = "key",
    [SERVER_NAME] = "server-name",
    [TLS] = "tls",
    [PLAINTEXT] = "plaintext",
    [KEEP_GOING] = "keep-going",
    [LIVE] = "live",
};

static bool read_number(reading *r, option which)
{
    bench_options *o = r->options;
    uint64_t n = 0;
    uint64_t min = which == MESSAGES || which == PIPELINE ? 0 : 1;
    uint64_t max = which == CONNECTIONS ? BENCH_CONNECTIONS_MAX
                   : which == STREAMS   ? BENCH_STREAMS_MAX
                   : which == PIPELINE  ? BENCH_PIPELINE_MAX
                   : which == FRAME_MAX ? (1u << 24) - 1
                                        : UINT64_C(1) << 30;
    if (which == CALLS || which == MESSAGES)
        max = UINT64_MAX / 2;
    if (!read_count(r, min, max, &n))
        return false;
    switch (which) {
    case MESSAGES: o->messages = n; break;
    case PIPELINE:
        o->pipeline = (unsigned)n;
        r->has_pipeline = true;
        break;
    case CONNECTIONS: o->connections = (unsigned)n; break;
    case STREAMS: o->streams = (unsigned)n; break;
    case CALLS: o->calls_max = n; break;
    case RECEIVE_MAX: o->receive_bytes_max = (size_t)n; break;
    case STREAM_WINDOW: o->limits.stream_window_bytes = (uint32_t)n; break;
    case CONNECTION_WINDOW: o->limits.connection_window_bytes = (uint32_t)n; break;
    default: o->limits.frame_bytes_max = (uint32_t)n; break;
    }
    return true;
}

static bool read_text(reading *r, option which)
{
    bench_options *o = r->options;
    const char **to = which == DATA    ? &r->data
                      : which == FILE_ ? &r->file
                      : which == SIZE  ? &r->size
                      : which == JSON  ? &o->json_file
                      : which == CA    ? &o->ca
                      : which == CERT  ? &o->cert
                      : which == KEY   ? &o->key
                                       : &o->server_name;
    *to = r->value;
    return true;
}

static bool read_switch(bench_options *o, option which)
{
    switch (which) {
    case TLS: return o->is_tls = true;
    case PLAINTEXT: return o->is_plaintext = true;
    case KEEP_GOING: return o->keeps_going = true;
    default: return o->is_live = true;
    }
}

static bool read_value(reading *r, option which)
{
    bench_options *o = r->options;
    switch (which) {
    case SHAPE: return read_shape(r);
    case HEADER: return read_header(r);
    case RATE: return read_rate(r);
    case DURATION: return read_seconds(r, 1e-3, &o->duration_ns);
    case WARMUP: return read_seconds(r, 0, &o->warmup_ns);
    case LATE: return read_seconds(r, 0, &o->late_ns);
    case TIMEOUT: return read_seconds(r, 1e-3, &o->timeout_ns);
    case DATA:
    case FILE_:
    case SIZE:
    case JSON:
    case CA:
    case CERT:
    case KEY:
    case SERVER_NAME: return read_text(r, which);
    default: return read_number(r, which);
    }
}

/* "--name=value" or "--name" "value". *taken: how many arguments it was. */
static bool read_option(reading *r, int left, char **argv, int *taken)
{
    const char *text = argv[0] + 2, *equals = strchr(text, '=');
    size_t size = equals ? (size_t)(equals - text) : strlen(text);
    for (int which = 0; which < OPTIONS; which++) {
        if (strlen(names[which]) != size || memcmp(names[which], text, size) != 0)
            continue;
        *taken = 1;
        if (which >= NO_VALUE)
            return equals ? complain(argv[0], "it takes no value") : read_switch(r->options, (option)which);
        if (!equals && left < 2)
            return complain(argv[0], "it needs a value");
        r->name = names[which];
        r->value = equals ? equals + 1 : argv[1];
        *taken = equals ? 1 : 2;
        return read_value(r, (option)which);
    }
    return complain(argv[0], "unknown option; proa bench --help");
}

/* ---- All of them */

static bool check(reading *r)
{
    bench_options *o = r->options;
    if (!o->path)
        return complain(o->target ? o->target : "arguments", "a target and a path are needed; proa bench --help");
    if (o->path[0] != '/' || !strchr(o->path + 1, '/'))
        return complain(o->path, "a path is /package.Service/Method");
    if (!!o->cert != !!o->key)
        return complain(o->cert ? "--cert" : "--key", "a certificate and its key come together");
    if (!o->is_tls && (o->ca || o->cert || o->server_name))
        return complain("--ca, --cert, --key and --server-name", "they need --tls");
    if (o->is_tls && o->is_plaintext)
        return complain("--tls and --plaintext", "one of them");
    bool streams_requests = o->shape == BENCH_CLIENT || o->shape == BENCH_BIDI;
    if (!streams_requests && o->messages != 100)
        return complain("--messages", "only the shapes client and bidi send more than one");
    if (r->has_pipeline && o->shape != BENCH_BIDI)
        return complain("--pipeline", "only the shape bidi has one");
    if (o->calls_max && streams_requests && !o->messages)
        return complain("--calls", "calls that --messages=0 never ends cannot be counted");
    if ((uint64_t)o->connections * o->streams > BENCH_LANES_MAX)
        return complain("--connections and --streams", "a million calls at once is the most");
    if (!o->duration_ns)
        o->duration_ns = (o->calls_max ? 1000000 : 10) * PROA_SECOND;
    return make_message(r);
}

bool bench_options_read(bench_options *o, int argc, char **argv)
{
    *o = (bench_options){ .connections = 1,
                          .streams = 1,
                          .warmup_ns = PROA_SECOND,
                          .late_ns = PROA_SECOND,
                          .messages = 100,
                          .pipeline = 1,
                          .arena = proa_arena_new(0) };
    reading r = { .options = o };
    if (!o->arena)
        return complain("arguments", "no memory");
    for (int i = 1, taken; i < argc; i += taken) {
        taken = 1;
        if (!strncmp(argv[i], "--", 2)) {
            if (!read_option(&r, argc - i, argv + i, &taken))
                return false;
        } else if (!o->target) {
            o->target = argv[i];
        } else if (!o->path) {
            o->path = argv[i];
        } else {
            return complain(argv[i], "one argument too many");
        }
    }
    o->is_json_output = o->json_file && !strcmp(o->json_file, "-");
    return check(&r);
}

void bench_options_fini(bench_options *o)
{
    proa_slice_free(&o->message);
    proa_arena_free(o->arena);
}
