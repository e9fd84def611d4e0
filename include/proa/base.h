/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROA_BASE_H
#define PROA_BASE_H
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
#define PROA_BEGIN extern "C" {
#define PROA_END }
#else
#define PROA_BEGIN
#define PROA_END
#endif
#if defined(__GNUC__)
#define PROA_API __attribute__((visibility("default")))
#define PROA_CHECK __attribute__((warn_unused_result))
#define PROA_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define PROA_API
#define PROA_CHECK
#define PROA_PRINTF(fmt, first)
#endif
PROA_BEGIN
/* A view of bytes that somebody else owns. data == NULL: absent. No NUL is promised. Frozen layout. */
typedef struct proa_bytes { const char *data; size_t size; } proa_bytes;
#ifdef __cplusplus
#define PROA_STR(literal) (proa_bytes{ "" literal "", sizeof(literal) - 1 })
#else
#define PROA_STR(literal) ((proa_bytes){ "" literal "", sizeof(literal) - 1 })
#endif
#define PROA_STR_INIT(literal) { "" literal "", sizeof(literal) - 1 }   /* for static tables: ISO C wants a constant */
#define PROA_FMT(b) (int)((b).size < INT_MAX ? (b).size : INT_MAX), ((b).data ? (b).data : "") /* for "%.*s" */
PROA_API proa_bytes proa_bytes_of(const char *text);              /* borrowed from text */
PROA_API bool proa_bytes_is_equal(proa_bytes a, proa_bytes b);
#define PROA_MILLISECOND INT64_C(1000000)                         /* every time is int64_t nanoseconds */
#define PROA_SECOND      INT64_C(1000000000)

/* Operating failures. The outcome of an RPC is not one of them: that is proa_status. */
typedef enum proa_err {
    PROA_ERR_NONE = 0, PROA_ERR_NOMEM, PROA_ERR_LIMIT, PROA_ERR_MALFORMED, PROA_ERR_REQUIRED,
    PROA_ERR_CLOSED, PROA_ERR_ADDRESS, PROA_ERR_IO, PROA_ERR_TLS, PROA_ERR_CONFIG
} proa_err;
typedef struct proa_error { proa_err code; uint32_t line, column; size_t offset; char text[232]; } proa_error;

/* Memory that goes at once. One thread at a time. Running out is remembered by the arena: what is copied or formatted
 * is then absent and what is encoded fails, so building a message needs no checks. */
typedef struct proa_arena proa_arena;
PROA_API proa_arena *proa_arena_new(size_t first_block_size);     /* owned: proa_arena_free; 0: default */
PROA_API void proa_arena_free(proa_arena *arena);
PROA_API void proa_arena_reset(proa_arena *arena);                /* keeps its blocks */
PROA_API void *proa_arena_alloc(proa_arena *arena, size_t size);  /* zeroed; NULL: no memory */
PROA_API proa_bytes proa_arena_copy(proa_arena *arena, proa_bytes bytes);
PROA_API proa_bytes proa_arena_format(proa_arena *arena, const char *format, ...) PROA_PRINTF(2, 3);
PROA_END
#endif
