/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of -bin metadata (RFC 4648 4): written without padding, read with and without (PROTOCOL-HTTP2.md). */
#ifndef RPC_BASE64_H
#define RPC_BASE64_H
#include "proa/base.h"

static inline size_t base64_encoded_size(size_t size) { return size / 3 * 4 + (size % 3 ? size % 3 + 1 : 0); }
static inline size_t base64_decoded_size_max(size_t size) { return size / 4 * 3 + size % 4; }

void base64_encode(proa_bytes raw, char *out);    /* writes base64_encoded_size(raw.size) bytes */
bool base64_is_valid(proa_bytes text);
/* Writes at most base64_decoded_size_max(text.size) bytes. false: it is none, out holds garbage, *size is untouched. */
bool base64_decode(proa_bytes text, char *out, size_t *size);
#endif
