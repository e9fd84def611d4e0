/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9113 5.1 without pushed streams, which nobody may send us (6.6) and we never send:
 *
 *                    IDLE
 *                     |  HEADERS, either way
 *                     v
 *        R END       OPEN       S END
 *      .------------'  |  '------------.
 *      v               |               v
 *   HALF_REMOTE        | RST_STREAM   HALF_LOCAL
 *      |               | either way    |
 *      |  S END, RST   v   R END, RST  |
 *      '-----------> CLOSED <----------'
 *
 * A received frame of a CLOSED stream is not looked up here: how it was closed decides, streams_recall knows. */
#include "h2/stream.h"
#include "base/bytes.h"
#include "base/memory.h"

#define STAY(state) \
    { \
        state, H2_SCOPE_NONE, 0, NULL \
    }
#define GO(state) \
    { \
        state, H2_SCOPE_NONE, 0, NULL \
    }
#define STREAM_FAULT(state, code, reason) \
    { \
        state, H2_SCOPE_STREAM, code, reason \
    }
#define CONNECTION_FAULT(state, code, reason) \
    { \
        state, H2_SCOPE_CONNECTION, code, reason \
    }
#define NEVER(state) STREAM_FAULT(state, H2_INTERNAL_ERROR, "not sent in this state")

const stream_step stream_table[STREAM_STATES][STREAM_INPUTS] = {
    [STREAM_IDLE] = {
        [STREAM_R_HEADERS] = GO(STREAM_OPEN),
        [STREAM_R_DATA] = CONNECTION_FAULT(STREAM_IDLE, H2_PROTOCOL_ERROR, "DATA on an idle stream"),
        [STREAM_R_END] = CONNECTION_FAULT(STREAM_IDLE, H2_PROTOCOL_ERROR, "END_STREAM on an idle stream"),
        [STREAM_R_RESET] = CONNECTION_FAULT(STREAM_IDLE, H2_PROTOCOL_ERROR, "RST_STREAM on an idle stream"),
        [STREAM_R_WINDOW] = CONNECTION_FAULT(STREAM_IDLE, H2_PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream"),
        [STREAM_S_HEADERS] = GO(STREAM_OPEN),
        [STREAM_S_DATA] = NEVER(STREAM_IDLE),
        [STREAM_S_END] = NEVER(STREAM_IDLE),
        [STREAM_S_RESET] = GO(STREAM_CLOSED),   /* never numbered: no frame goes out */
    },
    [STREAM_OPEN] = {
        [STREAM_R_HEADERS] = STAY(STREAM_OPEN),
        [STREAM_R_DATA] = STAY(STREAM_OPEN),
        [STREAM_R_END] = GO(STREAM_HALF_REMOTE),
        [STREAM_R_RESET] = GO(STREAM_CLOSED),
        [STREAM_R_WINDOW] = STAY(STREAM_OPEN),
        [STREAM_S_HEADERS] = STAY(STREAM_OPEN),
        [STREAM_S_DATA] = STAY(STREAM_OPEN),
        [STREAM_S_END] = GO(STREAM_HALF_LOCAL),
        [STREAM_S_RESET] = GO(STREAM_CLOSED),
    },
    [STREAM_HALF_LOCAL] = {
        [STREAM_R_HEADERS] = STAY(STREAM_HALF_LOCAL),
        [STREAM_R_DATA] = STAY(STREAM_HALF_LOCAL),
        [STREAM_R_END] = GO(STREAM_CLOSED),
        [STREAM_R_RESET] = GO(STREAM_CLOSED),
        [STREAM_R_WINDOW] = STAY(STREAM_HALF_LOCAL),
        [STREAM_S_HEADERS] = NEVER(STREAM_HALF_LOCAL),
        [STREAM_S_DATA] = NEVER(STREAM_HALF_LOCAL),
        [STREAM_S_END] = NEVER(STREAM_HALF_LOCAL),
        [STREAM_S_RESET] = GO(STREAM_CLOSED),
    },
    [STREAM_HALF_REMOTE] = {
        [STREAM_R_HEADERS] = STREAM_FAULT(STREAM_HALF_REMOTE, H2_STREAM_CLOSED, "HEADERS after END_STREAM"),
        [STREAM_R_DATA] = STREAM_FAULT(STREAM_HALF_REMOTE, H2_STREAM_CLOSED, "DATA after END_STREAM"),
        [STREAM_R_END] = STREAM_FAULT(STREAM_HALF_REMOTE, H2_STREAM_CLOSED, "END_STREAM twice"),
        [STREAM_R_RESET] = GO(STREAM_CLOSED),
        [STREAM_R_WINDOW] = STAY(STREAM_HALF_REMOTE),
        [STREAM_S_HEADERS] = STAY(STREAM_HALF_REMOTE),
        [STREAM_S_DATA] = STAY(STREAM_HALF_REMOTE),
        [STREAM_S_END] = GO(STREAM_CLOSED),
        [STREAM_S_RESET] = GO(STREAM_CLOSED),
    },
    [STREAM_CLOSED] = {
        [STREAM_R_HEADERS] = STREAM_FAULT(STREAM_CLOSED, H2_STREAM_CLOSED, "HEADERS on a closed stream"),
        [STREAM_R_DATA] = STREAM_FAULT(STREAM_CLOSED, H2_STREAM_CLOSED, "DATA on a closed stream"),
        [STREAM_R_END] = STREAM_FAULT(STREAM_CLOSED, H2_STREAM_CLOSED, "END_STREAM on a closed stream"),
        [STREAM_R_RESET] = STAY(STREAM_CLOSED),
        [STREAM_R_WINDOW] = STAY(STREAM_CLOSED),
        [STREAM_S_HEADERS] = NEVER(STREAM_CLOSED),
        [STREAM_S_DATA] = NEVER(STREAM_CLOSED),
        [STREAM_S_END] = NEVER(STREAM_CLOSED),
        [STREAM_S_RESET] = NEVER(STREAM_CLOSED),
    },
};

static proa_bytes copy_text(char **at, proa_bytes text)
{
    proa_bytes copy = { *at, text.size };
    bytes_copy(*at, text.data, text.size);
    *at += text.size;
    return copy;
}

stream_fields *stream_fields_copy(const hpack_field *fields, size_t count)
{
    size_t size = sizeof(stream_fields) + count * sizeof *fields;
    for (size_t i = 0; i < count; i++)
        size += fields[i].value.size + (fields[i].token ? 0 : fields[i].name.size);
    stream_fields *copy = memory_new(size);
    if (!copy)
        return NULL;
    copy->count = count;
    char *at = (char *)&copy->fields[count];
    for (size_t i = 0; i < count; i++) {
        copy->fields[i] = fields[i];
        if (!fields[i].token) /* with a token the name is not read */
            copy->fields[i].name = copy_text(&at, fields[i].name);
        copy->fields[i].value = copy_text(&at, fields[i].value);
    }
    return copy;
}
