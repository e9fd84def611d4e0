/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver of a loop, made at its first lookup of a name. */
#ifndef IO_DNS_H
#define IO_DNS_H
#include "io/io.h"

struct dns;
void dns_free(struct dns *dns);                   /* NULL is fine; lookups that were cancelled go with it */
#endif
