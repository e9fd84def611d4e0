/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the decoder of one message: a switch over constant tags. */
#ifndef PLUGIN_DECODE_CODE_H
#define PLUGIN_DECODE_CODE_H
#include "plugin/model.h"
#include "plugin/writer.h"

void decode_code_write(plugin *p, const model_message *m, writer *w);
#endif
