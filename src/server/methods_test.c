/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and what they are bound to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "server/methods.h"

static int users[4];

static proa_err add(methods *m, const char *path, int user)
{
    proa_error error = { 0 };
    proa_err err = methods_add(m, path, &(call_binding){ .user = &users[user] }, &error);
    assert_int_equal(err, error.code);
    if (err)
        assert_int_not_equal(error.text[0], 0);
    return err;
}

static void *user_of(const methods *m, const char *path)
{
    const call_binding *binding = methods_find(m, proa_bytes_of(path));
    return binding ? binding->user : NULL;
}

static void path_finds_its_binding_and_no_other(void **state)
{
    (void)state;
    methods m;
    methods_init(&m, 1);
    char path[] = "/pkg.Service/One";
    assert_int_equal(add(&m, path, 1), PROA_ERR_NONE);
    path[1] = 'x'; /* it was copied */
    assert_int_equal(add(&m, "/pkg.Service/Two", 2), PROA_ERR_NONE);
    assert_ptr_equal(user_of(&m, "/pkg.Service/One"), &users[1]);
    assert_ptr_equal(user_of(&m, "/pkg.Service/Two"), &users[2]);
    static const char *const none[] = { "",
                                        "/",
                                        "/pkg.Service/",
                                        "/pkg.Service/one",
                                        "/pkg.Service/Three",
                                        "pkg.Service/One",
                                        "/pkg.Service/One/",
                                        "/xkg.Service/One" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_null(methods_find(&m, proa_bytes_of(none[i])));
    methods_fini(&m);
}

static void fallback_takes_what_nobody_serves(void **state)
{
    (void)state;
    methods m;
    methods_init(&m, 1);
    assert_int_equal(add(&m, "/a.B/C", 1), PROA_ERR_NONE);
    assert_int_equal(add(&m, NULL, 2), PROA_ERR_NONE);
    assert_int_equal(add(&m, NULL, 3), PROA_ERR_CONFIG);
    assert_ptr_equal(user_of(&m, "/a.B/C"), &users[1]);
    assert_ptr_equal(user_of(&m, "/any/thing"), &users[2]);
    methods_fini(&m);
}

static void path_is_served_once_and_is_one(void **state)
{
    (void)state;
    methods m;
    methods_init(&m, 1);
    assert_int_equal(add(&m, "/a.B/C", 1), PROA_ERR_NONE);
    assert_int_equal(add(&m, "/a.B/C", 2), PROA_ERR_CONFIG);
    assert_ptr_equal(user_of(&m, "/a.B/C"), &users[1]);
    static const char *const bad[] = { "", "/", "//", "/a", "/a/", "a/b", "//b", "a" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(add(&m, bad[i], 3), PROA_ERR_CONFIG);
    methods_fini(&m);
}

static void service_is_known_by_any_of_its_methods(void **state)
{
    (void)state;
    methods m;
    methods_init(&m, 1);
    assert_int_equal(add(&m, "/a.B/C", 1), PROA_ERR_NONE);
    assert_true(methods_has_service(&m, PROA_STR("/a.B/Unknown")));
    assert_false(methods_has_service(&m, PROA_STR("/a.BB/C")));
    assert_false(methods_has_service(&m, PROA_STR("/a/C")));
    assert_false(methods_has_service(&m, PROA_STR("a.B")));
    methods_fini(&m);
}

static void without_memory_it_says_so_and_goes_on(void **state)
{
    (void)state;
    for (size_t i = 1; i < 8; i++) {
        methods m;
        methods_init(&m, 1);
        memory_watch(i);
        proa_err err = add(&m, "/a.B/C", 1);
        size_t asked = memory_unwatch();
        assert_int_equal(err, asked >= i ? PROA_ERR_NOMEM : PROA_ERR_NONE);
        methods_fini(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_finds_its_binding_and_no_other),
        cmocka_unit_test(fallback_takes_what_nobody_serves),
        cmocka_unit_test(path_is_served_once_and_is_one),
        cmocka_unit_test(service_is_known_by_any_of_its_methods),
        cmocka_unit_test(without_memory_it_says_so_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
