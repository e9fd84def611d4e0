/* SPDX-License-Identifier: Apache-2.0 */
/* What is generated, resolved: every type by pointer, every C name chosen, every comment found.
 *
 * Built once from the request, read by all the rooms that write text. All of it lives in the plugin's arena.
 * A descriptor is somebody else's bytes: whatever model_build lets through is an identifier, a number in range or a
 * pointer that is set, so the rooms behind it check nothing. */
#ifndef PLUGIN_MODEL_H
#define PLUGIN_MODEL_H
#include "google/protobuf/compiler/plugin.proa.h"
#include "plugin/comments.h"
#include "proa/codec.h"

typedef google_protobuf_compiler_CodeGeneratorRequest request_proto;
typedef google_protobuf_FileDescriptorProto file_proto;
typedef google_protobuf_DescriptorProto message_proto;
typedef google_protobuf_FieldDescriptorProto field_proto;
typedef google_protobuf_EnumDescriptorProto enum_proto;
typedef google_protobuf_ServiceDescriptorProto service_proto;
typedef google_protobuf_MethodDescriptorProto method_proto;

typedef struct model_file model_file;
typedef struct model_message model_message;
typedef struct model_field model_field;

typedef struct model_value {
    const char *name, *c_name;
    int32_t number;
    const location_proto *where;      /* its comments; NULL: none */
} model_value;

typedef struct model_enum {
    const char *name;                 /* in the .proto: "Level" */
    const char *full_name;            /* "telemetry.Level" */
    const char *c_name;               /* "telemetry_Level" */
    const enum_proto *proto;
    const model_file *file;
    bool is_closed;                   /* proto2: a number without a name goes to the unknown fields */
    bool has_list;                    /* layout: some field of its own file is a list of it */
    model_value *values;              /* at least one */
    size_t value_count;
    const model_value **by_name;
    const location_proto *where;
} model_enum;

typedef struct model_oneof {
    const char *name, *c_name;
    const char *which;                /* "telemetry_Pattern_kind": of its type _which and of its values */
    struct model_field *first, *last; /* in the order of the .proto, by next_in_oneof */
    size_t field_count;
    const location_proto *where;
} model_oneof;

typedef struct model_default {
    bool is_set;                      /* to something that is not zero */
    int64_t i;
    uint64_t u;
    double d;
    proa_bytes bytes;
    const model_value *value;
} model_default;

struct model_field {
    const char *name, *c_name;
    const char *member;               /* from the struct: "host", "kind.text" */
    uint32_t number;
    proa_kind kind;
    proa_shape shape;
    bool is_packed;                   /* as we write it; both are read */
    bool is_utf8;                     /* a string of proto3 */
    model_default fallback;
    const field_proto *proto;
    const model_message *parent;
    const model_message *message;     /* message, group and map entry */
    const model_enum *enumeration;
    model_oneof *oneof;               /* PROA_SHAPE_ONEOF */
    const char *which;                /* PROA_SHAPE_ONEOF: "telemetry_Pattern_kind_text" */
    const char *entry;                /* PROA_SHAPE_MAP: C name of its entry */
    bool is_late;                     /* layout: its entry is defined behind all messages */
    model_field *next_in_oneof;
    model_field *next_user;           /* of the same message */
    const location_proto *where;
};

struct model_message {
    const char *name, *full_name, *c_name;
    const message_proto *proto;
    const model_file *file;
    bool is_map_entry;
    bool can_miss;                    /* a required field, here or in any message below */
    model_field *users;               /* fields of this type, while can_miss is found */
    model_message *next_missing;
    model_field *fields;              /* in the order of the .proto; a map entry has key, value */
    size_t field_count;
    model_field **by_number;
    model_oneof *oneofs;              /* without the synthetic ones of proto3 optional, which come last */
    size_t oneof_count;
    model_message *messages;
    size_t message_count;
    model_enum *enums;
    size_t enum_count;
    const location_proto *where;
    size_t order;                     /* layout: where it is defined among the messages of its file */
    bool is_forward;                  /* layout: named before it is defined */
    bool has_list;                    /* layout: some field of its own file is a list of it */
};

typedef struct model_method {
    const char *name, *c_name;        /* c_name is the member: "SayHello" */
    const char *function;             /* "helloworld_Greeter_SayHello" */
    const model_message *request, *reply;
    bool client_streams, server_streams;
    const method_proto *proto;
    const location_proto *where;
} model_method;

typedef struct model_service {
    const char *name, *full_name, *c_name;
    const service_proto *proto;
    model_method *methods;
    size_t method_count;
    const location_proto *where;
} model_service;

struct model_file {
    const char *path;                 /* "dir/x.proto" */
    const char *stem;                 /* "dir/x" */
    const char *package;
    const char *prefix;               /* of C names: "acme_v1_", or "" */
    const char *symbol;               /* of its own table: "dir__x" */
    const file_proto *proto;
    bool is_proto3;
    bool is_generated;                /* the request asks for it */
    bool is_noted;                    /* scratch of whoever makes a list of files */
    model_message *messages;
    size_t message_count;
    model_enum *enums;
    size_t enum_count;
    model_service *services;
    size_t service_count;
    comments comments;
};

typedef struct plugin {
    proa_arena *arena;
    const char *failure;              /* the one line; NULL: none so far */
    const request_proto *request;
    map_bytes files, types;           /* by path; by ".package.Type" */
    model_file *all_files;            /* as in the request: imports come first */
    size_t file_count;
    const char *prefix;               /* options */
    bool strip_package;
    size_t written;                   /* bytes of all files so far */
} plugin;

typedef struct model_type { model_message *message; model_enum *enumeration; } model_type;   /* one of the two */

proa_err model_build(plugin *p);      /* every type is there, by name; then resolve_all */
proa_err resolve_all(plugin *p);      /* what fields and methods refer to */

/* Keeps the first failure, "x.proto: message a.B: why", and returns PROA_ERR_MALFORMED. */
proa_err plugin_fail(plugin *p, const char *format, ...) PROA_PRINTF(2, 3);
/* In the arena: zeroed; formatted; copied. NULL or "" when it ran out, which the arena remembers. */
void *plugin_new(plugin *p, size_t count, size_t size);
const char *plugin_format(plugin *p, const char *format, ...) PROA_PRINTF(2, 3);
const char *plugin_text(plugin *p, proa_bytes bytes);
/* The name with `_` behind it when it is not free. */
const char *plugin_member(plugin *p, const char *name);
#endif
