/* SPDX-License-Identifier: Apache-2.0 */
/* Two elements that would get the same C name: the first such pair is a failure that names both. */
#ifndef PLUGIN_COLLISIONS_H
#define PLUGIN_COLLISIONS_H
#include "plugin/model.h"

proa_err collisions_check(plugin *p);
#endif
