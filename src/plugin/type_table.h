/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the tables beside messages and enums: what everything runs on that is not hot. */
#ifndef PLUGIN_TYPE_TABLE_H
#define PLUGIN_TYPE_TABLE_H
#include "plugin/model.h"
#include "plugin/writer.h"

void type_table_write(plugin *p, const model_message *m, writer *w);
void type_table_write_entry(plugin *p, const model_field *map, writer *w);
void type_table_write_enum(plugin *p, const model_enum *e, writer *w);
#endif
