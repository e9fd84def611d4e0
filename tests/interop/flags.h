/* SPDX-License-Identifier: Apache-2.0 */
/* Flags as the official programs take them: --name=value, --name value, and one dash as well. */
#ifndef INTEROP_FLAGS_H
#define INTEROP_FLAGS_H
#include <stdbool.h>

typedef struct flag { const char *name; const char *value; /* the default, then what was given */ } flag;

/* Fills in values; false, and one line on standard error: an unknown flag, or one without a value. Flags end at NULL. */
bool flags_parse(flag *flags, int argc, char **argv);
const char *flags_get(const flag *flags, const char *name);
bool flags_get_bool(const flag *flags, const char *name, bool *out);                /* false, and a line: neither true nor false */
bool flags_get_number(const flag *flags, const char *name, long most, long *out);   /* false, and a line: no number up to most */
#endif
