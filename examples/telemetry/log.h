/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a log that match one of some patterns, while the log still grows. */
#ifndef TELEMETRY_LOG_H
#define TELEMETRY_LOG_H
#include <regex.h>
#include <stdio.h>
#include "telemetry.proa.h"

#define LOG_PATTERNS_MAX 8

struct log_pattern {
    char *text;    /* to be found literally, or NULL: regex */
    regex_t regex; /* POSIX extended */
};

/* Zeroed: closed. Too large for the state of a call; a call keeps a pointer. */
struct log {
    FILE *file;
    char *line;
    size_t line_room, line_size; /* of a line whose end has not been written yet: kept for the next time */
    uint64_t number;
    size_t pattern_count;
    struct log_pattern patterns[LOG_PATTERNS_MAX];
};

struct log *log_open(const char *path);              /* owned: log_close; NULL: errno says why */
void log_close(struct log *log);                     /* NULL is fine */
/* NULL, or what is wrong with the pattern: static. */
const char *log_add_pattern(struct log *log, const telemetry_Pattern *pattern);
/* The next line that matches; false: none in what was written up to now. The line is borrowed until the next. */
bool log_next(struct log *log, telemetry_Line *line);
#endif
