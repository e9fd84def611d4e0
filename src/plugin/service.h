/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what a service becomes: its struct and its stubs in x.proa.h, its tables and trampolines in x.proa.c. */
#ifndef PLUGIN_SERVICE_H
#define PLUGIN_SERVICE_H
#include "plugin/model.h"
#include "plugin/writer.h"

void service_write_header(plugin *p, const model_service *service, writer *w);
void service_write_source(plugin *p, const model_service *service, writer *w);
#endif
