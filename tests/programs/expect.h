/* SPDX-License-Identifier: Apache-2.0 */
/* A check that stays on in release: the program ends, with the line that did not hold. */
#ifndef PROGRAMS_EXPECT_H
#define PROGRAMS_EXPECT_H
#include <stdio.h>
#include <stdlib.h>

#define EXPECT(condition) ((condition) ? (void)0 : expect_failed(#condition, __FILE__, __LINE__))

static inline void expect_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
    exit(1);
}
#endif
