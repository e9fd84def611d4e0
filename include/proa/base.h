/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The ground of the API: views of bytes, times, operating failures, arenas.
 *
 * How these headers speak of memory, one word for each pointer that they give: *static* (never goes), *owned (free
 * with …)*, *borrowed (until …)*. How they speak of threads: "any", or the thread that may call. Numbers carry
 * their unit in their name; every time is an int64_t of nanoseconds. Every out parameter is untouched on failure, unless
 * said otherwise. What is called frozen never changes its layout; see docs/decisions/0004-growth-abi.md.
 */
#ifndef PROA_BASE_H
#define PROA_BASE_H
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
/** Opens the part of a header that has C linkage. */
#define PROA_BEGIN extern "C" {
/** Closes what PROA_BEGIN opened. */
#define PROA_END }
#else
#define PROA_BEGIN
#define PROA_END
#endif

#if defined(__GNUC__)
/** Marks what the shared library exports; everything else in it is hidden. */
#define PROA_API __attribute__((visibility("default")))
/** Marks a result that must be looked at: ignoring it is a warning. */
#define PROA_CHECK __attribute__((warn_unused_result))
/** Marks a function that formats like printf: its arguments are checked against its format. */
#define PROA_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define PROA_API
#define PROA_CHECK
#define PROA_PRINTF(fmt, first)
#endif

PROA_BEGIN

/** A view of bytes that somebody else owns: text and binary alike. Frozen.
 *
 * `data == NULL` means absent; absent and empty differ wherever presence matters. No NUL is promised behind the bytes.
 */
typedef struct proa_bytes {
    const char *data; /**< first byte, or NULL: absent */
    size_t size;      /**< number of bytes */
} proa_bytes;

#ifdef __cplusplus
/** A string literal as proa_bytes, in an expression. *static*. */
#define PROA_STR(literal) (proa_bytes{ "" literal "", sizeof(literal) - 1 })
#else
/** A string literal as proa_bytes, in an expression. *static*. */
#define PROA_STR(literal) ((proa_bytes){ "" literal "", sizeof(literal) - 1 })
#endif
/** A string literal as proa_bytes, in the initialiser of a static table, where ISO C wants a constant. */
#define PROA_STR_INIT(literal) { "" literal "", sizeof(literal) - 1 }
/** The two arguments that print proa_bytes with `"%.*s"`. Evaluates its argument four times. */
#define PROA_FMT(b) (int)((b).size < INT_MAX ? (b).size : INT_MAX), ((b).data ? (b).data : "")

/** Views the bytes of a NUL-terminated text, without its NUL. NULL gives an absent value.
 *
 * Ownership: *borrowed (until text goes)*. Thread: any.
 */
PROA_API proa_bytes proa_bytes_of(const char *text);

/** Tells whether two views hold the same bytes. Absent and empty are equal. Thread: any. */
PROA_API bool proa_bytes_is_equal(proa_bytes a, proa_bytes b);

/** Nanoseconds of a millisecond: `250 * PROA_MILLISECOND`. */
#define PROA_MILLISECOND INT64_C(1000000)
/** Nanoseconds of a second. */
#define PROA_SECOND INT64_C(1000000000)

/** An operating failure. The outcome of an RPC is not one of them: that is proa_status. */
typedef enum proa_err {
    PROA_ERR_NONE = 0,  /**< nothing failed */
    PROA_ERR_NOMEM,     /**< no memory */
    PROA_ERR_LIMIT,     /**< something is larger than a limit allows */
    PROA_ERR_MALFORMED, /**< bytes that do not follow their format */
    PROA_ERR_REQUIRED,  /**< a required field is absent (proto2) */
    PROA_ERR_CLOSED,    /**< the object was closed or has ended */
    PROA_ERR_ADDRESS,   /**< an address that cannot be parsed, resolved or bound */
    PROA_ERR_IO,        /**< the operating system failed */
    PROA_ERR_TLS,       /**< certificates, keys or a handshake */
    PROA_ERR_CONFIG     /**< options or a set-up that cannot work: a service served twice, nothing to listen on */
} proa_err;

/** What failed, where and in words, for one line in a log. Frozen. Fields that do not apply are zero. */
typedef struct proa_error {
    proa_err code;         /**< never PROA_ERR_NONE once it was filled in */
    uint32_t line;         /**< place in a text, from 1 */
    uint32_t column;       /**< in bytes, from 1 */
    size_t offset;         /**< place in bytes, from 0 */
    char text[232];        /**< one line without newline, NUL-terminated, cut to fit */
} proa_error;

/** Memory that goes all at once: everything that a message points to.
 *
 * It remembers that it ran out: what is copied or formatted is then absent and what is encoded fails, so building a
 * message needs no checks. Thread: one at a time.
 */
typedef struct proa_arena proa_arena;

/** Makes an arena; the first block of @p first_block_size bytes is allocated at the first use, 0: a default.
 *
 * Ownership: *owned (free with proa_arena_free)*. Errors: NULL, no memory. Thread: any.
 */
PROA_API proa_arena *proa_arena_new(size_t first_block_size);

/** Frees an arena and all that came from it. NULL is fine. */
PROA_API void proa_arena_free(proa_arena *arena);

/** Takes back all that came from an arena but keeps its blocks for reuse; forgets that it ran out. */
PROA_API void proa_arena_reset(proa_arena *arena);

/** Gives zeroed memory, aligned for any type.
 *
 * Ownership: *borrowed (until the arena is reset or freed)*. Errors: NULL, no memory.
 */
PROA_API void *proa_arena_alloc(proa_arena *arena, size_t size);

/** Copies bytes into an arena. Absent stays absent, empty stays empty.
 *
 * Ownership: *borrowed (until the arena is reset or freed)*. Errors: absent, no memory.
 */
PROA_API proa_bytes proa_arena_copy(proa_arena *arena, proa_bytes bytes);

/** Formats like printf into an arena. A NUL stands behind the result and is not counted.
 *
 * Ownership: *borrowed (until the arena is reset or freed)*. Errors: absent, no memory.
 */
PROA_API proa_bytes proa_arena_format(proa_arena *arena, const char *format, ...) PROA_PRINTF(2, 3);

PROA_END
#endif
