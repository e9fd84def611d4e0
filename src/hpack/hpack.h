/* SPDX-License-Identifier: Apache-2.0 */
/* hpack: header compression of one HTTP/2 connection (RFC 7541), both directions.
 *
 * Owns: the dynamic tables, Huffman, the decoded header blocks and the memo that recognises a repeated one.
 * Never does: frames, I/O, rules about what a header may say (RFC 9113 8 is h2's). Never allocates per field.
 * Used by: h2 (decoder, encoder), rpc (names, blocks). One thread at a time. */
#ifndef HPACK_HPACK_H
#define HPACK_HPACK_H
#include "base/buffer.h"
#include "base/limits.h"
#include "proa/base.h"

#define HPACK_TABLE_BYTES_MAX (16u * 1024 * 1024)   /* no dynamic table is larger: bounds every table_bytes_max below */

/* Names that the layers above switch on, so that nobody compares strings. Numbers are not part of any protocol. */
typedef enum hpack_name {
    HPACK_NAME_UNKNOWN = 0,
    HPACK_NAME_AUTHORITY,        /* pseudo-headers, up to HPACK_NAME_PSEUDO_LAST; unknown ones (":x") are UNKNOWN */
    HPACK_NAME_METHOD,
    HPACK_NAME_PATH,
    HPACK_NAME_SCHEME,
    HPACK_NAME_STATUS,
    HPACK_NAME_PROTOCOL,
    HPACK_NAME_PSEUDO_LAST = HPACK_NAME_PROTOCOL,
    HPACK_NAME_CONNECTION,       /* connection-specific (RFC 9113 8.2.2), up to HPACK_NAME_HOP_LAST */
    HPACK_NAME_KEEP_ALIVE,
    HPACK_NAME_PROXY_CONNECTION,
    HPACK_NAME_TRANSFER_ENCODING,
    HPACK_NAME_UPGRADE,
    HPACK_NAME_HOP_LAST = HPACK_NAME_UPGRADE,
    HPACK_NAME_TE,
    HPACK_NAME_HOST,
    HPACK_NAME_CONTENT_TYPE,
    HPACK_NAME_CONTENT_LENGTH,
    HPACK_NAME_CONTENT_ENCODING,
    HPACK_NAME_ACCEPT_ENCODING,
    HPACK_NAME_USER_AGENT,
    HPACK_NAME_SERVER,
    HPACK_NAME_DATE,
    HPACK_NAME_AUTHORIZATION,
    HPACK_NAME_PROXY_AUTHORIZATION,
    HPACK_NAME_COOKIE,
    HPACK_NAME_SET_COOKIE,
    HPACK_NAME_GRPC_TIMEOUT,
    HPACK_NAME_GRPC_ENCODING,
    HPACK_NAME_GRPC_ACCEPT_ENCODING,
    HPACK_NAME_GRPC_MESSAGE_TYPE,
    HPACK_NAME_GRPC_STATUS,
    HPACK_NAME_GRPC_MESSAGE,
    HPACK_NAME_GRPC_STATUS_DETAILS_BIN,
    HPACK_NAME_GRPC_PREVIOUS_RPC_ATTEMPTS,
    HPACK_NAME_GRPC_RETRY_PUSHBACK_MS,
    HPACK_NAME_GRPC_TRACE_BIN,
    HPACK_NAME_GRPC_TAGS_BIN,
    HPACK_NAME_COUNT
} hpack_name;

/* Decoded: token is hpack_name_of(name). To encode: token is that or UNKNOWN (it is then looked up); with a token, name
 * is not read. is_never_indexed: RFC 7541 6.2.3, for secrets; kept when forwarded. */
typedef struct hpack_field {
    proa_bytes name, value;
    uint8_t token;               /* enum hpack_name */
    bool is_never_indexed;
} hpack_field;

hpack_name hpack_name_of(proa_bytes name);        /* exact, lower case; UNKNOWN: none of the above */
proa_bytes hpack_name_text(hpack_name token);     /* static; "" for UNKNOWN */
static inline hpack_field hpack_field_of(hpack_name token, proa_bytes value)   /* value is borrowed */
{ return (hpack_field){ .name = hpack_name_text(token), .value = value, .token = (uint8_t)token }; }

/* A decoded header list: immutable, counted (not atomically), and recycled by the decoder that made it. It may outlive
 * that decoder. The same block is given again when the peer sends the same bytes with the same table. */
typedef struct hpack_block {
    const hpack_field *fields;   /* borrowed while the block is retained, names and values too */
    uint32_t count;
    size_t list_bytes;           /* name + value + 32 each: RFC 9113 6.5.2 */
    uint64_t id;                 /* unique among all blocks of its decoder, never 0 */
    /* What a layer above worked out of this very block, once. NULL when the block is new; note_free (NULL: nothing to
     * free) runs when the last reference goes. */
    void *note;
    void (*note_free)(void *note);
    uint32_t verdict;            /* h2's: what the rules of RFC 9113 8 say about this block; 0 when the block is new */
} hpack_block;

hpack_block *hpack_block_retain(hpack_block *block);   /* gives it back, for chaining */
void hpack_block_release(hpack_block *block);          /* NULL is fine */

typedef enum hpack_outcome {
    HPACK_OK = 0,
    HPACK_TOO_LARGE,             /* over list bytes or fields; the table is in step, the connection goes on */
    HPACK_COMPRESSION,           /* COMPRESSION_ERROR of the connection; the decoder is dead and repeats itself */
    HPACK_NOMEM                  /* the decoder is dead as well: its table is out of step */
} hpack_outcome;

typedef struct hpack_result {
    const char *reason;          /* static; NULL when OK */
    size_t offset;               /* COMPRESSION: where in the block */
    size_t list_bytes;           /* OK, TOO_LARGE: of the whole list, also what was not kept */
    size_t fields;
} hpack_result;

typedef struct hpack_decoder hpack_decoder;

/* Reads header_list_bytes_max and header_fields_max; zero means the default. The table starts at 4096 bytes
 * (RFC 9113 6.5.2). Owned: hpack_decoder_free; NULL: no memory. */
hpack_decoder *hpack_decoder_new(const limits *limits);
void hpack_decoder_free(hpack_decoder *decoder);       /* NULL is fine; blocks stay valid while retained */
/* Our SETTINGS_HEADER_TABLE_SIZE, to be called when the peer acknowledged it. A smaller one obliges the peer to open
 * its next block with a size update (RFC 7541 4.2). */
void hpack_decoder_set_table_bytes_max(hpack_decoder *decoder, uint32_t table_bytes_max);
/* Decodes one whole header block (all fragments). OK: *out is owned (hpack_block_release). Otherwise *out is untouched.
 * result may be NULL. block is only read during the call. */
hpack_outcome hpack_decode(hpack_decoder *decoder, proa_bytes block, hpack_block **out, hpack_result *result);
/* The block, retained, when exactly these bytes came before and mean the same; NULL: decode them. */
hpack_block *hpack_recognise(hpack_decoder *decoder, proa_bytes block);
void hpack_decoder_trim(hpack_decoder *decoder);       /* an idle connection: frees memo and spare blocks, not the table */

typedef struct hpack_encoder_options {
    uint32_t table_bytes_max;    /* of our dynamic table, at most what the peer allows; 0: none at all */
    bool is_huffman_off;
    bool is_eager;               /* every literal is put into the table at first sight; off: what is likely to come again */
} hpack_encoder_options;

typedef struct hpack_encoder hpack_encoder;

hpack_encoder *hpack_encoder_new(const hpack_encoder_options *options);   /* owned: hpack_encoder_free; NULL: no memory */
void hpack_encoder_free(hpack_encoder *encoder);                          /* NULL is fine */
/* The peer's SETTINGS_HEADER_TABLE_SIZE, when its SETTINGS are applied; 4096 until then. */
void hpack_encoder_set_table_bytes_max(hpack_encoder *encoder, uint32_t table_bytes_max);
/* Appends the fields to out, as a block or as the next part of one. What was encoded must be sent, in this order.
 * NOMEM, LIMIT (a string of about 4 GiB): out and encoder are as before. */
PROA_CHECK proa_err hpack_encode(hpack_encoder *encoder, const hpack_field *fields, size_t count, buffer *out);
/* Bytes whose encoding left this number as it was may be sent again, without encoding, while it is still the same.
 * It changes with every insertion, and when a size update is owed. */
uint64_t hpack_encoder_generation(const hpack_encoder *encoder);
#endif
