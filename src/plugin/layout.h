/* SPDX-License-Identifier: Apache-2.0 */
/* How a message lies in C: types of members, the order of definitions, which headers they need. */
#ifndef PLUGIN_LAYOUT_H
#define PLUGIN_LAYOUT_H
#include "plugin/model.h"

const char *layout_value(const model_field *field);                   /* type of one value: "int32_t", "telemetry_Level" */
const char *layout_stored(plugin *p, const model_field *field);       /* what sizeof is asked of: with * for a submessage */
const char *layout_member(plugin *p, const model_field *field);       /* "proa_opt_i32 age", "acme_User_list friends" */

/* All messages of the file, nested ones before the one that holds them, without map entries. is_forward and is_late are
 * set for the file. */
typedef struct layout_order { model_message **messages; size_t count; } layout_order;
proa_err layout_file(plugin *p, const model_file *file, layout_order *out);

/* The files whose types this one uses, and its public imports: by path. */
typedef struct layout_imports { const model_file **files; size_t count; } layout_imports;
proa_err layout_find_imports(plugin *p, const model_file *file, layout_imports *out);

/* "acme__v1__user", and ACME__V1__USER: of the file's own symbols. Two paths never share one. */
const char *layout_file_symbol(plugin *p, const model_file *file, bool is_upper);
#endif
