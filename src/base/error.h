/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in a proa_error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H
#include "proa/base.h"

/* Fills error, if there is one, and returns code. The text is cut to fit. */
proa_err error_set(proa_error *error, proa_err code, const char *format, ...) PROA_PRINTF(3, 4);
const char *error_name(proa_err code);            /* static: "out of memory" */
#endif
