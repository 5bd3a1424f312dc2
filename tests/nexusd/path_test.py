#!/usr/bin/env python3
"""The path of docs/security.md, walked from an installed tree by somebody who knows only the page.

Comments above its code blocks say what a reader does with them:

    <!-- run -->                      shell; it succeeds
    <!-- run, fails, typing "x" -->   shell; it fails, with x on standard input
    <!-- run, stays -->               a program that goes on until the end of the page
    <!-- start -->                    the router, in place of the one before
    <!-- prints -->                   lines of the block before it; … is anything
    <!-- as root -->                  for a machine of your own; not done here
    <!-- path/of/file -->             lines of that file, one after the other

A block without one is a mistake. What is changed: the installation's prefix, and addresses, which
are on loopback with whatever port is free.
"""

import os
import pathlib
import re
import select
import shlex
import subprocess
import textwrap
import time
import unittest

import harness
from harness import Daemon, FolderTest
from install_test import BUILD, do

PAGE = harness.SOURCES / "docs" / "security.md"
# Debian's, for Autobahn: the one that runs this test need not have it.
PYTHON = pathlib.Path("/usr/bin/python3")
BLOCK = re.compile(r'^(?:<!-- (?P<how>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$', re.M | re.S)


def blocks(text):
    """(line number, directive, code) of each block."""
    for found in BLOCK.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found["how"], found["code"]


@unittest.skipIf(os.environ.get("NEXUS_SANITIZE"), "the plain build walks it")
class Path(FolderTest):
    def setUp(self):
        super().setUp()
        self.prefix = self.folder / "usr"
        do("cmake", "--install", BUILD, "--prefix", self.prefix, preexec_fn=lambda: os.umask(0o022))
        self.home = self.folder / "home"
        self.home.mkdir()
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "python3").symlink_to(PYTHON)
        self.environment = {"PATH": f"{tools}:{self.prefix}/bin:/usr/bin:/bin", "HOME": str(self.home),
                            "LC_ALL": "C.UTF-8"}
        self.where = self.home
        self.ports = {}
        self.router = None
        self.output = ""

    def substituted(self, text):
        text = text.replace("/usr/local", str(self.prefix))
        for written, real in self.ports.items():
            text = text.replace(f":{written}/", f":{real}/")
        return text

    def test_the_page(self):
        done = {}
        for line, how, code in blocks(PAGE.read_text(encoding="utf-8")):
            self.line = line
            self.assertIsNotNone(how, f"line {line}: nothing says what to do with this block")
            step = how.split(",")[0].split()[0]
            done[step] = done.get(step, 0) + 1
            if "/" in how:
                self.check_quote(how, code)
            elif step == "run":
                typed = re.search(r'typing "(.*)"', how)
                options = re.sub(r'typing ".*"', "", how)
                self.run_block(self.substituted(code), "fails" in options, "stays" in options,
                               typed[1] if typed else "")
            elif step == "start":
                self.start(code)
            elif step == "prints":
                self.check_output(code)
            else:
                self.assertEqual(how, "as root")
                for name in re.findall(r" ([\w-]+\.(?:json|pem|key))(?= )", code):
                    self.assertTrue((self.where / name).exists(), f"line {line}: {name}")
        # The page has not lost its marks.
        self.assertEqual([done.get("start"), done.get("as")], [5, 1], done)
        self.assertGreater(done["run"], 15)
        self.assertEqual(self.router.stop(), 0)

    def check_quote(self, name, code):
        lines = (harness.SOURCES / name).read_text(encoding="utf-8").splitlines()
        wanted = textwrap.dedent(code).splitlines()
        self.assertTrue(any(
            textwrap.dedent("\n".join(lines[at:at + len(wanted)])).splitlines() == wanted
            for at in range(len(lines))), f"line {self.line}: these lines are not in {name}")

    def run_block(self, code, fails, stays, typed):
        if stays:
            self.leave_running(code)
            return
        # Where it ends, the next block begins.
        script = f"set -e\n{code}\npwd > {shlex.quote(str(self.folder / 'pwd'))}\n"
        done = subprocess.run(["bash", "-c", script], input=typed + "\n", text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.where,
                              env=self.environment, timeout=harness.DEADLINE)
        self.output = done.stdout
        said = self.router.error_text() if self.router else ""
        self.assertEqual(done.returncode != 0, fails, f"line {self.line}: {code}\n{done.stdout}\n{said}")
        if not fails:
            self.where = pathlib.Path((self.folder / "pwd").read_text().strip())

    def leave_running(self, code):
        """Its first line has to come; it is ended with the test."""
        process = subprocess.Popen(["bash", "-c", f"exec {code}"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.where,
                                   env=self.environment)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        end, said = time.monotonic() + harness.DEADLINE, b""
        while b"\n" not in said:
            ready, _, _ = select.select([process.stdout], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, f"{code} says nothing")
            more = os.read(process.stdout.fileno(), 4096)
            self.assertTrue(more, f"{code} ended: {said!r}\n{self.router.error_text()}")
            said += more
        self.output = said.decode()

    def start(self, code):
        if self.router:
            self.assertEqual(self.router.stop(), 0)
        program, option, name = code.split()
        self.assertEqual([program, option], ["nexusd", "-c"])
        config = self.where / name
        (address, port), = re.findall(r'"listen": "(.*:(\d+))"', config.read_text())
        config.write_text(config.read_text().replace(f'"{address}"', '"127.0.0.1:0"'))
        self.router = Daemon("-c", config, program=self.prefix / "bin/nexusd", plugins=None)
        self.addCleanup(self.router.__exit__)
        (url,) = self.router.wait_until_ready()
        self.ports[port] = url.rstrip("/").rpartition(":")[2]

    def check_output(self, code):
        lines = self.output.splitlines()
        for wanted in code.splitlines():
            pattern = ".*".join(map(re.escape, wanted.split("…")))
            self.assertTrue(any(re.fullmatch(pattern, line) for line in lines),
                            f"line {self.line}: {wanted!r} is not in\n{self.output}")


if __name__ == "__main__":
    harness.main()
