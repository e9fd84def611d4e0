/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/settings.h"
#include "base/bytes.h"
#include "h2/frame.h"

const settings settings_default = { .header_table_bytes = SETTINGS_TABLE_DEFAULT,
                                    .is_push_on = 1,
                                    .streams_max = UINT32_MAX,
                                    .window_bytes = SETTINGS_WINDOW_DEFAULT,
                                    .frame_bytes_max = FRAME_LENGTH_MIN,
                                    .header_list_bytes_max = UINT32_MAX };

/* RFC 9113 6.5.2: what each value may be. */
static h2_fault apply(settings *s, unsigned id, uint32_t value, h2_role from)
{
    switch (id) {
    case SETTINGS_HEADER_TABLE_SIZE: s->header_table_bytes = value; break;
    case SETTINGS_ENABLE_PUSH:
        if (value > 1 || (value == 1 && from == H2_SERVER))
            return fault_connection(H2_PROTOCOL_ERROR, "SETTINGS_ENABLE_PUSH");
        s->is_push_on = value;
        break;
    case SETTINGS_MAX_CONCURRENT_STREAMS: s->streams_max = value; break;
    case SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > INT32_MAX)
            return fault_connection(H2_FLOW_CONTROL_ERROR, "SETTINGS_INITIAL_WINDOW_SIZE over 2^31-1");
        s->window_bytes = value;
        break;
    case SETTINGS_MAX_FRAME_SIZE:
        if (value < FRAME_LENGTH_MIN || value > FRAME_LENGTH_MAX)
            return fault_connection(H2_PROTOCOL_ERROR, "SETTINGS_MAX_FRAME_SIZE");
        s->frame_bytes_max = value;
        break;
    case SETTINGS_MAX_HEADER_LIST_SIZE: s->header_list_bytes_max = value; break;
    default: /* RFC 9113 6.5.2: unknown identifiers are ignored */ break;
    }
    return (h2_fault){ 0 };
}

h2_fault settings_decode(proa_bytes payload, h2_role from, uint32_t entries_max, settings *into)
{
    if (payload.size / 6 > entries_max) /* CVE-2020-11080 */
        return fault_connection(H2_ENHANCE_YOUR_CALM, "too many entries in one SETTINGS");
    settings next = *into;
    for (size_t at = 0; at + 6 <= payload.size; at += 6) {
        const unsigned char *p = (const unsigned char *)payload.data + at;
        h2_fault fault = apply(&next, (unsigned)p[0] << 8 | p[1], bytes_u32_be(payload.data + at + 2), from);
        if (fault.scope)
            return fault;
    }
    *into = next;
    return (h2_fault){ 0 };
}

static size_t put(char *out, size_t at, unsigned id, uint32_t value, uint32_t fallback)
{
    if (value == fallback)
        return at;
    out[at] = 0;
    out[at + 1] = (char)id;
    bytes_put_u32_be(out + at + 2, value);
    return at + 6;
}

size_t settings_encode(const settings *v, char out[SETTINGS_SIZE_MAX])
{
    const settings *d = &settings_default;
    size_t at = put(out, 0, SETTINGS_HEADER_TABLE_SIZE, v->header_table_bytes, d->header_table_bytes);
    at = put(out, at, SETTINGS_ENABLE_PUSH, v->is_push_on, d->is_push_on);
    at = put(out, at, SETTINGS_MAX_CONCURRENT_STREAMS, v->streams_max, d->streams_max);
    at = put(out, at, SETTINGS_INITIAL_WINDOW_SIZE, v->window_bytes, d->window_bytes);
    at = put(out, at, SETTINGS_MAX_FRAME_SIZE, v->frame_bytes_max, d->frame_bytes_max);
    return put(out, at, SETTINGS_MAX_HEADER_LIST_SIZE, v->header_list_bytes_max, d->header_list_bytes_max);
}
