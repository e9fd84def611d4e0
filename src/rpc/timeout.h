/* SPDX-License-Identifier: Apache-2.0 */
/* The value of grpc-timeout: 1 to 8 digits and a unit (PROTOCOL-HTTP2.md, Timeout). */
#ifndef RPC_TIMEOUT_H
#define RPC_TIMEOUT_H
#include "proa/base.h"

#define TIMEOUT_TEXT_MAX 9

/* Three significant digits, rounded up, in the coarsest unit that holds them: "10S" for ten seconds, "9990m" for a little
 * less. Who asks for the same timeout again then sends the same bytes again, which HPACK and the peer's memo recognise;
 * the peer's deadline is at most 1 % late, and ours, which decides, is exact. What is over already is "1n". */
size_t timeout_format(int64_t ns, char out[TIMEOUT_TEXT_MAX]);
/* INT64_MAX when it is that or more. false: malformed, *ns is untouched. */
bool timeout_parse(proa_bytes text, int64_t *ns);
#endif
