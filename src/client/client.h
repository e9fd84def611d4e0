/* SPDX-License-Identifier: Apache-2.0 */
/* client: channels: names, connections, and which connection takes which call.
 *
 * Owns: every proa_channel; a part of it on each home where calls of the channel live; the connections of each part.
 * Never does: stepping, encoding, framing. To come here: resolver and picker (balancing), retry, backoff.
 * Used by: programs, through proa/channel.h. Nothing above includes more than this line. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H
#include "proa/gen.h"
#endif
