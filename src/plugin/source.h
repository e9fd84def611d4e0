/* SPDX-License-Identifier: Apache-2.0 */
/* Writes x.proa.c. */
#ifndef PLUGIN_SOURCE_H
#define PLUGIN_SOURCE_H
#include "plugin/model.h"
#include "plugin/writer.h"

proa_err source_write(plugin *p, const model_file *file, writer *w);
#endif
