/* SPDX-License-Identifier: Apache-2.0 */
/* A server's connection against a client that may send anything. */
#include "h2/h2.h"
#include "h2_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return play(H2_SERVER, data, size);
}
