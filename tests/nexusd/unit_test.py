#!/usr/bin/env python3
"""The daemon under the system call filter of its systemd unit, without systemd.

A filter that is too narrow shows on somebody else's machine, and perhaps only when it is reloaded. Here
nexusd runs under it, and a call that the unit forbids ends it at once.
"""

import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import unittest

import harness
from secure import PASSWORDS, WELCOME, SecuredRouter

UNIT = harness.SOURCES / "etc" / "nexus.service.in"
NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
CALL, RESULT = 48, 50

# Installs a filter that lets through the calls with these numbers, and becomes nexusd.
WRAPPER = """#!/usr/bin/python3
import ctypes, os, struct, sys
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, KILL, X86_64 = 0x7FFF0000, 0x80000000, 0xC000003E
code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, X86_64), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
for number in {numbers}:
    code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
code.append((RETURN, 0, 0, KILL))
text = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in code))
program = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(text))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in ((38, 1, 0, 0, 0), (22, 2, program, 0, 0)):  # NO_NEW_PRIVS, SECCOMP
    if libc.prctl(*arguments) != 0:
        sys.exit("prctl: " + os.strerror(ctypes.get_errno()))
os.execv({nexusd!r}, [{nexusd!r}] + sys.argv[1:])
"""


def members(name):
    """The calls of a set of systemd's, or the one call."""
    if not name.startswith("@"):
        return {name}
    done = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True,
                          capture_output=True, text=True, timeout=harness.DEADLINE)
    words = [line.strip() for line in done.stdout.splitlines()[1:]]
    return set().union(*(members(word) for word in words if word and not word.startswith("#")))


def allowed_calls():
    """What the unit's SystemCallFilter= lines come to, in their order."""
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(encoding="utf-8"), re.M):
        named = set().union(*(members(word) for word in line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


class UnitFile(unittest.TestCase):
    def test_an_address_that_is_not_there_yet_does_not_end_it_for_good(self):
        unit = UNIT.read_text(encoding="utf-8")
        setting = dict(re.findall(r"^(\w+)=(.*)$", unit, re.M))
        self.assertEqual(setting["Restart"], "on-failure")
        # Systemd's own are 100 ms and 5 starts within 10 s: half a second, and it is given up.
        self.assertGreaterEqual(int(setting["RestartSec"]), 1)
        self.assertEqual(setting["StartLimitIntervalSec"], "0")
        # Its exit status would not count for RestartPreventExitStatus=: a mistake in the
        # configuration would be tried for ever.
        self.assertNotIn("ExecStartPre", setting)
        self.assertIn("StartLimitIntervalSec=", unit.partition("[Service]")[0])
        # The mistake that nobody but a person can mend is the exception.
        self.assertEqual(setting["RestartPreventExitStatus"], "64 78")
        self.assertNotIn("69", setting["RestartPreventExitStatus"].split())


@unittest.skipIf(os.environ.get("NEXUS_SANITIZE"), "sanitizers make calls of their own")
@unittest.skipUnless(platform.machine() == "x86_64" and NUMBERS.exists() and
                     shutil.which("systemd-analyze"), "needs x86-64 and systemd-analyze")
class Unit(unittest.TestCase):
    def setUp(self):
        self.router = SecuredRouter("nexus-secure.json")
        self.addCleanup(self.router.close)

    def wrapper(self, calls):
        numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text()))
        path = self.router.folder / "filtered"
        path.write_text(WRAPPER.format(nexusd=harness.NEXUSD, numbers=sorted(
            int(numbers[call]) for call in calls if call in numbers)))
        path.chmod(0o755)
        return path

    def test_it_lives_under_its_filter(self):
        self.router.start(self.wrapper(allowed_calls()))
        browser, machine = self.router.browser(), self.router.machine()
        self.addCleanup(browser.close)
        self.addCleanup(machine.close)
        self.assertEqual(browser.join_wampcra("olga", PASSWORDS["olga"][1])[0][0], WELCOME)
        self.assertEqual(self.router.join_cryptosign(machine, "machine7")[0][0], WELCOME)
        self.assertEqual(browser.ask(CALL, 1, {}, "wamp.session.count")[:2], [RESULT, 1])
        self.assertEqual(browser.ask(CALL, 2, {}, "nexus.reload")[:2], [RESULT, 2])
        browser.close()
        machine.close()
        self.assertEqual(self.router.daemon.stop(), 0, self.router.daemon.error_text())

    def test_the_filter_is_one(self):
        path = self.wrapper(allowed_calls() - {"epoll_create1", "epoll_create"})
        done = subprocess.run([path, "--tcp", "127.0.0.1:0", "--realm", "r", "--plugin-dir",
                               harness.PLUGINS], check=False, capture_output=True,
                              timeout=harness.DEADLINE)
        self.assertEqual(done.returncode, -signal.SIGSYS, done.stderr)


if __name__ == "__main__":
    harness.main()
