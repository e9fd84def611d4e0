/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROGRAMS_H_MORE_H
#define PROGRAMS_H_MORE_H
#include "helloworld.proa.h"

extern const helloworld_Greeter h_greeter;
proa_code h_client(proa_channel *channel, proa_bytes name);
#endif
