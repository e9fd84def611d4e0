/* SPDX-License-Identifier: Apache-2.0 */
/* Comments of the .proto: found by the path of their element, written as C comments. */
#ifndef PLUGIN_COMMENTS_H
#define PLUGIN_COMMENTS_H
#include "google/protobuf/descriptor.proa.h"
#include "plugin/writer.h"

typedef google_protobuf_SourceCodeInfo_Location location_proto;
typedef struct comments { const location_proto **sorted; size_t count; } comments;

proa_err comments_init(comments *c, const google_protobuf_SourceCodeInfo *info, proa_arena *arena);
const location_proto *comments_find(const comments *c, const int32_t *path, size_t path_size);   /* NULL: none */

/* What could stand behind an element: the comment without its marks, or absent: several lines, or nothing. In the arena. */
proa_bytes comments_line(const location_proto *where, proa_arena *arena);
bool comments_fit(const writer *w, size_t size, proa_bytes line);   /* behind size columns of text */
/* Detached comments, each followed by an empty line, then the element's own, as lines of their own. */
void comments_write_detached(writer *w, const location_proto *where);
void comments_write(writer *w, const location_proto *where);
/* One member or value with its comments: behind it from column on if they fit, above it if not. note: what we have to say
 * ourselves. comments_column: where the comments of several such lines begin, line by line. */
void comments_write_element(writer *w, const char *text, const location_proto *where, const char *note, size_t column,
                            proa_arena *arena);
size_t comments_column(size_t column, const char *text, const location_proto *where, proa_arena *arena);
bool comments_has(const location_proto *where);
#endif
