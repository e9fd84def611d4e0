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

#define SEEN              16u   /* a power of two */
#define COOKIE_SECRET_MAX 20u   /* a shorter cookie can be guessed byte by byte: RFC 7541 7.1.3 */
#define LITERAL_INDEXED   0x40u /* RFC 7541 6.2.1 */
#define LITERAL_PLAIN     0x00u /* RFC 7541 6.2.2 */
#define LITERAL_NEVER     0x10u /* RFC 7541 6.2.3 */
#define RAW_MAX           64u /* a value that is not kept and not longer: Huffman gains a few bytes once, and both ends pay */

/* What the encoder knows of an entry besides the table, and the heads of two chains: same pair, same name. Numbers of
 * insertion are stored plus one, cut to 32 bits; 0: none. Slot of an entry: number & (capacity - 1). */
typedef struct chain {
    uint32_t pair_hash, name_hash, older_pair, older_name;
} chain;
typedef struct finder {
    chain *chains; /* owned block: chains, then heads */
    uint32_t *pair_heads, *name_heads;
    uint32_t capacity;
} finder;

struct hpack_encoder {
    dynamic_table table;
    finder finder;
    uint32_t option_max;
    uint32_t owed_min, owed_last; /* while is_owed: size updates to send, RFC 7541 4.2 */
    bool is_owed, is_huffman_off, is_eager;
    uint32_t seen[SEEN];             /* hashes of pairs that came once */
    uint32_t last[HPACK_NAME_COUNT]; /* by token: the entry used last with that name, a guess that spares the hash */
};

_Static_assert(sizeof(hpack_encoder) <= 400, "an idle connection is cheap");

typedef enum policy { POLICY_USUAL, POLICY_UNKNOWN, POLICY_NAME_ONLY, POLICY_NEVER } policy;

/* A field with all that is worked out of it. */
typedef struct subject {
    const hpack_field *field;
    proa_bytes name;
    unsigned token;
    uint32_t static_index;         /* of the name; 0: none */
    uint32_t name_hash, pair_hash; /* once they are needed */
} subject;

hpack_encoder *hpack_encoder_new(const hpack_encoder_options *options)
{
    PROA_ASSERT(options->table_bytes_max <= HPACK_TABLE_BYTES_MAX,
                "a dynamic table has at most HPACK_TABLE_BYTES_MAX bytes");
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
    new.chains = memory_new(new.capacity *(sizeof(chain) + 2 * sizeof(uint32_t)));
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
    if (entry->token || s->token)
        return entry->token == s->token;
    return bytes_is(s->name, dynamic_table_bytes(&encoder->table, entry), entry->name_size);
}

static bool is_value_of(const hpack_encoder *encoder, const dynamic_entry *entry, const subject *s)
{
    return bytes_is(s->field->value, dynamic_table_bytes(&encoder->table, entry) + entry->name_size, entry->value_size);
}

/* How many insertions ago: 1 is the newest. Over the table's count: it is gone, or there never was one (0). */
static uint32_t age_of(const hpack_encoder *encoder, uint32_t link)
{
    return link ? (uint32_t)encoder->table.inserted + 1 - link : UINT32_MAX;
}

/* The age of the entry with the same pair, or the same name; 0: none. Ages only rise along a chain, also when the 32
 * bits of a link have wrapped around: it ends. */
static inline uint32_t find(const hpack_encoder *encoder, const subject *s, bool is_pair)
{
    const dynamic_table *table = &encoder->table;
    const finder *finder = &encoder->finder;
    if (table->count == 0)
        return 0;
    uint32_t hash = is_pair ? s->pair_hash : s->name_hash;
    uint32_t age = age_of(encoder, *head_of(is_pair ? finder->pair_heads : finder->name_heads, finder, hash));
    for (uint32_t last_age = 0; age > last_age && age <= table->count;) {
        uint64_t number = table->inserted - age;
        const chain *chain = &finder->chains[number & (finder->capacity - 1)];
        const dynamic_entry *entry = dynamic_table_entry(table, number);
        if ((is_pair ? chain->pair_hash : chain->name_hash) == hash && is_name_of(encoder, entry, s) &&
            (!is_pair || is_value_of(encoder, entry, s)))
            return age;
        last_age = age;
        age = age_of(encoder, is_pair ? chain->older_pair : chain->older_name);
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
    case HPACK_NAME_PROXY_AUTHORIZATION: return POLICY_NEVER;
    case HPACK_NAME_COOKIE: return field->value.size < COOKIE_SECRET_MAX ? POLICY_NEVER : POLICY_USUAL;
    case HPACK_NAME_CONTENT_LENGTH:
    case HPACK_NAME_DATE:
    case HPACK_NAME_SET_COOKIE:
    case HPACK_NAME_GRPC_TIMEOUT:
    case HPACK_NAME_GRPC_MESSAGE:
    case HPACK_NAME_GRPC_STATUS_DETAILS_BIN:
    case HPACK_NAME_GRPC_PREVIOUS_RPC_ATTEMPTS:
    case HPACK_NAME_GRPC_RETRY_PUSHBACK_MS:
    case HPACK_NAME_GRPC_TRACE_BIN:
    case HPACK_NAME_GRPC_TAGS_BIN: return POLICY_NAME_ONLY;
    case HPACK_NAME_UNKNOWN: return is_binary(name) ? POLICY_NAME_ONLY : POLICY_UNKNOWN;
    default: return POLICY_USUAL;
    }
}

static void hash_subject(subject *s)
{
    uint64_t hash = s->token ? mix_word(s->token, 0) : mix_bytes(s->name, 0);
    s->name_hash = (uint32_t)hash;
    s->pair_hash = (uint32_t)mix_bytes(s->field->value, hash);
}

static subject study(const hpack_field *field)
{
    subject s = { .field = field, .token = field->token };
    if (s.token) {
        s.name = static_tokens[s.token].text;
        s.static_index = static_tokens[s.token].index;
        return s;
    }
    static_name known = static_name_of(field->name);
    s.name = field->name;
    s.token = known.token;
    s.static_index = known.index;
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
static bool is_worth_keeping(hpack_encoder *encoder, const subject *s, policy policy, uint32_t name_index)
{
    uint64_t size = (uint64_t)s->name.size + s->field->value.size + DYNAMIC_ENTRY_OVERHEAD;
    uint32_t size_max = encoder->table.size_max;
    if (encoder->is_eager)
        return size <= size_max;
    switch (policy) {
    case POLICY_NAME_ONLY: /* once, for the name */ return name_index == 0 && size <= size_max / 8;
    case POLICY_UNKNOWN: /* unique values (request ids) must not push out what repeats */
        return size <= size_max / 2 && (name_index == 0 || came_before(encoder, s->pair_hash));
    default: return size <= size_max / 2;
    }
}

static bool insert(hpack_encoder *encoder, const subject *s)
{
    dynamic_table *table = &encoder->table;
    if (!dynamic_table_reserve(table, s->name.size + s->field->value.size) || !grow_finder(encoder))
        return false;
    uint64_t number = table->inserted;
    if (!dynamic_table_insert(table, s->name, s->field->value, (uint8_t)s->token))
        return false;
    link_entry(&encoder->finder, number, s->pair_hash, s->name_hash);
    encoder->last[s->token] = (uint32_t)number + 1;
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

/* RFC 7541 6.2; flags: which of its forms. */
static char *put_literal(const hpack_encoder *encoder, char *at, const subject *s, unsigned flags, uint32_t name_index)
{
    bool is_kept = flags == LITERAL_INDEXED;
    at = integer_encode(at, flags, is_kept ? 6 : 4, name_index);
    if (name_index == 0)
        at = put_string(at, s->name, encoder->is_huffman_off);
    return put_string(at, s->field->value, encoder->is_huffman_off || (!is_kept && s->field->value.size <= RAW_MAX));
}

/* RFC 7541 6.1. */
static char *put_indexed(char *at, uint32_t index)
{
    return integer_encode(at, 0x80, 7, index);
}

/* The age of the entry that this token had last, which has its name and nearly always its value too; 0: it is gone. */
static uint32_t age_of_last(const hpack_encoder *encoder, const subject *s)
{
    const dynamic_table *table = &encoder->table;
    uint32_t age = age_of(encoder, encoder->last[s->token]);
    if (!s->token || age > table->count)
        return 0;
    return dynamic_table_entry(table, table->inserted - age)->token == s->token ? age : 0; /* not one 2^32 later */
}

static bool has_value_at(const hpack_encoder *encoder, const subject *s, uint32_t age)
{
    return is_value_of(encoder, dynamic_table_entry(&encoder->table, encoder->table.inserted - age), s);
}

static char *put_field(hpack_encoder *encoder, char *at, const hpack_field *field)
{
    subject s = study(field);
    policy policy = policy_of(field, s.token, s.name);
    if (policy == POLICY_NEVER)
        return put_literal(encoder, at, &s, LITERAL_NEVER, s.static_index);
    uint32_t index =
        static_tokens[s.token].has_values || field->value.size == 0 ? static_match(s.token, field->value) : 0;
    if (index)
        return put_indexed(at, index);
    uint32_t named = age_of_last(encoder, &s);
    if (named && has_value_at(encoder, &s, named))
        return put_indexed(at, STATIC_TABLE_COUNT + named);
    hash_subject(&s);
    uint32_t age = find(encoder, &s, true);
    if (age) {
        encoder->last[s.token] = (uint32_t)encoder->table.inserted + 1 - age;
        return put_indexed(at, STATIC_TABLE_COUNT + age);
    }
    if (s.static_index == 0 && named == 0)
        named = find(encoder, &s, false);
    uint32_t name_index = s.static_index ? s.static_index : named ? STATIC_TABLE_COUNT + named : 0;
    bool is_kept = is_worth_keeping(encoder, &s, policy, name_index) && insert(encoder, &s);
    return put_literal(encoder, at, &s, is_kept ? LITERAL_INDEXED : LITERAL_PLAIN, name_index);
}

proa_err hpack_encode(hpack_encoder *encoder, const hpack_field *fields, size_t count, buffer *out)
{
    size_t bound = 2 * INTEGER_SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t name = fields[i].token ? static_tokens[fields[i].token].text.size : fields[i].name.size;
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
