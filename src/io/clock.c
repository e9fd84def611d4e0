/* SPDX-License-Identifier: Apache-2.0 */
/* The one place of the library that reads a clock. */
#include "io/io.h"
#include <time.h>

int64_t io_clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * PROA_SECOND + now.tv_nsec;
}
