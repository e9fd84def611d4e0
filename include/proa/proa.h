/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * All of proa: messages, calls, channels, servers. Generated headers include what they need by themselves.
 */
#ifndef PROA_PROA_H
#define PROA_PROA_H
#include "proa/server.h"
#endif
