// SPDX-License-Identifier: Apache-2.0
// libprotobuf with an arena; and the values for all, filled through its reflection.
#include <google/protobuf/arena.h>
#include <google/protobuf/descriptor.pb.h>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>
#include "codec_bench.h"
#include "codec_mix.pb.h"

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::vector<const Message *> prototypes()
{
#define DEFAULT(Type, lower) &mix::Type::default_instance(),
    return {CODEC_TYPES(DEFAULT)};
}

struct filler {
    std::mt19937_64 random;

    uint64_t below(uint64_t n) { return random() % n; }
    // As many bits as chance has it: small numbers are as frequent as large ones. Never 0, which would be absent.
    uint64_t number(int bits) { return (random() >> (64 - bits) >> below(bits)) | 1; }

    // One text of ten has more than ASCII in it.
    std::string text(size_t most)
    {
        static const char *const others[] = {"é", "ß", "д", "語", "🙂"};
        bool is_ascii = below(10) > 0;
        std::string s;
        for (size_t n = 1 + below(most); s.size() < n;)
            s += is_ascii || below(4) ? std::string(1, static_cast<char>('a' + below(26))) : others[below(5)];
        return s;
    }

    std::string bytes(size_t most)
    {
        std::string s;
        for (size_t n = 1 + below(most); s.size() < n;)
            s += static_cast<char>(random());
        return s;
    }

    void set(Message *m, const FieldDescriptor *f, int depth)
    {
        const auto *r = m->GetReflection();
        bool many = f->is_repeated();
        switch (f->cpp_type()) {
#define NUMBER(KIND, Name, value) \
    case FieldDescriptor::CPPTYPE_##KIND: many ? r->Add##Name(m, f, value) : r->Set##Name(m, f, value); break;
            NUMBER(INT32, Int32, static_cast<int32_t>(number(31)))
            NUMBER(INT64, Int64, static_cast<int64_t>(number(63)))
            NUMBER(UINT32, UInt32, static_cast<uint32_t>(number(32)))
            NUMBER(UINT64, UInt64, number(64))
            NUMBER(DOUBLE, Double, static_cast<double>(number(50)) / 7)
            NUMBER(FLOAT, Float, static_cast<float>(number(20)) / 7)
            NUMBER(BOOL, Bool, true)
            NUMBER(ENUM, EnumValue, 1 + static_cast<int>(below(3)))
            NUMBER(STRING, String, f->type() == FieldDescriptor::TYPE_BYTES ? bytes(64) : text(40))
        case FieldDescriptor::CPPTYPE_MESSAGE:
            fill(many ? r->AddMessage(m, f) : r->MutableMessage(m, f), depth + 1);
            break;
        }
    }

    void fill(Message *m, int depth)
    {
        const auto *d = m->GetDescriptor();
        bool is_entry = d->options().map_entry();
        for (int i = 0; i < d->field_count(); i++) {
            const FieldDescriptor *f = d->field(i);
            if ((below(2) && !is_entry) || (depth > 4 && f->message_type()))
                continue;
            for (uint64_t n = f->is_repeated() ? 1 + below(8) : 1; n > 0; n--)
                set(m, f, depth);
        }
    }
};

std::vector<const Message *> types;
google::protobuf::Arena *kept;
std::vector<Message *> messages;
std::vector<char> output;

void prepare(const codec_value *values, size_t count)
{
    types = prototypes();
    kept = new google::protobuf::Arena;
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        messages.push_back(types[values[i].type]->New(kept));
        if (!messages.back()->ParseFromArray(values[i].wire, static_cast<int>(values[i].size)))
            exit(1);
        most = values[i].size > most ? values[i].size : most;
    }
    output.resize(most);
}

// The first block stays with the arena over a Reset.
size_t decode(const codec_value *values, size_t count)
{
    static std::vector<char> block(64 * 1024);
    google::protobuf::ArenaOptions options;
    options.initial_block = block.data();
    options.initial_block_size = block.size();
    google::protobuf::Arena arena(options);
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        Message *m = types[values[i].type]->New(&arena);
        seen += m->ParseFromArray(values[i].wire, static_cast<int>(values[i].size));
        arena.Reset();
    }
    return seen;
}

size_t encode(size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = messages[i]->ByteSizeLong();
        messages[i]->SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t *>(output.data()));
        size += n;
    }
    return size;
}

void finish(size_t)
{
    messages.clear();
    delete kept;
}

} // namespace

const codec_peer codec_protobuf_cpp = {"protobuf_cpp", prepare, decode, encode, finish};

codec_value *codec_make(uint64_t seed, size_t count)
{
    auto all = prototypes();
    filler f{std::mt19937_64(seed)};
    auto *values = static_cast<codec_value *>(calloc(count, sizeof(codec_value)));
    for (size_t i = 0; i < count; i++) {
        int type = static_cast<int>(f.below(all.size()));
        std::unique_ptr<Message> m(all[type]->New());
        f.fill(m.get(), 0);
        std::string wire = m->SerializeAsString();
        char *copy = static_cast<char *>(calloc(1, wire.size() + 16));
        memcpy(copy, wire.data(), wire.size());
        values[i] = {type, copy, wire.size()};
    }
    return values;
}
