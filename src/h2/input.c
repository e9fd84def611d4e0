/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/input.h"
#include "base/bytes.h"

proa_err input_feed(input *in, proa_bytes bytes)
{
    proa_err err = input_keep(in);
    in->fed = bytes;
    return err;
}

proa_bytes input_gather(input *in, size_t size, proa_err *err)
{
    size_t have = buffer_size(&in->kept);
    if (have == 0)
        return (proa_bytes){ 0 };
    if (have < size) {
        if (have + in->fed.size < size)
            return (proa_bytes){ 0 };
        size_t more = size - have;
        *err = buffer_append(&in->kept, in->fed.data, more);
        if (*err)
            return (proa_bytes){ 0 };
        in->fed.data += more;
        in->fed.size -= more;
    }
    return (proa_bytes){ in->kept.data + in->kept.begin, size };
}

proa_err input_keep(input *in)
{
    if (in->fed.size == 0)
        return PROA_ERR_NONE;
    proa_err err = buffer_append(&in->kept, in->fed.data, in->fed.size);
    in->fed = (proa_bytes){ 0 };
    return err;
}
