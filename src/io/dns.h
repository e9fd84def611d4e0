/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver of a loop, made at its first lookup of a name. */
#ifndef IO_DNS_H
#define IO_DNS_H
#include "io/io.h"

struct dns;
/* For tests: asks these instead of the system's, "127.0.0.1:5353,…". To be called before the first lookup. */
proa_err dns_set_servers(io_loop *loop, const char *servers);
void dns_free(struct dns *dns);                   /* NULL is fine; lookups that were cancelled go with it */
#endif
