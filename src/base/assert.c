/* SPDX-License-Identifier: Apache-2.0 */
/* The one place of the library that prints and aborts. The hook is the one writable global of base: it exists for tests. */
#include "base/assert.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef void (*assert_hook)(const char *rule);
static _Atomic(assert_hook) hook;

void assert_set_hook(void (*to)(const char *rule))
{
    atomic_store(&hook, to);
}

_Noreturn void assert_failed(const char *rule, const char *file, int line)
{
    assert_hook call = atomic_load(&hook);
    if (call)
        call(rule);
    fprintf(stderr, "proa: broken rule: %s (%s:%d)\n", rule, file, line);
    fflush(stderr);
    abort();
}
