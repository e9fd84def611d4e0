#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""golden.py COMMAND --plugin PLUGIN [--tool TOOL] [--cc CC...] [--cxx CXX...]: what protoc-gen-proa writes, and what that does.

  same       each .proto here gives, byte for byte, the .proa.h and .proa.c beside it
  compile    all of it is C11, and the headers are C++17, without a warning, for every compiler that is named
  bad        each .proto in bad/ fails with the one line that its first line says
  options    prefix= and strip_package
  many       messages of 600 fields
  fixpoint   the plugin's own descriptor code is what the plugin writes
  cases      cases/*.txtpb: protoc writes bytes, we read and write them again, protoc reads the same out of them
  samples    samples/*.txtpb: protoc reads what it should out of structs written in C, and we what it wrote
  offsets    every message lies in memory as offsets.txt says
  update     writes same, fixpoint and offsets anew, on purpose

protoc is the judge. What imports google/protobuf/ is skipped, and said, where those files are not installed.
"""
import argparse
import filecmp
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OWN = ["google/protobuf/descriptor.proto", "google/protobuf/compiler/plugin.proto"]
INCLUDES = ["/usr/include", "/usr/local/include"]


class Run:
    def __init__(self, options):
        self.options = options
        self.failures = 0
        self.include = next((d for d in INCLUDES if os.path.exists(os.path.join(d, OWN[0]))), None)

    def fail(self, what, text):
        self.failures += 1
        print(f"{what}: {text}")

    def protoc(self, arguments, stdin=b"", check=True):
        command = ["protoc", f"--plugin=protoc-gen-proa={self.options.plugin}", "-I", HERE]
        command += ["-I", self.include] if self.include else []
        result = subprocess.run(command + arguments, input=stdin, capture_output=True)
        if check and result.returncode:
            self.fail(" ".join(arguments), result.stderr.decode().strip())
        return result

    def protos(self):
        """Paths below HERE that protoc can read on this machine."""
        found = []
        for folder in ("", "dir"):
            for name in sorted(os.listdir(os.path.join(HERE, folder))):
                path = os.path.join(folder, name)
                if not name.endswith(".proto"):
                    continue
                if "import \"google/" in read(os.path.join(HERE, path)) and not self.include:
                    print(f"skipped: {path}: google/protobuf/*.proto are not installed (Debian: libprotobuf-dev)")
                    continue
                found.append(path)
        return found

    def tool(self, *arguments, stdin=b""):
        return subprocess.run([self.options.tool, *arguments], input=stdin, capture_output=True)


def read(path, mode="r"):
    with open(path, mode) as file:
        return file.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def outputs(proto):
    return [proto[: -len(".proto")] + end for end in (".proa.h", ".proa.c")]


def generate(run, out, protos, *more):
    os.makedirs(out, exist_ok=True)
    for proto in protos:
        run.protoc([f"--proa_out={out}", *more, proto])


def wellknown(run):
    names = ["any", "api", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers"]
    return [f"google/protobuf/{name}.proto" for name in names] if run.include else []


def same(run, out):
    protos = run.protos()
    generate(run, out, protos)
    expected = set()
    for path in (path for proto in protos for path in outputs(proto)):
        new, old = os.path.join(out, path), os.path.join(HERE, path)
        expected.add(path)
        if not os.path.exists(old):
            run.fail(path, "there is no golden file (tests/golden/update)")
        elif os.path.exists(new) and not filecmp.cmp(new, old, shallow=False):
            subprocess.run(["diff", "-u", old, new])
            run.fail(path, "the plugin writes something else (on purpose: tests/golden/update)")
    again = os.path.join(out, "again")
    generate(run, again, protos)
    for path in expected:
        if read(os.path.join(out, path), "rb") != read(os.path.join(again, path), "rb"):
            run.fail(path, "two runs differ")
    for example, proto in (("greeter", "helloworld.proto"), ("telemetry", "telemetry.proto")):
        if read(os.path.join(ROOT, "examples", example, proto)) != read(os.path.join(HERE, proto)):
            run.fail(proto, f"it is not the one of examples/{example}")
    # all files in one request give the same as each alone
    together = os.path.join(out, "together")
    os.makedirs(together)
    run.protoc([f"--proa_out={together}", *(p for p in protos if p not in ("names.proto", "dashed-file.v1.proto"))])
    for path in sorted(expected):
        if os.path.exists(os.path.join(together, path)):
            if read(os.path.join(together, path), "rb") != read(os.path.join(out, path), "rb"):
                run.fail(path, "it depends on what else is in the request")
    return f"{len(expected)} files"


def compile_all(run, out):
    protos = run.protos() + wellknown(run)
    generate(run, out, protos)
    sources = [outputs(p)[1] for p in protos]
    headers = [outputs(p)[0] for p in protos]
    with open(os.path.join(out, "headers.cpp"), "w") as file:
        file.write("".join(f'#include "{header}"\n' for header in headers))
    flags = ["-Wall", "-Wextra", "-Werror", "-Wpedantic", "-fsyntax-only", "-I", out, "-I", os.path.join(ROOT, "include")]
    count = 0
    for cc in run.options.cc:
        count += compile_with(run, out, [cc, "-std=c11", "-Wmissing-prototypes", "-Wstrict-prototypes", *flags], sources)
    for cxx in run.options.cxx:
        count += compile_with(run, out, [cxx, "-std=c++17", *flags], ["headers.cpp"])
    return f"{len(sources)} sources, {len(headers)} headers, {count} compilers"


def compile_with(run, out, command, sources):
    try:
        result = subprocess.run([*command, *sources], cwd=out, capture_output=True)
    except FileNotFoundError:
        print(f"skipped: {command[0]} is not installed")
        return 0
    if result.returncode:
        run.fail(command[0], result.stderr.decode())
    return 1


def bad(run, out):
    folder = os.path.join(HERE, "bad")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".proto"))
    for name in names:
        first = read(os.path.join(folder, name)).splitlines()[0]
        want, mark, options = first.removeprefix("// ").partition(" with --proa_opt=")
        more = [f"--proa_opt={options}"] if mark else []
        result = run.protoc(["-I", folder, f"--proa_out={out}", *more, name], check=False)
        lines = result.stderr.decode().removeprefix("--proa_out: ").splitlines()
        if result.returncode != 1:
            run.fail(name, f"exit code {result.returncode}")
        if lines != [want]:
            run.fail(name, f"the line is not\n  {want}\nbut\n  " + "\n  ".join(lines))
    for arguments, stdin, want in (
        ([], b"\x0a\xff", "protoc-gen-proa: the request cannot be used: "),
        (["x.proto"], b"", "protoc-gen-proa: protoc runs this program: "),
    ):
        result = subprocess.run([run.options.plugin, *arguments], input=stdin, capture_output=True)
        lines = result.stderr.decode().splitlines()
        if result.returncode != 1 or len(lines) != 1 or not lines[0].startswith(want) or result.stdout:
            run.fail(str(arguments), f"exit code {result.returncode}, {lines}")
    return f"{len(names)} files"


def options(run, out):
    """The same file under four settings: the names change, and nothing else goes wrong."""
    for option, name in (("", "golden_nested_Tree"), ("prefix=my_", "my_golden_nested_Tree"), ("strip_package", "Tree"),
                         ("strip_package,prefix=my_", "my_Tree")):
        folder = os.path.join(out, option or "none")
        generate(run, folder, ["nested.proto"], *([f"--proa_opt={option}"] if option else []))
        if f"struct {name} {name};" not in read(os.path.join(folder, "nested.proa.h")):
            run.fail(option, f"there is no {name}")
        flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", ".", "-I", os.path.join(ROOT, "include")]
        for cc in run.options.cc[:1]:
            compile_with(run, folder, [cc, *flags], ["nested.proa.c"])
    return "4 settings"


def many(run, out):
    """600 fields of every kind in one message, and 600 in one oneof."""
    kinds = ["int32", "string", "repeated int32", "optional sint64", "Many", "repeated Many", "map<string, Many>", "double"]
    text = 'syntax = "proto3";\npackage golden.many;\nmessage Many {\n'
    text += "".join(f"  {kinds[i % len(kinds)]} field_{i} = {i + 1};\n" for i in range(600))
    text += "}\nmessage Choice {\n  oneof one {\n"
    text += "".join(f"    {('int32', 'string', 'Many')[i % 3]} case_{i} = {i + 1};\n" for i in range(600)) + "  }\n}\n"
    write(os.path.join(out, "many.proto"), text.encode())
    run.protoc(["-I", out, f"--proa_out={out}", "many.proto"])
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-fsyntax-only", "-I", "."]
    flags += ["-I", os.path.join(ROOT, "include")]
    for cc in run.options.cc[:1]:
        compile_with(run, out, [cc, *flags], ["many.proa.c"])
    return "1200 fields"


def fixpoint(run, out):
    own = [p for p in OWN if run.include and os.path.exists(os.path.join(run.include, p))]
    for proto in OWN:
        if proto not in own:
            print(f"skipped: {proto} is not installed (Debian: libprotobuf-dev, libprotoc-dev)")
    version = subprocess.run(["protoc", "--version"], capture_output=True).stdout.decode().strip()
    if version != "libprotoc 3.21.12":
        print(f"skipped: {version} has other descriptors than libprotoc 3.21.12, which wrote those that are checked in")
        return "0 files"
    generate(run, out, own)
    for path in (path for proto in own for path in outputs(proto)):
        if read(os.path.join(out, path), "rb") != read(os.path.join(ROOT, "src/plugin", path), "rb"):
            run.fail(path, "the plugin writes its own code differently (tests/golden/update, then build again)")
    return f"{2 * len(own)} files"


def load(run, folder):
    """(name, proto, type, our type, text, wanted text) of each file that can be judged on this machine."""
    can_read = run.protos()
    for name in sorted(os.listdir(os.path.join(HERE, folder))):
        stem, end = os.path.splitext(name)
        if end != ".txtpb":
            continue
        text = read(os.path.join(HERE, folder, name))
        words = text.splitlines()[0].split()
        if words[1] not in can_read:
            print(f"skipped: {folder}/{name}: {words[1]} cannot be read here")
            continue
        expect = os.path.join(HERE, folder, stem + ".expect")
        ours = words[4] if len(words) == 5 else words[2]
        yield stem, words[1], words[2], ours, text.encode(), read(expect, "rb") if os.path.exists(expect) else None


def cases(run, _):
    count = 0
    for name, proto, kind, ours, text, expect in load(run, "cases"):
        wire = run.protoc([f"--encode={kind}", proto], stdin=text).stdout
        result = run.tool("recode", ours, stdin=wire)
        if result.returncode:
            run.fail(name, result.stderr.decode())
            continue
        want = wire if expect is None else run.protoc([f"--encode={kind}", proto], stdin=expect).stdout
        is_same = result.stdout == want
        if ours != kind or expect is not None:  # unknown fields come last: the text decides
            texts = [run.protoc([f"--decode={kind}", proto], stdin=data).stdout for data in (want, result.stdout)]
            is_same = texts[0] == texts[1]
        if not is_same:
            theirs, mine = (run.protoc([f"--decode={kind}", proto], stdin=d).stdout.decode() for d in (want, result.stdout))
            run.fail(name, f"protoc wrote\n{want.hex()}\n{theirs}we wrote\n{result.stdout.hex()}\n{mine}")
        count += 1
    return f"{count} cases"


def samples(run, _):
    files = list(load(run, "samples"))
    names = run.tool("samples").stdout.decode().split()
    if sorted(names) != sorted(file[0] for file in files):
        run.fail("samples", f"the tool has {names}")
    for name, proto, kind, _, text, _ in files:
        theirs = run.protoc([f"--encode={kind}", proto], stdin=text).stdout
        ours = run.tool("sample", name)
        if ours.returncode or ours.stdout != theirs:
            decoded = run.protoc([f"--decode={kind}", proto], stdin=ours.stdout, check=False).stdout.decode()
            run.fail(name, f"{ours.stderr.decode()}out of our bytes protoc reads\n{decoded}")
        result = run.tool("check", name, stdin=theirs)
        if result.returncode:
            run.fail(name, result.stderr.decode())
    return f"{len(files)} samples"


def offsets(run, _):
    if sys.maxsize < 2**32:
        print("skipped: offsets.txt is of machines with 64 bits")
        return "0 lines"
    now, then = run.tool("offsets").stdout.decode(), read(os.path.join(HERE, "offsets.txt"))
    if now != then:
        for old, new in zip(then.splitlines(), now.splitlines()):
            if old != new:
                run.fail("offsets.txt", f"first difference\n- {old}\n+ {new}")
                break
        else:
            run.fail("offsets.txt", "one is longer")
    return f"{len(then.splitlines())} lines"


def update(run, out):
    protos = run.protos()
    generate(run, HERE, protos)
    own = [p for p in OWN if run.include and os.path.exists(os.path.join(run.include, p))]
    generate(run, os.path.join(ROOT, "src/plugin"), own)
    if run.options.tool and os.path.exists(run.options.tool):
        write(os.path.join(HERE, "offsets.txt"), run.tool("offsets").stdout)
    return f"{len(protos)} files; build and run again until fixpoint and offsets agree"


COMMANDS = {"same": same, "compile": compile_all, "bad": bad, "options": options, "many": many, "fixpoint": fixpoint,
            "cases": cases, "samples": samples, "offsets": offsets, "update": update}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--tool")
    parser.add_argument("--cc", nargs="*", default=["gcc", "clang"])
    parser.add_argument("--cxx", nargs="*", default=["g++", "clang++"])
    run = Run(parser.parse_args())
    run.options.plugin = os.path.abspath(run.options.plugin)
    with tempfile.TemporaryDirectory() as out:
        what = COMMANDS[run.options.command](run, out)
    print(f"golden {run.options.command}: {what}, {run.failures} failures")
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
