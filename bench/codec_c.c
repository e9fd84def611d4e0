/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c as its programs use it: unpack and free with malloc, get_packed_size and pack. It does not check UTF-8. */
#include <stdlib.h>
#include "codec_bench.h"
#include "codec_mix.pb-c.h"

#define DESCRIPTOR(Type, lower) &mix__##lower##__descriptor,
static const ProtobufCMessageDescriptor *const types[] = { CODEC_TYPES(DESCRIPTOR) };

static ProtobufCMessage **messages;
static uint8_t *output;

static ProtobufCMessage *unpack(const codec_value *value)
{
    return protobuf_c_message_unpack(types[value->type], NULL, value->size, (const uint8_t *)value->wire);
}

static void prepare(const codec_value *values, size_t count)
{
    messages = calloc(count, sizeof *messages);
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(messages[i] = unpack(&values[i])))
            exit(1);
        most = values[i].size > most ? values[i].size : most;
    }
    output = malloc(most + 1);
}

static size_t decode(const codec_value *values, size_t count)
{
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        ProtobufCMessage *m = unpack(&values[i]);
        seen += m != NULL;
        protobuf_c_message_free_unpacked(m, NULL);
    }
    return seen;
}

/* The buffer is large enough; but a program asks for the size first, to have one. */
static size_t encode(size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = protobuf_c_message_get_packed_size(messages[i]);
        size += n ? protobuf_c_message_pack(messages[i], output) : 0;
    }
    return size;
}

static void finish(size_t count)
{
    for (size_t i = 0; i < count; i++)
        protobuf_c_message_free_unpacked(messages[i], NULL);
    free(messages);
    free(output);
}

const codec_peer codec_protobuf_c = { "protobuf_c", prepare, decode, encode, finish };
