/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, whole strings. */
#ifndef PB_UTF8_H
#define PB_UTF8_H
#include <stddef.h>

size_t utf8_prefix(const char *data, size_t size);   /* how many bytes from the start are UTF-8: size when all are */
#endif
