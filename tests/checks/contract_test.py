#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/dev/contract.py: what it drops of a .proto file, and that the rest says the same."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CONTRACT = os.path.join(ROOT, "tools/dev/contract.py")

WITH = """syntax = "proto3";
package p; // option (not.this) = true;
import "gogoproto/gogo.proto";
import "google/api/annotations.proto";
import public "q/other.proto";
import "old/place/kept.proto";
option go_package = "example.test/p";
option (gogoproto.marshaler_all) = true;
option (swagger) = {
  security: { key: "a;b"; value: {}; }
};
service S {
  rpc Call(M) returns (M) {
    option (google.api.http) = { post: "/v3/call" body: "*" additional_bindings { post: "/x;y" } };
    option deprecated = true;
  }
}
message M {
  option (version) = "3.0";
  bytes a = 1 [(gogoproto.nullable) = false, deprecated = true, (gogoproto.customname) = "A]"];
  string b = 2 [ (gogoproto.nullable) = false ];
  string c = 3 [json_name = "[x]", debug_redact = true];
  reserved 4, 5;
  /* option (in.a.comment) = 1; */
}
"""
WITHOUT = """syntax = "proto3";
package p; // option (not.this) = true;
import public "q/other.proto";
import "new/kept.proto";
option go_package = "example.test/p";
service S {
  rpc Call(M) returns (M) {
    option deprecated = true;
  }
}
message M {
  bytes a = 1 [deprecated = true];
  string b = 2 ;
  string c = 3 [json_name = "[x]"];
  reserved 4, 5;
  /* option (in.a.comment) = 1; */
}
"""


def strip(text, *renames):
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([sys.executable, CONTRACT, source, target, *renames], capture_output=True, text=True)
        if done.returncode:
            return done.returncode, done.stderr
        with open(target, encoding="utf-8") as file:
            return 0, file.read()


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


class Contract(unittest.TestCase):
    def test_options_of_other_generators_go_and_nothing_else(self):
        code, text = strip(WITH, "old/place/=new/")
        self.assertEqual(code, 0, text)
        self.assertEqual(lines(text), lines(WITHOUT))

    def test_what_has_none_stays_as_it_is(self):
        code, text = strip(WITHOUT)
        self.assertEqual(code, 0, text)
        self.assertEqual(lines(text), lines(WITHOUT))

    def test_an_option_that_does_not_end_is_refused(self):
        code, text = strip('option (a) = { b: "c" ')
        self.assertNotEqual(code, 0)
        self.assertIn("does not end", text)


if __name__ == "__main__":
    unittest.main()
