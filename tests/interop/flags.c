/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static flag *find(flag *flags, const char *name, size_t size)
{
    for (flag *f = flags; f->name; f++)
        if (strlen(f->name) == size && strncmp(f->name, name, size) == 0)
            return f;
    return NULL;
}

static bool is_switch(const flag *f)
{
    return f->value && (!strcmp(f->value, "true") || !strcmp(f->value, "false"));
}

bool flags_parse(flag *flags, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        size_t size = strcspn(name, "=");
        flag *f = name == argv[i] ? NULL : find(flags, name, size);
        if (!f) {
            fprintf(stderr, "%s: unknown argument\n", argv[i]);
            return false;
        }
        bool is_next_value = i + 1 < argc && argv[i + 1][0] != '-';
        if (name[size] == '=')
            f->value = name + size + 1;
        else if (is_switch(f) && !(is_next_value && (!strcmp(argv[i + 1], "true") || !strcmp(argv[i + 1], "false"))))
            f->value = "true";
        else if (is_next_value)
            f->value = argv[++i];
        else {
            fprintf(stderr, "%s: needs a value\n", argv[i]);
            return false;
        }
    }
    return true;
}

const char *flags_get(const flag *flags, const char *name)
{
    for (; flags->name; flags++)
        if (!strcmp(flags->name, name))
            return flags->value;
    return NULL;
}

bool flags_get_bool(const flag *flags, const char *name, bool *out)
{
    const char *value = flags_get(flags, name);
    bool is_true = value && (!strcmp(value, "true") || !strcmp(value, "1"));
    if (!is_true && value && strcmp(value, "false") != 0 && strcmp(value, "0") != 0) {
        fprintf(stderr, "--%s=%s: true or false\n", name, value);
        return false;
    }
    *out = is_true;
    return true;
}

bool flags_get_number(const flag *flags, const char *name, long most, long *out)
{
    const char *value = flags_get(flags, name);
    char *end = NULL;
    errno = 0;
    long number = value ? strtol(value, &end, 10) : 0;
    if (!value || !*value || *end || errno || number < 0 || number > most) {
        fprintf(stderr, value ? "--%s=%s: not a number from 0 to %ld\n" : "--%s is needed%.0s%.0ld\n", name,
                value ? value : "", most);
        return false;
    }
    *out = number;
    return true;
}
