/* SPDX-License-Identifier: Apache-2.0 */
/* In which order addresses are tried (gRFC A61; RFC 8305 4). Pure. */
#ifndef CLIENT_EYEBALLS_H
#define CLIENT_EYEBALLS_H
#include "io/io.h"

/* Families by turns, the first one's first, each in its order; what stands twice once. random: shuffled before (A62); NULL: not. */
void eyeballs_order(io_addresses *addresses, uint64_t *random);
#endif
