#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each checker of tools/ is fed a tree that breaks its rule, and must name file and line; and a clean one, and pass.

A tree is a dictionary {path: text}; every file gets the licence line in front unless its text says `bare:` first, so
line numbers in a case count from that line.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"
RANKS = "0 base\n1 hpack pb\n2 h2\n3 rpc io\n4 link\n5 call\n6 client server\n8 cli plugin\n"
FACE = "/* What it is. */\n"


def run(checker, files):
    """(exit code, output) of the checker over a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        tree = {"tools/ranks.txt": "bare:" + RANKS, "src/base/base.h": FACE, **files}
        for path, text in tree.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text[5:] if text.startswith("bare:") else LICENCE + text)
        done = subprocess.run([sys.executable, os.path.join(TOOLS, checker), root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Checks(unittest.TestCase):
    def refused(self, checker, files, *said):
        code, output = run(checker, files)
        self.assertEqual(code, 1, output)
        for text in said:
            self.assertIn(text, output)

    def accepted(self, checker, files, *said):
        code, output = run(checker, files)
        self.assertEqual(code, 0, output)
        for text in said:
            self.assertIn(text, output)

    # ranks

    def test_an_include_that_goes_up_is_refused(self):
        self.refused("check_ranks.py", {"src/h2/flow.c": '\n#include "call/call.h"\n'},
                     "src/h2/flow.c:3: includes call/call.h: call (rank 5) is above h2 (2)")

    def test_siblings_do_not_include_each_other(self):
        self.refused("check_ranks.py", {"src/io/loop.c": '#include "rpc/rpc.h"\n'},
                     "src/io/loop.c:2: includes rpc/rpc.h: io and rpc are siblings (rank 3)")

    def test_the_plugin_stands_on_base_and_pb_alone(self):
        self.refused("check_ranks.py", {"src/plugin/main.c": '#include "h2/h2.h"\n'},
                     "src/plugin/main.c:2: includes h2/h2.h: plugin stands on base, pb alone")

    def test_a_public_header_includes_nothing_of_src(self):
        self.refused("check_ranks.py", {"include/proa/call.h": '#include "h2/h2.h"\n'},
                     "include/proa/call.h:2: includes h2/h2.h: a public header includes nothing of src/")

    def test_an_example_includes_nothing_of_src(self):
        self.refused("check_ranks.py", {"examples/greeter/client.c": '#include "base/bytes.h"\n'},
                     "examples/greeter/client.c:2: includes base/bytes.h")

    def test_a_drawer_is_no_folder(self):
        self.refused("check_ranks.py", {"src/util/thing.c": "int a;\n"}, "src/util:1: folder refused: a drawer")

    def test_a_folder_needs_a_rank(self):
        self.refused("check_ranks.py", {"src/zip/gzip.c": "int a;\n"}, "src/zip:1: folder refused: it has no rank")

    def test_a_file_in_no_folder_is_refused(self):
        self.refused("check_ranks.py", {"src/loose.c": "int a;\n"}, "src/loose.c:1: stands in src/ itself")

    def test_includes_that_go_down_are_accepted(self):
        self.accepted("check_ranks.py", {"src/call/step.c": '#include "proa/call.h"\n#include "call/wait.h"\n'
                                         '#include "wait.h"\n#include "h2/h2.h"\n#include <string.h>\n'})

    # faces

    def test_a_room_of_another_folder_is_refused(self):
        self.refused("check_faces.py", {"src/rpc/rpc.h": FACE, "src/rpc/exchange.c": '#include "h2/flow.h"\n'},
                     "src/rpc/exchange.c:2: includes h2/flow.h: outside h2 only its face h2/h2.h may be")

    def test_a_test_outside_the_folder_uses_the_face_too(self):
        self.refused("check_faces.py", {"tests/h2/probe.c": '\n\n#include "h2/frame.h"\n'},
                     "tests/h2/probe.c:4: includes h2/frame.h")

    def test_a_fuzz_target_belongs_to_the_folder_of_its_name(self):
        self.accepted("check_faces.py", {"tests/fuzz/h2_frame_fuzz.c": '#include "h2/frame.h"\n'})
        self.refused("check_faces.py", {"tests/fuzz/rpc_metadata_fuzz.c": '#include "h2/frame.h"\n'},
                     "tests/fuzz/rpc_metadata_fuzz.c:2: includes h2/frame.h")

    def test_tables_are_data_for_tests_alone(self):
        self.accepted("check_faces.py", {"tests/fuzz/pb_fuzz.c": '#include "pb/sample.inc"\n'})
        self.refused("check_faces.py", {"src/rpc/rpc.h": FACE, "src/rpc/exchange.c": '#include "pb/sample.inc"\n'},
                     "src/rpc/exchange.c:2: includes pb/sample.inc")

    def test_a_folder_without_a_face_is_refused(self):
        self.refused("check_faces.py", {"src/h2/flow.c": "int a;\n"}, "src/h2:1: has no face header h2.h")

    def test_a_face_opens_with_a_short_comment(self):
        self.refused("check_faces.py", {"src/h2/h2.h": "#define A\n"}, "src/h2/h2.h:2: the face does not open")
        self.refused("check_faces.py", {"src/h2/h2.h": "/*\n" + " * more\n" * 12 + " */\n"}, "at most 12")

    def test_rooms_of_base_and_faces_are_accepted(self):
        self.accepted("check_faces.py", {"src/rpc/rpc.h": FACE + '#include "h2/h2.h"\n#include "base/bytes.h"\n'
                                         '#include "rpc/status.h"\n'})

    # lengths

    def test_a_long_function_is_refused_where_it_starts(self):
        body = "static int f(int a)\n{\n" + "    a++;\n" * 69 + "}\n"
        self.refused("check_lengths.py", {"src/h2/flow.c": "\n" + body}, "src/h2/flow.c:4: f has 71 lines, at most 70")

    def test_a_function_of_seventy_lines_is_accepted(self):
        body = "static int f(int a)\n{\n" + "    a++;\n" * 68 + "}\n"
        self.accepted("check_lengths.py", {"src/h2/flow.c": body}, "1 functions")

    def test_one_line_bodies_and_braces_in_text_do_not_run_together(self):
        text = 'static int f(int a)\n{ return a; }\n' + 'static const char *g(void)\n{\n    return "{{" "/*";\n}\n' * 30
        self.accepted("check_lengths.py", {"src/h2/flow.c": text}, "31 functions")

    def test_a_long_table_inside_a_file_is_no_function(self):
        self.accepted("check_lengths.py", {"src/h2/flow.c": "static const int t[] = {\n" + "    1,\n" * 100 + "};\n"})

    def test_a_long_file_is_refused(self):
        self.refused("check_lengths.py", {"src/h2/flow.c": "int a;\n" * 800}, "src/h2/flow.c:801: the file has 801 lines")

    def test_a_wide_line_is_refused(self):
        self.refused("check_lengths.py", {"src/h2/flow.c": "/* " + "x" * 130 + " */\n"}, "src/h2/flow.c:2: the line has 136")

    def test_generated_files_and_tables_are_exempt_and_counted(self):
        long = "int a;\n" * 900
        self.accepted("check_lengths.py", {"src/pb/x.proa.c": "bare:/* Generated by protoc-gen-proa */\n" + long,
                                           "src/hpack/table.inc": long}, "1 generated files, 1 tables")

    def test_a_generated_name_without_the_banner_is_not_exempt(self):
        self.refused("check_lengths.py", {"src/pb/x.proa.c": "int a;\n" * 900}, "src/pb/x.proa.c:801:")

    # licence

    def test_a_source_without_the_licence_line_is_refused(self):
        self.refused("check_licence.py", {"src/h2/flow.c": "bare:int a;\n"}, "src/h2/flow.c:1: no SPDX")

    def test_a_script_without_suffix_is_seen(self):
        self.refused("check_licence.py", {".ci/run": "bare:#!/bin/sh\ntrue\n"}, ".ci/run:1: no SPDX")

    def test_generated_code_is_the_users(self):
        self.accepted("check_licence.py", {"examples/x.proa.h": "bare:/* Generated by protoc-gen-proa 0.1 */\nint a;\n"},
                      "exempt: 1 generated")

    # assertions

    def test_abort_and_assert_are_refused(self):
        self.refused("check_assertions.py", {"src/h2/flow.c": "void f(void)\n{\n    abort();\n    assert(1);\n}\n"},
                     "src/h2/flow.c:4: abort()", "src/h2/flow.c:5: assert()")

    def test_the_header_of_assert_is_refused(self):
        self.refused("check_assertions.py", {"src/h2/flow.c": "#include <assert.h>\n"}, "src/h2/flow.c:2: <assert.h>")

    def test_our_macro_its_home_tests_and_comments_are_accepted(self):
        self.accepted("check_assertions.py", {
            "src/h2/flow.c": 'void f(void)\n{\n    PROA_ASSERT(1, "abort()"); /* never abort() */\n}\n'
                             "static_assert(1, \"\");\n",
            "src/base/assert.c": "void f(void)\n{\n    abort();\n}\n",
            "src/h2/flow_test.c": "#include <assert.h>\nvoid f(void)\n{\n    assert(1);\n}\n"})

    # names

    def test_a_stem_stands_once_in_the_tree(self):
        self.refused("check_names.py", {"src/h2/status.c": "int a;\n", "src/rpc/status.h": "int a;\n"},
                     "src/rpc/status.h:1: the stem status is taken by src/h2/status.c")

    def test_header_source_test_and_two_mains_are_accepted(self):
        self.accepted("check_names.py", {"src/h2/flow.c": "", "src/h2/flow.h": "", "src/h2/flow_test.c": "",
                                         "src/cli/main.c": "", "src/plugin/main.c": ""})

    # documentation

    @unittest.skipUnless(shutil.which("doxygen"), "doxygen is not installed: ./dev lint installs it")
    def test_an_undocumented_public_symbol_fails_the_reference(self):
        header = "/** @file\n * A header. */\n/** Documented. */\nint proa_one(void);\nint proa_two(void);\n"
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "include/proa"))
            os.makedirs(os.path.join(root, "build/docs"))
            shutil.copy(os.path.join(TOOLS, "..", "Doxyfile"), root)
            path = os.path.join(root, "include/proa/x.h")
            for text, fails in ((header, True), (header.replace("int proa_two(void);\n", ""), False)):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                done = subprocess.run(["doxygen", "Doxyfile"], cwd=root, capture_output=True, text=True)
                with open(os.path.join(root, "build/docs/warnings"), encoding="utf-8") as file:
                    warnings = file.read()
                self.assertEqual(done.returncode != 0, fails, done.stderr)
                self.assertEqual("x.h:5: error: Member proa_two" in warnings, fails, warnings)


if __name__ == "__main__":
    unittest.main()
