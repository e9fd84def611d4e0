/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding of grpc-message (PROTOCOL-HTTP2.md, Status-Message). */
#ifndef RPC_PERCENT_H
#define RPC_PERCENT_H
#include "proa/base.h"

bool percent_is_plain(proa_bytes text);           /* its encoding is the text itself */
/* Writes the encoding of as much of text as fits into size bytes, cut between two characters of UTF-8. How many bytes. */
size_t percent_encode(proa_bytes text, char *out, size_t size);
/* Never fails: what is no escape stays as it is. Writes at most text.size bytes; returns how many. */
size_t percent_decode(proa_bytes text, char *out);
#endif
