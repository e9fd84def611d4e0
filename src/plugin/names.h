/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are taken: by C11, C23, C++, their headers, compilers, and by what we put into every file ourselves.
 * A taken one gets `_` behind it, for ever: what is reserved is part of the contract with generated code. */
#ifndef PLUGIN_NAMES_H
#define PLUGIN_NAMES_H
#include "base/base.h"

#define NAMES_SIZE_MAX 1024                    /* bytes of one C name: nesting multiplies what a hostile descriptor says */

bool names_is_identifier(proa_bytes name);     /* as protoc lets through */
bool names_is_free_member(const char *name);   /* no keyword, no macro, no type that structs of ours are made of */
bool names_is_free_global(const char *name);   /* nor anything that headers declare at file scope */
bool names_is_suffix(const char *name);        /* what we put behind the name of a message: "type", "encode" */
bool names_is_service_suffix(const char *name);
#endif
