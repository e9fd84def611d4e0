#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev as the first command on a machine where packages are missing: what it says, what it runs, how it exits.

The machine is made of stand-ins in front of PATH: dpkg-query knows no package, id tells the user, sudo works or not, and
apt-get and cmake only write down how they were called.
"""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
COMMANDS = "demo build test lint fmt docs bench sim fuzz conformance interop ci help".split()


class Machine:
    """A folder of stand-ins; `calls` is what they wrote down."""

    def __init__(self, folder, uid, sudo_works, installed=False):
        self.folder = folder
        self.log = os.path.join(folder, "calls")
        self.stand_in("dpkg-query", "echo -n installed" if installed else "exit 1")
        self.stand_in("id", f"echo {uid}")
        self.stand_in("sudo", f'[ "$1" = -n ] || exit 9; shift; {"exec" if sudo_works else "false"} "$@"')
        self.stand_in("apt-get", f'echo "apt-get $*" >>{self.log}')
        self.stand_in("doxygen", f'echo "doxygen $*" >>{self.log}')

    def stand_in(self, name, body):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\n{body}\n")
        os.chmod(path, 0o755)

    def run(self, *arguments):
        # A copy of what ./dev is made of: its build folder is not that of the tree.
        tree = os.path.join(self.folder, "tree")
        os.makedirs(os.path.join(tree, "tools"), exist_ok=True)
        subprocess.run(["cp", "-r", os.path.join(ROOT, "dev"), tree], check=True)
        subprocess.run(["cp", "-r", os.path.join(ROOT, "tools/dev"), os.path.join(tree, "tools")], check=True)
        path = f"{self.folder}:{os.environ['PATH']}"
        done = subprocess.run([os.path.join(tree, "dev"), *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path})
        return done.returncode, done.stdout, done.stderr

    def calls(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()


class Dev(unittest.TestCase):
    def machine(self, **how):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Machine(folder.name, **how)

    def test_a_user_without_rights_gets_the_one_line_and_nothing_happens(self):
        for command in ("demo", "build", "test"):
            machine = self.machine(uid=1000, sudo_works=False)
            code, out, err = machine.run(command)
            self.assertEqual(code, 1)
            lines = [line for line in (out + err).splitlines() if "apt-get" in line]
            self.assertEqual(len(lines), 1, out + err)
            self.assertTrue(lines[0].startswith("sudo apt-get update && sudo apt-get install -y --no-install-recommends "))
            self.assertIn("protobuf-compiler", lines[0])
            self.assertEqual(machine.calls(), [])

    def test_root_installs_without_sudo(self):
        machine = self.machine(uid=0, sudo_works=False)
        machine.run("docs")
        self.assertEqual([call.split()[1] for call in machine.calls()[:2]], ["update", "install"])
        self.assertIn("doxygen", machine.calls()[1])

    def test_sudo_is_used_where_it_works(self):
        machine = self.machine(uid=1000, sudo_works=True)
        machine.run("docs")
        self.assertEqual([call.split()[1] for call in machine.calls()[:2]], ["update", "install"])

    def test_nothing_is_said_or_installed_when_all_is_there(self):
        machine = self.machine(uid=1000, sudo_works=False, installed=True)
        code, out, err = machine.run("docs")
        self.assertEqual((code, err), (0, ""))
        self.assertNotIn("nstall", out)
        self.assertEqual(machine.calls(), ["doxygen Doxyfile"])

    def test_help_tells_every_command(self):
        code, out, _ = self.machine(uid=1000, sudo_works=False).run("help")
        self.assertEqual(code, 0)
        for command in COMMANDS:
            self.assertRegex(out, rf"(?m)^  {command}\b")

    def test_an_unknown_command_or_option_fails_in_one_line(self):
        for arguments in (["nonsense"], ["demo", "--kep"]):
            code, _, err = self.machine(uid=1000, sudo_works=False, installed=True).run(*arguments)
            self.assertEqual(code, 1)
            self.assertIn(arguments[-1], err.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
