/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder (RFC 7541 2.4, 6). What comes again is put into the table and is one byte from then on; what changes with
 * every call is not, but its name is; secrets never are (RFC 7541 7.1). Entries are found by hash: chains from the newest
 * to the oldest, which end at the first evicted entry, so that eviction has nothing to unlink.
 * All memory is taken before the first byte is written: an encoding happens whole or not at all. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "hpack/dynamic_table.h"
#include "hpack/huffman.h"
#include "hpack/integer.h"
#include "hpack/mix.h"
#include "hpack/static_table.h"

#define SEEN 16u                     /* a power of two */
#define COOKIE_SECRET_MAX 20u        /* a shorter cookie can be guessed byte by byte: RFC 7541 7.1.3 */
#define RAW_MAX 8u                   /* a value that is not kept and not longer: Huffman gains less than it costs */

/* What the encoder knows of an entry besides the table, and the heads of two chains: same pair, same name. Numbers of
 * insertion are stored plus one, cut to 32 bits; 0: none. Slot of an entry: number & (capacity - 1). */
typedef struct chain { uint32_t pair_hash, name_hash, older_pair, older_name; } chain;
typedef struct finder {
    chain *chains;               /* owned block: chains, then heads */
    uint32_t *pair_heads, *name_heads;
    uint32_t capacity;
} finder;

struct hpack_encoder {
    dynamic_table table;
    finder finder;
    uint32_t option_max;
    uint32_t owed_min, owed_last;   /* while is_owed: size updates to send, RFC 7541 4.2 */
    bool is_owed, is_huffman_off, is_eager;
    uint32_t seen[SEEN];         /* hashes of pairs that came once */
};

typedef enum policy { POLICY_USUAL, POLICY_UNKNOWN, POLICY_NAME_ONLY, POLICY_NEVER } policy;

/* A field with all that is worked out of it. */
typedef struct subject {
    const hpack_field *field;
    proa_bytes name;
    static_name known;
    policy policy;
    uint32_t name_hash, pair_hash;
} subject;

hpack_encoder *hpack_encoder_new(const hpack_encoder_options *options)
{
    PROA_ASSERT(options->table_bytes_max <= HPACK_TABLE_BYTES_MAX, "a dynamic table has at most HPACK_TABLE_BYTES_MAX bytes");
    hpack_encoder *encoder = memory_new(sizeof *encoder);
    if (!encoder)
        return NULL;
    dynamic_table_init(&encoder->table);
    encoder->option_max = options->table_bytes_max;
    encoder->is_huffman_off = options->is_huffman_off;
    encoder->is_eager = options->is_eager;
    hpack_encoder_set_table_bytes_max(encoder, DYNAMIC_TABLE_BYTES_DEFAULT);
    return encoder;
}

void hpack_encoder_free(hpack_encoder *encoder)
{
    if (!encoder)
        return;
    memory_free(encoder->finder.chains);
    dynamic_table_fini(&encoder->table);
    memory_free(encoder);
}

uint64_t hpack_encoder_generation(const hpack_encoder *encoder)
{
    return encoder->table.generation;
}

void hpack_encoder_set_table_bytes_max(hpack_encoder *encoder, uint32_t table_bytes_max)
{
    uint32_t target = table_bytes_max < encoder->option_max ? table_bytes_max : encoder->option_max;
    if (!encoder->is_owed && target == encoder->table.size_max)
        return;
    uint32_t lowest = encoder->is_owed ? encoder->owed_min : encoder->table.size_max;
    encoder->owed_min = target < lowest ? target : lowest;
    encoder->owed_last = target;
    encoder->is_owed = true;
    encoder->table.generation++;
}

static char *put_size_update(hpack_encoder *encoder, char *at, uint32_t size)
{
    dynamic_table_resize(&encoder->table, size);
    return integer_encode(at, 0x20, 5, size);
}

/* The smallest size since the last block, then the last one: RFC 7541 4.2. */
static char *put_owed_updates(hpack_encoder *encoder, char *at)
{
    if (encoder->owed_min < encoder->owed_last && encoder->owed_min < encoder->table.size_max)
        at = put_size_update(encoder, at, encoder->owed_min);
    encoder->is_owed = false;
    return put_size_update(encoder, at, encoder->owed_last);
}

/* Entries: where the chains lead. */

static uint32_t *head_of(uint32_t *heads, const finder *finder, uint32_t hash)
{
    return &heads[hash & (finder->capacity - 1)];
}

static void link_entry(finder *finder, uint64_t number, uint32_t pair_hash, uint32_t name_hash)
{
    uint32_t *pair = head_of(finder->pair_heads, finder, pair_hash);
    uint32_t *name = head_of(finder->name_heads, finder, name_hash);
    finder->chains[number & (finder->capacity - 1)] = (chain){ pair_hash, name_hash, *pair, *name };
    *pair = *name = (uint32_t)number + 1;
}

/* As large as the ring of entries. False: no memory, the old one stays and still knows every entry. */
static bool grow_finder(hpack_encoder *encoder)
{
    const dynamic_table *table = &encoder->table;
    finder old = encoder->finder, new = { .capacity = table->entry_capacity };
    if (old.capacity == new.capacity)
        return true;
    new.chains = memory_new(new.capacity * (sizeof(chain) + 2 * sizeof(uint32_t)));
    if (!new.chains)
        return false;
    new.pair_heads = (uint32_t *)(void *)(new.chains + new.capacity);
    new.name_heads = new.pair_heads + new.capacity;
    for (uint64_t number = table->inserted - table->count; number < table->inserted; number++) {
        const chain *was = &old.chains[number & (old.capacity - 1)];
        link_entry(&new, number, was->pair_hash, was->name_hash);
    }
    memory_free(old.chains);
    encoder->finder = new;
    return true;
}

static bool is_name_of(const hpack_encoder *encoder, const dynamic_entry *entry, const subject *s)
{
    if (entry->token || s->known.token)
        return entry->token == s->known.token;
    return bytes_is(s->name, dynamic_table_bytes(&encoder->table, entry), entry->name_size);
}

static bool is_value_of(const hpack_encoder *encoder, const dynamic_entry *entry, const subject *s)
{
    return bytes_is(s->field->value, dynamic_table_bytes(&encoder->table, entry) + entry->name_size, entry->value_size);
}

static uint32_t index_of_age(uint32_t age)
{
    return STATIC_TABLE_COUNT + age;
}

/* The index of the same pair, or of the same name; 0: none. Ages only rise along a chain, also when the 32 bits of a
 * number have wrapped around: it ends. */
static uint32_t find(const hpack_encoder *encoder, const subject *s, bool is_pair)
{
    const dynamic_table *table = &encoder->table;
    const finder *finder = &encoder->finder;
    if (table->count == 0)
        return 0;
    uint32_t hash = is_pair ? s->pair_hash : s->name_hash;
    uint32_t next = *head_of(is_pair ? finder->pair_heads : finder->name_heads, finder, hash);
    for (uint32_t last_age = 0; next;) {
        uint32_t age = (uint32_t)table->inserted + 1 - next;
        if (age <= last_age || age > table->count)
            return 0;
        uint64_t number = table->inserted - age;
        const chain *chain = &finder->chains[number & (finder->capacity - 1)];
        const dynamic_entry *entry = dynamic_table_entry(table, number);
        if ((is_pair ? chain->pair_hash : chain->name_hash) == hash && is_name_of(encoder, entry, s) &&
            (!is_pair || is_value_of(encoder, entry, s)))
            return index_of_age(age);
        last_age = age;
        next = is_pair ? chain->older_pair : chain->older_name;
    }
    return 0;
}

/* Fields: what is done with them. */

static bool is_binary(proa_bytes name)
{
    return name.size > 4 && memcmp(name.data + name.size - 4, "-bin", 4) == 0;
}

static policy policy_of(const hpack_field *field, unsigned token, proa_bytes name)
{
    if (field->is_never_indexed)
        return POLICY_NEVER;
    switch (token) {
    case HPACK_NAME_AUTHORIZATION:
    case HPACK_NAME_PROXY_AUTHORIZATION:
        return POLICY_NEVER;
    case HPACK_NAME_COOKIE:
        return field->value.size < COOKIE_SECRET_MAX ? POLICY_NEVER : POLICY_USUAL;
    case HPACK_NAME_CONTENT_LENGTH:
    case HPACK_NAME_DATE:
    case HPACK_NAME_SET_COOKIE:
    case HPACK_NAME_GRPC_TIMEOUT:
    case HPACK_NAME_GRPC_MESSAGE:
    case HPACK_NAME_GRPC_STATUS_DETAILS_BIN:
    case HPACK_NAME_GRPC_PREVIOUS_RPC_ATTEMPTS:
    case HPACK_NAME_GRPC_RETRY_PUSHBACK_MS:
    case HPACK_NAME_GRPC_TRACE_BIN:
    case HPACK_NAME_GRPC_TAGS_BIN:
        return POLICY_NAME_ONLY;
    case HPACK_NAME_UNKNOWN:
        return is_binary(name) ? POLICY_NAME_ONLY : POLICY_UNKNOWN;
    default:
        return POLICY_USUAL;
    }
}

static subject study(const hpack_field *field)
{
    subject s = { .field = field, .name = field->name };
    if (field->token) {
        s.known = static_name_of_token(field->token);
        s.name = hpack_name_text(field->token);
    } else {
        s.known = static_name_of(field->name);
    }
    s.policy = policy_of(field, s.known.token, s.name);
    uint64_t hash = s.known.token ? mix_word(s.known.token, 0) : mix_bytes(s.name, 0);
    s.name_hash = (uint32_t)hash;
    s.pair_hash = (uint32_t)mix_bytes(field->value, hash);
    return s;
}

static bool came_before(hpack_encoder *encoder, uint32_t pair_hash)
{
    uint32_t *seen = &encoder->seen[pair_hash >> 8 & (SEEN - 1)];
    bool is_known = *seen == pair_hash;
    *seen = pair_hash;
    return is_known;
}

/* name_index: 0 when no table has the name yet. */
static bool is_worth_keeping(hpack_encoder *encoder, const subject *s, uint32_t name_index)
{
    uint64_t size = (uint64_t)s->name.size + s->field->value.size + DYNAMIC_ENTRY_OVERHEAD;
    uint32_t size_max = encoder->table.size_max;
    if (encoder->is_eager)
        return size <= size_max;
    switch (s->policy) {
    case POLICY_NAME_ONLY:       /* once, for the name */
        return name_index == 0 && size <= size_max / 8;
    case POLICY_UNKNOWN:         /* unique values (request ids) must not push out what repeats */
        return size <= size_max / 2 && (name_index == 0 || came_before(encoder, s->pair_hash));
    default:
        return size <= size_max / 2;
    }
}

static bool insert(hpack_encoder *encoder, const subject *s)
{
    dynamic_table *table = &encoder->table;
    if (!dynamic_table_reserve(table, s->name.size + s->field->value.size) || !grow_finder(encoder))
        return false;
    uint64_t number = table->inserted;
    if (!dynamic_table_insert(table, s->name, s->field->value, s->known.token))
        return false;
    link_entry(&encoder->finder, number, s->pair_hash, s->name_hash);
    return true;
}

static char *put_string(char *at, proa_bytes text, bool is_raw)
{
    size_t size = is_raw ? text.size : huffman_encoded_size(text);
    if (size < text.size)
        return huffman_encode(text, integer_encode(at, 0x80, 7, (uint32_t)size));
    at = integer_encode(at, 0, 7, (uint32_t)text.size);
    bytes_copy(at, text.data, text.size);
    return at + text.size;
}

/* RFC 7541 6.2. */
static char *put_literal(const hpack_encoder *encoder, char *at, const subject *s, uint32_t name_index, bool is_kept)
{
    if (is_kept)
        at = integer_encode(at, 0x40, 6, name_index);
    else
        at = integer_encode(at, s->policy == POLICY_NEVER ? 0x10 : 0, 4, name_index);
    if (name_index == 0)
        at = put_string(at, s->name, encoder->is_huffman_off);
    return put_string(at, s->field->value, encoder->is_huffman_off || (!is_kept && s->field->value.size <= RAW_MAX));
}

static char *put_field(hpack_encoder *encoder, char *at, const hpack_field *field)
{
    subject s = study(field);
    if (s.policy == POLICY_NEVER)
        return put_literal(encoder, at, &s, s.known.index, false);
    uint32_t index = s.known.index && s.known.token ? static_match(s.known.token, field->value) : 0;
    if (index == 0)
        index = find(encoder, &s, true);
    if (index)
        return integer_encode(at, 0x80, 7, index);     /* RFC 7541 6.1 */
    uint32_t name_index = s.known.index ? s.known.index : find(encoder, &s, false);
    bool is_kept = is_worth_keeping(encoder, &s, name_index) && insert(encoder, &s);
    return put_literal(encoder, at, &s, name_index, is_kept);
}

proa_err hpack_encode(hpack_encoder *encoder, const hpack_field *fields, size_t count, buffer *out)
{
    size_t bound = 2 * INTEGER_SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t name = fields[i].token ? hpack_name_text(fields[i].token).size : fields[i].name.size;
        if (name > UINT32_MAX - 1024 || fields[i].value.size > UINT32_MAX - 1024)
            return PROA_ERR_LIMIT;
        bound += name + fields[i].value.size + 3 * INTEGER_SIZE_MAX;
    }
    if (buffer_reserve(out, bound) != PROA_ERR_NONE)
        return PROA_ERR_NOMEM;
    char *begin = buffer_tail(out), *at = begin;
    if (encoder->is_owed)
        at = put_owed_updates(encoder, at);
    for (size_t i = 0; i < count; i++)
        at = put_field(encoder, at, &fields[i]);
    out->end += (size_t)(at - begin);
    return PROA_ERR_NONE;
}
