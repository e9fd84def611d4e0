/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the encoder of one message: backwards, from its last field to its first. */
#ifndef PLUGIN_ENCODE_CODE_H
#define PLUGIN_ENCODE_CODE_H
#include "plugin/model.h"
#include "plugin/writer.h"

void encode_code_write(plugin *p, const model_message *m, writer *w);
#endif
