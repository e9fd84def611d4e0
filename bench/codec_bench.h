/* SPDX-License-Identifier: Apache-2.0 */
/* codec: the same values for three implementations. Each decodes all of them once and encodes all of them once when asked;
 * strings are copied by all three, so that a decoded message stands without its wire. */
#ifndef CODEC_BENCH_H
#define CODEC_BENCH_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct codec_value { int type; const char *wire; size_t size; } codec_value; /* type: of CODEC_TYPES */
typedef struct codec_peer {
    const char *name;
    void (*prepare)(const codec_value *values, size_t count); /* keeps them decoded, for encode */
    size_t (*decode)(const codec_value *values, size_t count); /* something of each, so that nothing is left out */
    size_t (*encode)(size_t count);                            /* bytes in all */
    void (*finish)(size_t count);
} codec_peer;

extern const codec_peer codec_proa, codec_protobuf_c, codec_protobuf_cpp;
/* As libprotobuf's reflection fills them: each field with p = 0.5, types in a shuffled order. */
codec_value *codec_make(uint64_t seed, size_t count);

#define CODEC_TYPES(X) \
    X(Point, point) X(Time, time) X(Scalars, scalars) X(Person, person) X(Team, team) X(Packed, packed) X(Texts, texts) \
    X(Labels, labels) X(Blob, blob) X(Choice, choice) X(Node, node) X(Metric, metric) X(Log, log) X(Wide, wide)

#ifdef __cplusplus
}
#endif
#endif
