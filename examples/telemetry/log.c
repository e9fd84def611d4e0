/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 65536

struct log *log_open(const char *path)
{
    struct log *log = calloc(1, sizeof *log);
    if (log && !(log->file = fopen(path, "r"))) {
        free(log);
        return NULL;
    }
    return log;
}

void log_close(struct log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < log->pattern_count; i++) {
        if (!log->patterns[i].text)
            regfree(&log->patterns[i].regex);
        free(log->patterns[i].text);
    }
    fclose(log->file);
    free(log->line);
    free(log);
}

const char *log_add_pattern(struct log *log, const telemetry_Pattern *pattern)
{
    if (log->pattern_count == LOG_PATTERNS_MAX)
        return "too many patterns";
    struct log_pattern *to = &log->patterns[log->pattern_count];
    bool is_regex = pattern->kind.which == telemetry_Pattern_kind_regex;
    if (pattern->kind.which == telemetry_Pattern_kind_not_set)
        return "the pattern is empty";
    proa_bytes from = is_regex ? pattern->kind.regex : pattern->kind.text;
    char *text = strndup(from.data ? from.data : "", from.size);
    if (!text)
        return "no memory";
    if (is_regex) {
        int wrong = regcomp(&to->regex, text, REG_EXTENDED | REG_NOSUB);
        free(text);
        if (wrong)
            return "the pattern is not a regular expression";
        text = NULL;
    }
    to->text = text;
    log->pattern_count++;
    return NULL;
}

/* Appends to log->line until a whole line is there. False: the rest has not been written yet. */
static bool read_line(struct log *log)
{
    for (;;) {
        if (log->line_room - log->line_size < 2) {
            size_t room = log->line_room ? 2 * log->line_room : 256;
            char *line = realloc(log->line, room);
            if (!line)
                return false;
            log->line = line;
            log->line_room = room;
        }
        if (!fgets(log->line + log->line_size, (int)(log->line_room - log->line_size), log->file)) {
            clearerr(log->file); /* an end that moves: ask again later */
            return false;
        }
        log->line_size += strlen(log->line + log->line_size);
        bool is_whole = log->line_size && log->line[log->line_size - 1] == '\n';
        if (is_whole)
            log->line[--log->line_size] = '\0';
        if (is_whole || log->line_size >= LINE_MAX_BYTES) { /* what is longer goes on as a line of its own */
            log->number++;
            return true;
        }
    }
}

/* Bytes of the UTF-8 character at text[0]; 0: it is none. */
static size_t utf8_size(const unsigned char *text, size_t size)
{
    static const unsigned char first_of_size[] = { 0, 0x00, 0xc2, 0xe0, 0xf0 };
    size_t n = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (n > size || text[0] < first_of_size[n] || text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool is_short = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90); /* overlong */
    bool is_surrogate = text[0] == 0xed && text[1] >= 0xa0;
    bool is_large = text[0] == 0xf4 && text[1] >= 0x90; /* beyond U+10FFFF */
    return is_short || is_surrogate || is_large ? 0 : n;
}

/* A string of a contract is UTF-8, a log is whatever was written: what is not UTF-8 becomes '?'. */
static void make_utf8(unsigned char *text, size_t size)
{
    for (size_t i = 0, n; i < size; i += n ? n : 1)
        if (!(n = utf8_size(text + i, size - i)))
            text[i] = '?';
}

static bool is_match(const struct log *log)
{
    for (size_t i = 0; i < log->pattern_count; i++) {
        const struct log_pattern *pattern = &log->patterns[i];
        if (pattern->text ? strstr(log->line, pattern->text) != NULL
                          : regexec(&pattern->regex, log->line, 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

static bool is_warning(const char *text)
{
    return strstr(text, "warn") || strstr(text, "Warn") || strstr(text, "WARN");
}

bool log_next(struct log *log, telemetry_Line *line)
{
    while (log->pattern_count && read_line(log)) {
        size_t size = log->line_size;
        log->line_size = 0; /* the next read starts over; until then the text stays */
        if (!is_match(log))
            continue;
        make_utf8((unsigned char *)log->line, size);
        *line = (telemetry_Line){
            .number = log->number,
            .text = { log->line, size },
            .level = is_warning(log->line) ? telemetry_LEVEL_WARNING : telemetry_LEVEL_UNSPECIFIED,
        };
        return true;
    }
    return false;
}
