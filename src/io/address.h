/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as the rooms of io see them. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H
#include "io/io.h"
#include <sys/socket.h>

void address_from_sockaddr(io_address *out, const void *sockaddr, size_t size);
void address_set_port(io_address *address, int port);             /* of an IP address */
static inline const struct sockaddr *address_sockaddr(const io_address *address)
{ return (const struct sockaddr *)(const void *)address->u.bytes; }

/* "<address>: <what the system says>". system_error is an errno. */
proa_err address_error(proa_error *error, proa_err code, const io_address *address, int system_error);
#endif
