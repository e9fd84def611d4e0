/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection against a server that may send anything. */
#include "h2/h2.h"
#include "h2_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return play(H2_CLIENT, data, size);
}
