#!/usr/bin/env python3
"""tools/stress.py against a small CTest folder: it counts what fails, keeps the output, and says so."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/stress.py"

TESTS = """
add_test(good "/bin/true")
add_test(bad "/bin/sh" "-c" "echo what went wrong; exit 3")
add_test(hangs "/bin/sleep" "600")
set_tests_properties(hangs PROPERTIES TIMEOUT 0.2 LABELS slow)
add_test(skips "/bin/sh" "-c" "exit $CODE")
set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77 ENVIRONMENT CODE=77)
"""


class Stress(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name)
        (self.build / "CTestTestfile.cmake").write_text(TESTS)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, self.build, "--copies", "2", "--rounds", "3",
                               *arguments], capture_output=True, text=True, timeout=240)

    def test_what_fails_is_counted_and_kept(self):
        done = self.run_script()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"\n   6 of 6  bad\n")
        self.assertRegex(done.stdout, r"\n   6 of 6  hangs\n")
        self.assertRegex(done.stdout, r"\n2 passed, 2 failed\n")
        self.assertIn("what went wrong", (self.build / "stress/bad.log").read_text())
        self.assertIn("no end after", (self.build / "stress/hangs.log").read_text())

    def test_tests_are_chosen_by_name_and_label(self):
        done = self.run_script("-E", "bad", "-LE", "slow")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("2 passed, 0 failed", done.stdout)

    def test_no_test_is_a_mistake(self):
        self.assertEqual(self.run_script("-R", "nothing has this name").returncode, 64)


if __name__ == "__main__":
    unittest.main()
