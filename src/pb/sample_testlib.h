/* SPDX-License-Identifier: Apache-2.0 */
/* A place to decode and encode the samples in, and the ways of feeding a decoder: where 16 bytes behind the end can be read
 * and where not one can, whole and cut. */
#ifndef PB_SAMPLE_TESTLIB_H
#define PB_SAMPLE_TESTLIB_H
/* cmocka wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/base.h"
#include "pb/pb.h"
#include "pb/sample3_header.inc"
#include "pb/sample2_header.inc"

typedef struct bench {
    proa_arena *arena;
    proa_error error;      /* of the last decode */
    void *copies[128];      /* inputs with nothing behind them: messages alias them */
    size_t copy_count;
} bench;

int bench_setup(void **state);
int bench_teardown(void **state);

/* Both ways must agree, in the message (encoded again) or in the error. NULL: error is set. */
void *bench_decode(bench *b, const proa_type *type, const char *data, size_t size);
proa_bytes bench_encode(bench *b, const proa_type *type, const void *message);   /* both ways, which must agree; fails the test */
/* No strict prefix of this one field may decode; whole it does. */
void bench_refuse_cuts(bench *b, const proa_type *type, const char *data, size_t size);
/* Every prefix, and seeded changes of bytes: whatever comes out must encode, and decode again to the same bytes. */
void bench_survive(bench *b, const proa_type *type, const char *data, size_t size);

#define BYTES(literal) literal, sizeof(literal) - 1
#define DECODE3(b, literal) ((sample3_Node *)bench_decode(b, &sample3_Node_type, BYTES(literal)))
#define DECODE2(b, literal) ((sample2_Legacy *)bench_decode(b, &sample2_Legacy_type, BYTES(literal)))
#define PIECE(b, literal) ((sample2_Legacy_Piece *)bench_decode(b, &sample2_Legacy_Piece_type, BYTES(literal)))
#define assert_bytes(bytes, literal) \
    do { \
        proa_bytes bytes_ = (bytes); \
        assert_int_equal(bytes_.size, sizeof(literal) - 1); \
        assert_memory_equal(bytes_.data, literal, sizeof(literal) - 1); \
    } while (0)
#define assert_encodes(b, T, message, literal) assert_bytes(bench_encode(b, &T##_type, message), literal)
#define assert_refused(b, T, literal, words) \
    do { \
        bench *bench_ = (b); \
        assert_null(bench_decode(bench_, &T##_type, BYTES(literal))); \
        if (!strstr(bench_->error.text, words)) \
            fail_msg("\"%s\" does not say \"%s\"", bench_->error.text, words); \
    } while (0)
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
#endif
