/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of what comes in pieces, by OpenSSL. */
#ifndef TELEMETRY_DIGEST_H
#define TELEMETRY_DIGEST_H
#include <openssl/evp.h>
#include "proa/proa.h"

/* Zeroed: new. Give it to digest_close in the end. */
struct digest { EVP_MD_CTX *context; bool failed; };

void digest_add(struct digest *digest, proa_bytes bytes);
/* The 32 bytes, which live in the arena; absent: it failed on the way. */
proa_bytes digest_sum(struct digest *digest, proa_arena *arena);
void digest_close(struct digest *digest);
#endif
