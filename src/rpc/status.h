/* SPDX-License-Identifier: Apache-2.0 */
/* What a status is made of on the wire, beside the tables of rpc.h: grpc-status, and the code in its details. */
#ifndef RPC_STATUS_H
#define RPC_STATUS_H
#include "rpc/rpc.h"

proa_code status_parse(proa_bytes value);         /* of grpc-status; what is no number from 0 to 16 is UNKNOWN */
proa_bytes status_text(proa_code code);           /* static: "0" to "16" */
/* The code inside an encoded google.rpc.Status. false: the bytes are none. */
bool status_details_code(proa_bytes details, uint64_t *code);
#endif
