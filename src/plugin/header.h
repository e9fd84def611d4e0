/* SPDX-License-Identifier: Apache-2.0 */
/* Writes x.proa.h. */
#ifndef PLUGIN_HEADER_H
#define PLUGIN_HEADER_H
#include "plugin/layout.h"
#include "plugin/writer.h"

void header_write_banner(writer *w, const model_file *file);
proa_err header_write(plugin *p, const model_file *file, writer *w);
#endif
