/* SPDX-License-Identifier: Apache-2.0 */
/* What connect_server and connect_client share: the frames that the suite speaks on standard input and output, and its
 * headers and errors, which are those of gRPC in other clothes. */
#ifndef CONNECT_SUITE_H
#define CONNECT_SUITE_H
#include <stdio.h>
#include "connectrpc/conformance/v1/client_compat.proa.h"
#include "connectrpc/conformance/v1/server_compat.proa.h"

/* The next message, in the arena; false: there is none, and standard error says why unless it is just the end. */
bool suite_read(FILE *in, proa_arena *arena, proa_bytes *message);
bool suite_write(FILE *out, proa_bytes message);

/* Metadata as the suite has it: a name once with all of its values, what is binary in base64; and back. */
suite_Header_list suite_headers_of(proa_headers metadata, proa_arena *arena);
proa_headers suite_metadata_of(suite_Header_list headers, proa_arena *arena);

/* google.rpc.Status and the suite's Error have the same fields on the wire: code 1, message 2, details 3. */
suite_Error *suite_error_of(proa_status status, proa_arena *arena);
proa_status suite_status_of(const suite_Error *error, proa_arena *arena);

/* An Any of a message of the suite; `name` without its package. Its value is absent without memory. */
suite_Any suite_any_of(const char *name, const proa_type *type, const void *message, proa_arena *arena);
#endif
