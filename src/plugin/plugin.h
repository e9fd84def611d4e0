/* SPDX-License-Identifier: Apache-2.0 */
/* plugin: protoc-gen-proa, from descriptors to C.
 *
 * Owns: C names and what is reserved, the layout of messages, the text of x.proa.h and x.proa.c.
 * Never does: I/O, except in main.c; parsing of .proto files, which is protoc's.
 * Used by: its main, tests, the fuzz target. The same request gives the same answer, byte for byte. */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H
#include "base/base.h"

/* request: a serialised google.protobuf.compiler.CodeGeneratorRequest; response: a CodeGeneratorResponse, in the arena.
 * What is wrong with a .proto is said in the response, in one line, and is no error here. MALFORMED: the request is no
 * request. NOMEM, LIMIT. */
PROA_CHECK proa_err plugin_run(proa_bytes request, proa_arena *arena, proa_bytes *response, proa_error *error);
#endif
