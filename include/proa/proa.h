/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_PROA_H
#define PROA_PROA_H
#include "proa/server.h"
#endif
