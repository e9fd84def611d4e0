/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs need and what has nothing to do with RPC. */
#ifndef PROGRAMS_COMMON_H
#define PROGRAMS_COMMON_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host.h"
#include "log.h"

/* SHA-256 as a plain value: zeroed, it is new, and nothing frees it. */
struct sha256 { uint64_t size; uint32_t state[8]; unsigned char block[64]; };
void sha256_add(struct sha256 *sha, proa_bytes bytes);
proa_bytes sha256_sum(struct sha256 *sha, proa_arena *arena); /* 32 bytes */
void print_hex(proa_bytes bytes);
#endif
