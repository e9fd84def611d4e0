/* SPDX-License-Identifier: Apache-2.0 */
/* base: the ground that every folder stands on.
 *
 * Owns: memory, bytes, buffers, counted slices, arenas, lists, maps, heaps, timer wheels, limits, assertions, trace.
 * Never does: I/O, clocks, threads, protocols. Every function is pure or works on the object that it is given.
 * Used by: everything. */
#ifndef BASE_BASE_H
#define BASE_BASE_H
#include "base/arena.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/hold.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/slab.h"
#include "base/trace.h"
#include "base/wheel.h"
#endif
