#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the pure tables of src/hpack: huffman.inc (RFC 7541 B), static_table.inc (RFC 7541 A), names.inc.

The Huffman code of HPACK is canonical: within a length, codes count up in the order of the symbols. So the lengths alone
are the table. Usage: hpack_tables.py [--check] (check: exit 1 when a file is not what would be written)."""
import os
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "hpack")
EOS = 256
FAST_BITS = 8

LENGTHS = """
13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28   28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
 6 10 10 12 13  6  8 11 10 10  8 11  8  6  6  6    5  5  5  6  6  6  6  6  6  6  7  8 15  6 12 10
13  6  7  7  7  7  7  7  7  7  7  7  7  7  7  7    7  7  7  7  7  7  7  7  8  7  8 13 19 13 14  6
15  5  6  5  6  5  6  6  6  5  7  7  6  6  6  5    6  7  6  5  5  6  7  7  7  7  7 15 11 14 13 28
20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23   24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23   21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25   19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23   26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
30"""

STATIC = """
:authority||:method|GET|:method|POST|:path|/|:path|/index.html|:scheme|http|:scheme|https|:status|200|:status|204|
:status|206|:status|304|:status|400|:status|404|:status|500|accept-charset||accept-encoding|gzip, deflate|
accept-language||accept-ranges||accept||access-control-allow-origin||age||allow||authorization||cache-control||
content-disposition||content-encoding||content-language||content-length||content-location||content-range||
content-type||cookie||date||etag||expect||expires||from||host||if-match||if-modified-since||if-none-match||if-range||
if-unmodified-since||last-modified||link||location||max-forwards||proxy-authenticate||proxy-authorization||range||
referer||refresh||retry-after||server||set-cookie||strict-transport-security||transfer-encoding||user-agent||vary||
via||www-authenticate|"""

# The order of enum hpack_name in hpack.h.
TOKENS = """:authority :method :path :scheme :status :protocol connection keep-alive proxy-connection transfer-encoding
upgrade te host content-type content-length content-encoding accept-encoding user-agent server date authorization
proxy-authorization cookie set-cookie grpc-timeout grpc-encoding grpc-accept-encoding grpc-message-type grpc-status
grpc-message grpc-status-details-bin grpc-previous-rpc-attempts grpc-retry-pushback-ms grpc-trace-bin
grpc-tags-bin""".split()

HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Written by tools/hpack_tables.py. %s */\n"


def constant(name):
    return "HPACK_NAME_" + name.lstrip(":").replace("-", "_").upper() if name in TOKENS else "HPACK_NAME_UNKNOWN"


def rows(values, form, per_line):
    lines = []
    for i in range(0, len(values), per_line):
        lines.append("    " + " ".join(form % v + "," for v in values[i:i + per_line]))
    return "\n".join(lines) + "\n"


def huffman():
    lengths = [int(x) for x in LENGTHS.split()]
    assert len(lengths) == 257 and sum(2 ** (30 - n) for n in lengths) == 2 ** 30
    order = sorted(range(257), key=lambda s: (lengths[s], s))
    codes, code, previous = [0] * 257, -1, lengths[order[0]]
    for s in order:
        code = (code + 1) << (lengths[s] - previous)
        previous, codes[s] = lengths[s], code
    assert codes[EOS] == 0x3fffffff and codes[ord("a")] == 3 and codes[ord("0")] == 0
    fast = [(0, 0)] * (1 << FAST_BITS)
    for s in order:
        if lengths[s] <= FAST_BITS:
            first = codes[s] << (FAST_BITS - lengths[s])
            for i in range(1 << (FAST_BITS - lengths[s])):
                fast[first + i] = (s, lengths[s])
    slow = [s for s in order if lengths[s] > FAST_BITS]
    spans = []                                         # (first code behind this length, left-aligned; length; base)
    for n in sorted({lengths[s] for s in slow}):
        these = [s for s in slow if lengths[s] == n]
        first, base = codes[these[0]], slow.index(these[0])
        limit = (first + len(these)) << (32 - n)
        spans.append((min(limit - 1, 2 ** 32 - 1), first << (32 - n), n, base))
    text = HEAD % "RFC 7541 B."
    text += "\n/* Encoding: code, right-aligned, and its length in bits. */\n"
    text += "static const struct { uint32_t code; uint8_t bits; } huffman_codes[256] = {\n"
    text += rows([(codes[s], lengths[s]) for s in range(256)], "{0x%x, %d}", 8) + "};\n"
    text += "\n/* Decoding: by the next %d bits; bits 0: a longer code. */\n" % FAST_BITS
    text += "static const struct { uint8_t symbol, bits; } huffman_fast[%d] = {\n" % len(fast)
    text += rows(fast, "{%d, %d}", 12) + "};\n"
    text += "\n/* Longer codes by length: last code (left-aligned, ones behind), first code, bits, its place in the symbols. */\n"
    text += "static const struct { uint32_t last, first; uint8_t bits, base; } huffman_spans[] = {\n"
    text += rows(spans, "{0x%08x, 0x%08x, %d, %d}", 3) + "};\n"
    text += "\nstatic const uint16_t huffman_symbols[] = {   /* 256: EOS */\n" + rows(slow, "%d", 20) + "};\n"
    return text


def static_entries():
    parts = STATIC.replace("\n", "").split("|")
    entries = list(zip(parts[0::2], parts[1::2]))
    assert len(entries) == 61, len(entries)
    return entries


def static_table():
    text = HEAD % "RFC 7541 A, from index 1."
    for name, value in static_entries():
        text += 'STATIC("%s", "%s", %s)\n' % (name, value, constant(name))
    return text


def names():
    entries = static_entries()
    first = {}
    for i, (name, _) in enumerate(entries):
        first.setdefault(name, i + 1)
    every = sorted(set(first) | set(TOKENS), key=lambda n: (len(n), n))
    text = HEAD % "Every name that has a token or a place in the static table, shortest first."
    text += "\nstatic const struct { const char *text; uint8_t size, token, index; } name_list[] = {\n"
    for name in every:
        text += '    {"%s", %d, %s, %d},\n' % (name, len(name), constant(name), first.get(name, 0))
    text += "};\n\n/* Where names of a length begin in it; the last length is that of no name. */\n"
    longest = max(map(len, every))
    starts = [sum(len(n) < size for n in every) for size in range(longest + 2)]
    text += "static const uint8_t name_starts[] = {\n" + rows(starts, "%d", 20) + "};\n"
    valued = {name for name, value in entries if value}
    text += "\n/* By token. */\nconst static_token static_tokens[HPACK_NAME_COUNT] = {\n"
    for token in TOKENS:
        text += '    [%s] = {PROA_STR_INIT("%s"), %d, %s},\n' % (
            constant(token), token, first.get(token, 0), "true" if token in valued else "false")
    text += "};\n"
    return text


def main():
    stale = 0
    for file, text in (("huffman.inc", huffman()), ("static_table.inc", static_table()), ("names.inc", names())):
        path = os.path.join(HERE, file)
        if sys.argv[1:] == ["--check"]:
            with open(path, encoding="ascii") as f:
                if f.read() != text:
                    print("%s is not what tools/hpack_tables.py writes" % path)
                    stale = 1
        else:
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
    return stale


if __name__ == "__main__":
    sys.exit(main())
