/* SPDX-License-Identifier: Apache-2.0 */
/* What the kind of a field means in generated code: words, constants, tags. */
#ifndef PLUGIN_KINDS_H
#define PLUGIN_KINDS_H
#include "plugin/model.h"

const char *kinds_word(const model_field *field);       /* static: of proa_get_x and proa_put_x; "bytes" for strings of proto2 */
const char *kinds_constant(const model_field *field);   /* static: "PROA_KIND_INT32" */
const char *kinds_read_constant(const model_field *field);   /* the same, PROA_KIND_BYTES for strings of proto2 */
uint32_t kinds_tag(const model_field *field);           /* as it is written */
uint32_t kinds_single_tag(const model_field *field);    /* of one element */
uint32_t kinds_packed_tag(const model_field *field);
bool kinds_is_packable(const model_field *field);
const char *kinds_declaration(plugin *p, const model_field *field);   /* "repeated int32 numbers = 6" */
#endif
