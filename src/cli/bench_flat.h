/* SPDX-License-Identifier: Apache-2.0 */
/* A flat JSON object, read whole: names with numbers, texts, true, false or null; nothing nested. */
#ifndef CLI_BENCH_FLAT_H
#define CLI_BENCH_FLAT_H
#include <stdbool.h>
#include <stddef.h>

enum { BENCH_FLAT_MEMBERS_MAX = 256, BENCH_FLAT_TEXT_MAX = 256 };

typedef struct bench_member {
    char name[64];
    char text[BENCH_FLAT_TEXT_MAX]; /* of a text: escapes stay as they are; of anything else: as it stands there */
    bool is_text, is_number;
    double number;
} bench_member;

typedef struct bench_flat {
    size_t count;
    bench_member members[BENCH_FLAT_MEMBERS_MAX];
} bench_flat;

/* False: *why says what is wrong (static). The text ends with a NUL. */
bool bench_flat_read(const char *text, bench_flat *out, const char **why);
const bench_member *bench_flat_find(const bench_flat *flat, const char *name); /* NULL: it is not there */
#endif
