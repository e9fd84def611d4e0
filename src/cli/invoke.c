/* SPDX-License-Identifier: Apache-2.0 */
/* proa call: any method of any server, messages as raw bytes. There is no schema here: protoc gives the bytes a meaning. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/values.h"
#include "proa/proa.h"

static const char help[] =
    "proa call [OPTIONS] TARGET /package.Service/Method\n"
    "\n"
    "Sends what standard input holds as one message and writes the reply to standard output, both raw bytes.\n"
    "\n"
    "  --timeout=SECONDS      the call's deadline; default: none\n"
    "  --header=NAME:VALUE    metadata to send; may be given again. The value of a name that ends in -bin is hex\n"
    "  --framed               streams: on both sides each message comes behind its length, four bytes, big-endian\n"
    "  --tls                  speak TLS: the server's certificate and its name are checked\n"
    "  --ca=FILE              with --tls: PEM of who may vouch for the server; default: the system's\n"
    "  --cert=FILE --key=FILE with --tls: PEM of a client certificate, its chain, and its key\n"
    "  --server-name=NAME     with --tls: the name to check in the certificate; default: the target's host\n"
    "  --plaintext            allow plaintext to more than loopback and Unix sockets\n"
    "  --verbose              show headers and trailers\n"
    "\n"
    "With SSLKEYLOGFILE=FILE the secrets of TLS are appended there, for Wireshark.\n"
    "protoc gives the bytes a meaning:\n"
    "\n"
    "  echo 'name: \"Ada\"' | protoc --encode=helloworld.HelloRequest helloworld.proto |\n"
    "      proa call localhost:50051 /helloworld.Greeter/SayHello |\n"
    "      protoc --decode=helloworld.HelloReply helloworld.proto\n";

#define MESSAGE_BYTES_MAX (64u * 1024 * 1024)

typedef struct invocation {
    const char *target, *path;
    int64_t timeout_ns;
    values_headers headers;
    proa_tls_options tls;
    bool is_framed, is_plaintext, is_tls, is_verbose;
    proa_arena *arena;
} invocation;

/* ---- Arguments */

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "proa call: %s: %s\n", what, why);
    return false;
}

static bool read_header(invocation *in, const char *text)
{
    const char *wrong = values_add_header(&in->headers, text, in->arena);
    return !wrong || complain(text, wrong);
}

static bool read_timeout(invocation *in, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (!*text || *end || !(seconds > 0 && seconds < 1e9))
        return complain(text, "a timeout is a number of seconds above 0");
    in->timeout_ns = (int64_t)(seconds * 1e9);
    return true;
}

/* The option's value, when it is this one. */
static bool is_value(const char *option, const char *name, const char **value)
{
    size_t size = strlen(name);
    if (strncmp(option, name, size))
        return false;
    *value = option + size;
    return true;
}

static bool read_option(invocation *in, const char *option)
{
    if (is_value(option, "--ca=", &in->tls.ca_file) || is_value(option, "--cert=", &in->tls.cert_file) ||
        is_value(option, "--key=", &in->tls.key_file) || is_value(option, "--server-name=", &in->tls.server_name))
        return true;
    if (!strcmp(option, "--tls"))
        return in->is_tls = true;
    if (!strncmp(option, "--timeout=", 10))
        return read_timeout(in, option + 10);
    if (!strncmp(option, "--header=", 9))
        return read_header(in, option + 9);
    if (!strcmp(option, "--framed"))
        return in->is_framed = true;
    if (!strcmp(option, "--plaintext"))
        return in->is_plaintext = true;
    if (!strcmp(option, "--verbose"))
        return in->is_verbose = true;
    return complain(option, "unknown option");
}

static bool read_arguments(invocation *in, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            if (!read_option(in, argv[i]))
                return false;
        } else if (!in->target) {
            in->target = argv[i];
        } else if (!in->path) {
            in->path = argv[i];
        } else {
            return complain(argv[i], "one argument too many");
        }
    }
    if (!in->is_tls && (in->tls.ca_file || in->tls.cert_file || in->tls.key_file || in->tls.server_name))
        return complain("--ca, --cert, --key and --server-name", "they go with --tls");
    if (in->is_tls && in->is_plaintext)
        return complain("--tls and --plaintext", "one of them");
    if (!in->path)
        return complain(in->target ? in->target : "arguments", "a target and a path are needed; proa call --help");
    if (in->path[0] != '/' || !strchr(in->path + 1, '/'))
        return complain(in->path, "a path is /package.Service/Method");
    return true;
}

/* ---- Messages */

static bool read_all(proa_slice *out)
{
    size_t size = 0, capacity = 65536;
    char *data = malloc(capacity);
    while (data) {
        size += fread(data + size, 1, capacity - size, stdin);
        if (size < capacity)
            break;
        if (capacity >= MESSAGE_BYTES_MAX) {
            free(data);
            return complain("standard input", "a message is 64 MiB at most");
        }
        char *more = realloc(data, capacity *= 2);
        if (!more)
            free(data);
        data = more;
    }
    bool ok = data && proa_slice_copy((proa_bytes){ data, size }, out) == PROA_ERR_NONE;
    free(data);
    return ok || complain("standard input", "no memory for the message");
}

/* One framed message. false at the end, or when it is cut, which is complained about. */
static bool read_framed(proa_slice *out, bool *has_failed)
{
    unsigned char head[4];
    size_t n = fread(head, 1, sizeof head, stdin);
    if (n == 0)
        return false;
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    char *data = n == sizeof head && size <= MESSAGE_BYTES_MAX ? malloc(size + 1) : NULL;
    bool ok = data && fread(data, 1, size, stdin) == size &&
              proa_slice_copy((proa_bytes){ data, size }, out) == PROA_ERR_NONE;
    free(data);
    if (!ok)
        *has_failed = !complain("standard input", "ends inside a message, or holds one over 64 MiB");
    return ok;
}

static bool send_requests(const invocation *in, proa_call *call)
{
    proa_slice message;
    bool has_failed = false;
    if (!in->is_framed) {
        if (!read_all(&message))
            return false;
        proa_call_send(call, &message);
    } else {
        while (read_framed(&message, &has_failed) && proa_call_send(call, &message))
            ;
    }
    proa_call_end_requests(call);
    return !has_failed;
}

static bool write_reply(const invocation *in, proa_slice *message)
{
    proa_bytes b = message->bytes;
    unsigned char head[4] = { (unsigned char)(b.size >> 24), (unsigned char)(b.size >> 16),
                              (unsigned char)(b.size >> 8), (unsigned char)b.size };
    bool ok = !in->is_framed || fwrite(head, 1, sizeof head, stdout) == sizeof head;
    ok = ok && (b.size == 0 || fwrite(b.data, 1, b.size, stdout) == b.size) && fflush(stdout) == 0;
    proa_slice_free(message);
    return ok || complain("standard output", strerror(errno));
}

/* ---- What people see */

static void show(const char *title, proa_headers headers)
{
    for (size_t i = 0; i < headers.count; i++) {
        proa_header h = headers.data[i];
        bool is_binary = h.name.size > 4 && memcmp(h.name.data + h.name.size - 4, "-bin", 4) == 0;
        fprintf(stderr, "%s %.*s: ", title, PROA_FMT(h.name));
        for (size_t k = 0; is_binary && k < h.value.size; k++)
            fprintf(stderr, "%02x", (unsigned char)h.value.data[k]);
        if (!is_binary)
            fprintf(stderr, "%.*s", PROA_FMT(h.value));
        fputc('\n', stderr);
    }
}

static int finish(const invocation *in, proa_call *call, bool ok)
{
    if (!ok)
        proa_call_cancel(call);
    proa_status status = proa_call_status(call);
    if (in->is_verbose) {
        show("header", proa_call_reply_headers(call));
        show("trailer", proa_call_trailers(call));
    }
    if (ok && (status.code != PROA_OK || in->is_verbose))
        fprintf(stderr, "%s%s%.*s\n", proa_code_name(status.code), status.message.size ? ": " : "",
                PROA_FMT(status.message));
    return ok && status.code == PROA_OK ? CLI_OK : CLI_FAILED;
}

/* NULL: plaintext. The environment is read here and nowhere in the library. */
static proa_tls *make_tls(const invocation *in)
{
    proa_tls_options options = in->tls;
    options.key_log_file = getenv("SSLKEYLOGFILE");
    return in->is_tls ? proa_tls_new(&options) : NULL;
}

static int invoke(const invocation *in)
{
    proa_tls *tls = make_tls(in);
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    proa_channel *channel = proa_channel_open(
        in->target,
        &(proa_channel_options){
            .tls = tls, .plaintext = in->is_plaintext, .receive_bytes_max = MESSAGE_BYTES_MAX, .trace = &trace });
    proa_tls_free(tls);
    proa_call *call = proa_call_begin(
        channel, in->path,
        &(proa_call_options){ .timeout_ns = in->timeout_ns, .headers = { in->headers.list, in->headers.count } });
    bool ok = send_requests(in, call);
    proa_slice message;
    while (ok && proa_call_receive(call, &message))
        ok = write_reply(in, &message);
    int code = finish(in, call, ok);
    proa_call_end(call);
    proa_channel_close(channel);
    return code;
}

int cli_call(int argc, char **argv)
{
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(help, stdout);
        return CLI_OK;
    }
    invocation in = { .arena = proa_arena_new(0) };
    int code = in.arena && read_arguments(&in, argc, argv) ? invoke(&in) : CLI_USAGE;
    proa_arena_free(in.arena);
    return code;
}
