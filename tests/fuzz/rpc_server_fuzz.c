/* SPDX-License-Identifier: Apache-2.0 */
/* A server endpoint and the bytes of any client, behind its preface. The first two bytes seed the cuts and what the
 * program does. */
#include "rpc_fuzzlib.h"
#include "rpc/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                  "\0\0\0\4\0\0\0\0\0"
                                  "\0\0\0\4\1\0\0\0\0";
    if (size < 2)
        return 0;
    fuzz_side side;
    fuzz_begin(&side, H2_SERVER, (uint64_t)data[0] << 8 | data[1]);
    fuzz_feed(&side, (proa_bytes){ preface, sizeof preface - 1 });
    fuzz_feed(&side, (proa_bytes){ (const char *)data + 2, size - 2 });
    fuzz_end(&side);
    return 0;
}
