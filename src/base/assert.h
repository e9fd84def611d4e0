/* SPDX-License-Identifier: Apache-2.0 */
/* A programmer's error, never a peer's: the one place of the library that may abort. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/* Stays on in release. `rule` is what the caller broke, in words: PROA_ASSERT(call, "a call is needed"). */
#define PROA_ASSERT(condition, rule) ((condition) ? (void)0 : assert_failed((rule), __FILE__, __LINE__))

/* Prints the rule and where it broke, calls the hook, then aborts unless the hook does not return. */
_Noreturn void assert_failed(const char *rule, const char *file, int line);

/* For tests: called before the abort, may longjmp away. NULL: none. */
void assert_set_hook(void (*hook)(const char *rule));
#endif
