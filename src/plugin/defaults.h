/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults of fields that are not zero: as C constants, getters, and what decoding starts with. */
#ifndef PLUGIN_DEFAULTS_H
#define PLUGIN_DEFAULTS_H
#include "plugin/model.h"
#include "plugin/writer.h"

const char *defaults_constant(plugin *p, const model_field *field);    /* "7u", "INFINITY", "telemetry_LEVEL_WARNING", PROA_STR() */
const char *defaults_getter(plugin *p, const model_field *field);      /* its name: "acme_User_age" */
bool defaults_need_math(const model_message *messages, size_t count);  /* INFINITY or NAN is among them */
void defaults_write_getters(plugin *p, const model_message *m, writer *w);
void defaults_write_table(plugin *p, const model_field *field, writer *w);   /* ".i = 2" */
#endif
