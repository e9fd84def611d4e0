/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_samples.h"

#include <math.h>
#include <string.h>
#include "enums.proa.h"
#include "groups.proa.h"
#include "imports.proa.h"
#include "maps.proa.h"
#include "names.proa.h"
#include "nested.proa.h"
#include "numbers.proa.h"
#include "oneofs.proa.h"
#include "scalars2.proa.h"
#include "scalars3.proa.h"

#define IS(bytes, literal) \
    ((bytes).size == sizeof(literal) - 1 && memcmp((bytes).data, literal, sizeof(literal) - 1) == 0)

/* ---- Scalars */

static const golden_scalars3_Plain plain = {
    .f_double = 1.5,
    .f_float = -0.25f,
    .f_int32 = -1,
    .f_int64 = INT64_MIN,
    .f_uint32 = UINT32_MAX,
    .f_uint64 = UINT64_MAX,
    .f_sint32 = INT32_MIN,
    .f_sint64 = INT64_MAX,
    .f_fixed32 = 1,
    .f_fixed64 = 2,
    .f_sfixed32 = -3,
    .f_sfixed64 = -4,
    .f_bool = true,
    .f_string = PROA_STR_INIT("caf\303\251"),
    .f_bytes = PROA_STR_INIT("\0\377"),
};

static bool check_plain(const void *decoded)
{
    const golden_scalars3_Plain *m = decoded;
    return m->f_double == 1.5 && m->f_float == -0.25f && m->f_int32 == -1 && m->f_int64 == INT64_MIN &&
           m->f_uint32 == UINT32_MAX && m->f_uint64 == UINT64_MAX && m->f_sint32 == INT32_MIN &&
           m->f_sint64 == INT64_MAX && m->f_fixed32 == 1 && m->f_fixed64 == 2 && m->f_sfixed32 == -3 &&
           m->f_sfixed64 == -4 && m->f_bool && IS(m->f_string, "caf\303\251") && IS(m->f_bytes, "\0\377") &&
           !m->unknown_;
}

static const golden_scalars3_Optional optional = {
    .f_int32 = PROA_SOME(0),
    .f_uint64 = PROA_SOME(1),
    .f_bool = PROA_SOME(false),
    .f_string = PROA_STR_INIT(""),
    .f_float = PROA_SOME(-1.0f),
};

static bool check_optional(const void *decoded)
{
    const golden_scalars3_Optional *m = decoded;
    return m->f_int32.has && m->f_int32.value == 0 && m->f_uint64.has && m->f_uint64.value == 1 && m->f_bool.has &&
           !m->f_bool.value && m->f_string.data && m->f_string.size == 0 && m->f_float.has && m->f_float.value == -1 &&
           !m->f_int64.has && !m->f_double.has && !m->f_bytes.data;
}

static int32_t some_int32s[] = { 0, -1, 300 };
static bool some_bools[] = { true, false };
static double some_doubles[] = { 0.5, -0.0 };
static proa_bytes some_strings[] = { PROA_STR_INIT("a"), PROA_STR_INIT("") };
static const golden_scalars3_Repeated repeated = {
    .f_int32 = PROA_LIST(some_int32s),
    .f_bool = PROA_LIST(some_bools),
    .f_double = PROA_LIST(some_doubles),
    .f_string = PROA_LIST(some_strings),
};

static bool check_repeated(const void *decoded)
{
    const golden_scalars3_Repeated *m = decoded;
    return m->f_int32.count == 3 && m->f_int32.data[1] == -1 && m->f_int32.data[2] == 300 && m->f_bool.count == 2 &&
           m->f_bool.data[0] && !m->f_bool.data[1] && m->f_double.count == 2 && m->f_double.data[0] == 0.5 &&
           signbit(m->f_double.data[1]) && m->f_string.count == 2 && IS(m->f_string.data[0], "a") &&
           IS(m->f_string.data[1], "") && m->f_bytes.count == 0 && !m->f_bytes.data;
}

/* ---- Defaults: what is not there has them, in the getter and in value. */

static const golden_scalars2_Defaults defaults = { .f_int32 = PROA_SOME(0), .f_string = PROA_STR_INIT("") };

static bool check_defaults(const void *decoded)
{
    const golden_scalars2_Defaults *m = decoded;
    return golden_scalars2_Defaults_f_int32(m) == 0 && IS(golden_scalars2_Defaults_f_string(m), "") &&
           golden_scalars2_Defaults_f_double(m) == 1.5 && golden_scalars2_Defaults_f_float(m) == -0.1f &&
           golden_scalars2_Defaults_f_int64(m) == INT64_MIN && golden_scalars2_Defaults_f_uint32(m) == UINT32_MAX &&
           golden_scalars2_Defaults_f_uint64(m) == UINT64_MAX && golden_scalars2_Defaults_f_sint32(m) == INT32_MIN &&
           golden_scalars2_Defaults_f_sint64(m) == INT64_MAX && golden_scalars2_Defaults_f_bool(m) &&
           IS(golden_scalars2_Defaults_f_bytes(m), "\0\1\377a1'\"\\\n") &&
           golden_scalars2_Defaults_f_color(m) == golden_scalars2_BLUE &&
           golden_scalars2_Defaults_f_first(m) == golden_scalars2_RED && isinf(golden_scalars2_Defaults_f_inf(m)) &&
           golden_scalars2_Defaults_f_minus_inf(m) < 0 && isnan(golden_scalars2_Defaults_f_nan(m)) &&
           golden_scalars2_Defaults_f_large(m) == 1e300 && golden_scalars2_Defaults_f_small(m) == 1e-40f &&
           signbit(golden_scalars2_Defaults_f_minus_zero(m)) && golden_scalars2_Defaults_type_(m) == 1 &&
           golden_scalars2_Defaults_in_oneof(m) == 5 && IS(golden_scalars2_Defaults_text_in_oneof(m), "five") &&
           !m->f_double.has && m->f_double.value == 1.5 && !m->f_color.has &&
           m->f_color.value == golden_scalars2_BLUE && m->f_int32.has && m->f_int32.value == 0 && m->f_zero.value == 0;
}

static bool check_default_text(const void *decoded)
{
    return IS(golden_scalars2_Defaults_f_string(decoded), "say \"hi\"\n?\?= caf\303\251 \\ end") &&
           golden_scalars2_Defaults_f_int32(decoded) == -42;
}

static const golden_scalars2_Defaults nothing = { 0 };

/* ---- Enums, oneofs, maps, groups, nesting */

static golden_enums_Level some_levels[] = { (golden_enums_Level)-77, golden_enums_LEVEL_LOWEST, (golden_enums_Level)5 };
static const golden_enums_Uses enums = {
    .level = (golden_enums_Level)-1,
    .maybe = PROA_SOME(golden_enums_LEVEL_UNSPECIFIED),
    .levels = PROA_LIST(some_levels),
    .loose = PROA_LIST(some_levels),
    .one = { .which = golden_enums_Uses_one_alias, .alias = golden_enums_ALIAS_UNO },
};

static bool check_enums(const void *decoded)
{
    const golden_enums_Uses *m = decoded;
    return m->level == golden_enums_LEVEL_LOW && m->maybe.has && m->levels.count == 3 &&
           (int)m->levels.data[0] == -77 && m->levels.data[1] == golden_enums_LEVEL_LOWEST && m->loose.count == 3 &&
           m->one.which == golden_enums_Uses_one_alias && m->one.alias == golden_enums_ALIAS_ONE && m->kind == 0;
}

static golden_oneofs_Sub sub = { .value = 0 };
static const golden_oneofs_Choice oneof = {
    .kind = { .which = golden_oneofs_Choice_kind_sub, .sub = &sub },
    .second = { .which = golden_oneofs_Choice_second_b, .b = -3 },
    .synthetic = PROA_SOME(7),
    .not_set = { .which = golden_oneofs_Choice_not_set_c, .c = 0 },
};

static bool check_oneof(const void *decoded)
{
    const golden_oneofs_Choice *m = decoded;
    return m->kind.which == golden_oneofs_Choice_kind_sub && m->kind.sub && m->kind.sub->value == 0 &&
           m->second.which == golden_oneofs_Choice_second_b && m->second.b == -3 && m->synthetic.value == 7 &&
           m->not_set.which == golden_oneofs_Choice_not_set_c;
}

static golden_maps_Maps_int32s_entry some_numbers[] = { { -1, 1 }, { 5, 0 } };
static golden_maps_Maps_points_entry some_points[] = { { PROA_STR_INIT("p"), { .x = 1, .y = -1 } },
                                                       { PROA_STR_INIT(""), { 0 } } };
static golden_maps_Maps_bools_entry some_flags[] = { { true, false } };
static golden_maps_Maps_selves_entry some_selves[] = { { PROA_STR_INIT("s"), { .bools = PROA_LIST(some_flags) } } };
static const golden_maps_Maps maps = {
    .int32s = PROA_LIST(some_numbers),
    .points = PROA_LIST(some_points),
    .selves = PROA_LIST(some_selves),
};

static bool check_maps(const void *decoded)
{
    const golden_maps_Maps *m = decoded;
    return m->int32s.count == 2 && m->int32s.data[0].key == -1 && m->int32s.data[0].value == 1 &&
           m->points.count == 2 && IS(m->points.data[0].key, "p") && m->points.data[0].value.y == -1 &&
           m->selves.count == 1 && m->selves.data[0].value.bools.count == 1 &&
           m->selves.data[0].value.bools.data[0].key;
}

static golden_groups_Groups_One_Deep some_deep[] = { { .name = PROA_STR_INIT("x") }, { .name = PROA_STR_INIT("") } };
static golden_groups_Groups_One one = { .a = PROA_SOME(-1), .deep = PROA_LIST(some_deep) };
static golden_groups_Groups_Many some_many[] = { { .b = PROA_SOME(-3) }, { 0 } };
static golden_groups_Groups_InOneof in_oneof = { .c = PROA_SOME(true) };
static const golden_groups_Groups groups = {
    .one = &one,
    .many = PROA_LIST(some_many),
    .choice = { .which = golden_groups_Groups_choice_inoneof, .inoneof = &in_oneof },
};

static bool check_groups(const void *decoded)
{
    const golden_groups_Groups *m = decoded;
    return m->one && m->one->a.value == -1 && m->one->deep.count == 2 && IS(m->one->deep.data[0].name, "x") &&
           m->many.count == 2 && m->many.data[0].b.value == -3 && !m->many.data[1].b.has &&
           m->choice.which == golden_groups_Groups_choice_inoneof && m->choice.inoneof->c.value;
}

static golden_nested_Tree leaves[] = { { .name = PROA_STR_INIT("a") }, { 0 } };
static golden_nested_Tree left = { .children = PROA_LIST(leaves) };
static const golden_nested_Tree tree = { .name = PROA_STR_INIT("root"), .children = PROA_LIST(leaves), .left = &left };

static bool check_tree(const void *decoded)
{
    const golden_nested_Tree *m = decoded;
    return IS(m->name, "root") && m->children.count == 2 && IS(m->children.data[0].name, "a") && m->left &&
           m->left->children.count == 2 && !m->left->left;
}

static golden_dir_Base base = { .name = PROA_STR_INIT("b") };
static golden_dir_State some_states[] = { golden_dir_STATE_READY };
static const golden_imports_Uses imports = {
    .base = &base,
    .bases = { &base, 1 },
    .states = PROA_LIST(some_states),
    .mood = golden_nested_Outer_Middle_Inner_MOOD_GOOD,
};

static int32_t some_far[] = { 1, 2 };
static const golden_numbers_Edges numbers = { .n536870911 = 1,
                                              .n1 = PROA_STR_INIT("1"),
                                              .n262143 = PROA_LIST(some_far) };

static Foo foo = { .x = 29 };
static const Members names = { .and_ = 1, .linux_ = 2, .EOF_ = 5, .NULL_ = 6, .unknown__ = 22, .Foo_ = &foo, .I_ = 14 };

const golden_sample golden_samples[] = {
    { "plain", &golden_scalars3_Plain_type, &plain, check_plain },
    { "optional", &golden_scalars3_Optional_type, &optional, check_optional },
    { "repeated", &golden_scalars3_Repeated_type, &repeated, check_repeated },
    { "defaults", &golden_scalars2_Defaults_type, &defaults, check_defaults },
    { "nothing", &golden_scalars2_Defaults_type, &nothing, check_default_text },
    { "enums", &golden_enums_Uses_type, &enums, check_enums },
    { "oneof", &golden_oneofs_Choice_type, &oneof, check_oneof },
    { "maps", &golden_maps_Maps_type, &maps, check_maps },
    { "groups", &golden_groups_Groups_type, &groups, check_groups },
    { "tree", &golden_nested_Tree_type, &tree, check_tree },
    { "imports", &golden_imports_Uses_type, &imports, NULL },
    { "numbers", &golden_numbers_Edges_type, &numbers, NULL },
    { "names", &Members_type, &names, NULL },
};
const size_t golden_sample_count = sizeof golden_samples / sizeof golden_samples[0];
