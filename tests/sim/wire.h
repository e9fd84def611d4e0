/* SPDX-License-Identifier: Apache-2.0 */
/* Reads along both ways of a connection, by the RFC alone: frames, states of streams, and a ledger of what each side may
 * send. What one side wrote is checked against what had reached it by then. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H
#include "world.h"

enum { WIRE_CLIENT, WIRE_SERVER };
typedef struct wire wire;
wire *wire_new(world *w, unsigned number);
void wire_free(wire *wire);
void wire_wrote(wire *wire, unsigned side, const char *bytes, size_t size);
void wire_read(wire *wire, unsigned side, const char *bytes, size_t size);   /* what the other side wrote */
void wire_blocked(wire *wire, unsigned side);     /* a write was short: what is framed already may come late */
int64_t wire_window(const wire *wire, unsigned side);   /* of the connection: what that side may send */
unsigned wire_open_streams(const wire *wire);     /* as both sides have said */
bool wire_is_whole(const wire *wire);             /* all that was written was read */
#endif
