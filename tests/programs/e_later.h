/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROGRAMS_E_LATER_H
#define PROGRAMS_E_LATER_H
#include "helloworld.proa.h"

bool pool_add(void (*run)(void *user), void *user);   /* the program's own threads; false: too many jobs */
extern const helloworld_Greeter e_greeter;
#endif
