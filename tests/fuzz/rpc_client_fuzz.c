/* SPDX-License-Identifier: Apache-2.0 */
/* A client endpoint with three calls and the bytes of any server, behind its preface. The first two bytes seed the cuts
 * and what the program does. */
#include "rpc_fuzzlib.h"
#include "rpc/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "\0\0\0\4\0\0\0\0\0"
                                  "\0\0\0\4\1\0\0\0\0";
    if (size < 2)
        return 0;
    fuzz_side side;
    fuzz_begin(&side, H2_CLIENT, (uint64_t)data[0] << 8 | data[1]);
    for (int i = 0; i < 3; i++) {
        rpc_exchange *call = NULL;
        rpc_request request = { .path = PROA_STR("/a.B/C"),
                                .deadline_ns = i ? INT64_MAX : side.now + 100 * PROA_MILLISECOND };
        proa_err err = rpc_exchange_begin(side.endpoint, &request, side.now, &call);
        PROA_ASSERT(!err, "there is room for three calls");
        fuzz_add(&side, call);
        if (i == 1)
            rpc_exchange_end_requests(call);
    }
    fuzz_feed(&side, (proa_bytes){ preface, sizeof preface - 1 });
    fuzz_feed(&side, (proa_bytes){ (const char *)data + 2, size - 2 });
    fuzz_end(&side);
    return 0;
}
