#!/usr/bin/env python3
"""What the compiler and the linker were to harden is in the files, as readelf sees it."""

import os
import pathlib
import re
import subprocess
import unittest

import harness
from harness import FolderTest

FILES = [pathlib.Path(harness.NEXUSD), *sorted(pathlib.Path(harness.PLUGINS).glob("nexus-*.so"))]


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True,
                          check=True, timeout=harness.DEADLINE).stdout


def problems(path):
    """What is not as it should be in a file; `stack` and `fortify` only where code needs them."""
    header, segments, dynamic, symbols = (readelf(o, path) for o in ("-h", "-l", "-d", "--dyn-syms"))
    found = set()
    if not re.search(r"^ *Type: +DYN", header, re.MULTILINE):
        found.add("pie")
    if "GNU_RELRO" not in segments:
        found.add("relro")
    if not re.search(r"\(FLAGS_1\).*\bNOW\b|\(BIND_NOW\)", dynamic):
        found.add("now")
    if not re.search(r"GNU_STACK .* RW +0x", segments):
        found.add("execstack")
    if "__stack_chk_fail" not in symbols:
        found.add("stack")
    if not re.search(r" __\w+_chk(@|$)", symbols, re.MULTILINE):
        found.add("fortify")
    return found


class Hardening(FolderTest):
    @unittest.skipIf(os.environ.get("NEXUS_SANITIZE"), "the sanitizers stand in for it")
    def test_what_is_built(self):
        self.assertGreater(len(FILES), 10)
        for file in FILES:
            with self.subTest(file=file.name):
                self.assertLessEqual(problems(file), {"stack", "fortify"})
        self.assertEqual(problems(harness.NEXUSD), set())

    def test_what_is_not_hardened_is_seen(self):
        source = self.write("main.c", "int main(void) { return 0; }\n")
        program = self.folder / "main"
        subprocess.run([os.environ["NEXUS_CC"], "-U_FORTIFY_SOURCE", "-fno-stack-protector",
                        "-fno-pie", "-no-pie", "-Wl,-z,norelro,-z,lazy,-z,execstack", source,
                        "-o", program], check=True, timeout=harness.DEADLINE)
        self.assertEqual(problems(program), {"pie", "relro", "now", "execstack", "stack", "fortify"})


if __name__ == "__main__":
    harness.main()
