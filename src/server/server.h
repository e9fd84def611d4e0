/* SPDX-License-Identifier: Apache-2.0 */
/* server: listening, dispatch by path, worker threads, drain.
 *
 * Owns: every proa_server: its loops, listeners, connections, the table of methods, the workers.
 * Never does: stepping, encoding, framing. To come here: nothing of a protocol; services stand on the public face.
 * Used by: programs, through proa/server.h. Nothing above includes more than this line. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H
#include "proa/gen.h"
#endif
