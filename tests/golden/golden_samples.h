/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that a person would write in C, each with the text that protoc must read out of its bytes. */
#ifndef GOLDEN_SAMPLES_H
#define GOLDEN_SAMPLES_H
#include "proa/message.h"

typedef struct golden_sample {
    const char *name;                         /* samples/<name>.txtpb */
    const proa_type *type;
    const void *message;
    bool (*check)(const void *decoded);       /* what protoc wrote from the text lies in these members; NULL: bytes decide */
} golden_sample;

extern const golden_sample golden_samples[];
extern const size_t golden_sample_count;
#endif
