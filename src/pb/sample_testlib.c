/* SPDX-License-Identifier: Apache-2.0 */
/* The two samples as code: what the plugin must write, compiled. */
#include "pb/sample3_header.inc"
#include "pb/sample2_header.inc"
#include "proa/codec.h"
#include "pb/sample3_source.inc"
#include "pb/sample2_source.inc"
