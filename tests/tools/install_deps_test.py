#!/usr/bin/env python3
"""tools/install-deps.sh with stand-ins for dpkg, apt and CMake: what it asks for, and what it refuses."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/install-deps.sh"

DPKG = """#!/bin/bash
grep -qxF "${@: -1}" "$STATE/absent" && exit 1
echo installed
"""
APT = """#!/bin/bash
if [[ $1 == -s ]]; then cat "$STATE/plan-${@: -1}" 2>/dev/null; [[ ! -e $STATE/no-plan ]]; exit; fi
echo "$*" >>"$STATE/apt"
"""
CMAKE = """#!/bin/bash
[[ $1 == --version ]] && { echo "cmake version $(cat "$STATE/version")"; exit; }
cat "$STATE/found"
"""
# What apt says where libboost1.81-dev is installed and a package wants 1.74.
NO_PLAN = """The following packages have unmet dependencies:
 libboost1.81-dev : Conflicts: libboost1.74-dev but 1.74.0+ds1-21 is to be installed
E: Error, pkgProblemResolver::Resolve generated breaks, this may be caused by held packages.
"""


class InstallDeps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = pathlib.Path(folder.name)
        for name, text in (("dpkg-query", DPKG), ("apt-get", APT), ("cmake", CMAKE),
                           ("sudo", '#!/bin/bash\n"$@"\n')):
            file = self.state / name
            file.write_text(text)
            file.chmod(0o755)
        self.write(absent="", found="", version="3.25.1")

    def write(self, **files):
        for name, text in files.items():
            (self.state / name.replace("_", "-")).write_text(text)

    def run_script(self, *groups):
        path = f"{self.state}:{os.environ['PATH']}"
        return subprocess.run([SCRIPT, *groups], capture_output=True, text=True, timeout=240,
                              env={**os.environ, "PATH": path, "STATE": str(self.state)})

    def asked_of_apt(self):
        file = self.state / "apt"
        return file.read_text() if file.exists() else ""

    def test_nothing_is_asked_where_everything_is_there(self):
        done = self.run_script("build", "test", "bench")
        self.assertEqual((done.returncode, done.stderr, self.asked_of_apt()), (0, "", ""))

    def test_a_library_that_cmake_finds_is_there(self):
        self.write(absent="libboost-dev\nlibmsgpack-cxx-dev\n", found="missing: libidn-dev\n")
        done = self.run_script("build")
        self.assertEqual((done.returncode, done.stderr, self.asked_of_apt()), (0, "", ""))

    def test_what_cmake_does_not_find_is_installed_and_nothing_else(self):
        self.write(absent="libboost-dev\nlibmsgpack-cxx-dev\n",
                   found="missing: libmsgpack-cxx-dev\n")
        done = self.run_script("build")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(self.asked_of_apt(),
                         r"install .*--no-remove --no-install-recommends libmsgpack-cxx-dev\n")

    def test_both_packages_are_named_where_apt_finds_no_plan(self):
        self.write(absent="libmsgpack-cxx-dev\nlibboost1.74-dev\n", no_plan="",
                   found="missing: libmsgpack-cxx-dev\n", plan_libmsgpack_cxx_dev=NO_PLAN)
        done = self.run_script("build")
        self.assertEqual(done.returncode, 69)
        self.assertIn("libmsgpack-cxx-dev cannot be installed beside libboost1.81-dev,", done.stderr)
        self.assertNotIn(" install ", self.asked_of_apt())

    def test_both_packages_are_named_where_apt_would_remove_one(self):
        self.write(absent="catch2\n", found="missing: catch2\n",
                   plan_catch2="Remv other-catch [1.0]\nInst catch2 (2.13)\n")
        done = self.run_script("build")
        self.assertEqual(done.returncode, 69)
        self.assertIn("catch2 cannot be installed beside other-catch,", done.stderr)
        self.assertNotIn(" install ", self.asked_of_apt())

    def test_a_cmake_that_is_too_old_is_replaced_by_debians(self):
        self.write(absent="cmake\n", version="3.18.4")
        self.assertEqual(self.run_script("build").returncode, 0)
        self.assertRegex(self.asked_of_apt(), r" cmake\n")

    def test_an_unknown_group_is_named(self):
        done = self.run_script("tests")
        self.assertEqual(done.returncode, 64)
        self.assertIn("no such group: tests", done.stderr)


if __name__ == "__main__":
    unittest.main()
