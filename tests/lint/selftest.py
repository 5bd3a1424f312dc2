#!/usr/bin/env python3
"""The checks can fail: each is shown a small tree with one thing wrong in it, and the same tree
without."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class LintTest(unittest.TestCase):
    def run_check(self, check, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, HERE / check, "--root", folder], check=False,
                                  capture_output=True, text=True)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, done.stdout

    def assert_good(self, check, files):
        code, text = self.run_check(check, files)
        self.assertEqual(code, 0, text)

    def assert_bad(self, check, files, *words):
        code, text = self.run_check(check, files)
        self.assertEqual(code, 1, text)
        for word in words:
            self.assertIn(word, text)

    def test_upward_include(self):
        files = {"kernel/base/a.hpp": "", "kernel/loop/b.hpp": '#include "kernel/base/a.hpp"\n'}
        self.assert_good("check_includes.py", files)
        files["kernel/base/a.hpp"] = '#pragma once\n#include "kernel/loop/b.hpp"\n'
        self.assert_bad("check_includes.py", files,
                        "kernel/base/a.hpp:2: kernel/base/ may not include kernel/loop/b.hpp")

    def test_sibling_layers(self):
        self.assert_bad("check_includes.py",
                        {"kernel/loop/b.hpp": "", "kernel/message/c.cpp":
                         '#include "kernel/loop/b.hpp"\n'},
                        "kernel/message/ may not include")

    def test_plugin_sees_the_sdk_only(self):
        files = {"sdk/include/nexus/nx_abi.h": "#include <stdint.h>\n",
                 "plugins/a/x/x.hpp": "",
                 "plugins/a/x/x.cpp": '#include "nexus/nx_abi.h"\n#include "plugins/a/x/x.hpp"\n'}
        self.assert_good("check_includes.py", files)
        files["kernel/base/a.hpp"] = ""
        files["plugins/a/x/x.cpp"] = '#include "kernel/base/a.hpp"\n'
        self.assert_bad("check_includes.py", files, "plugins/ may not include kernel/base/a.hpp")
        files["plugins/a/x/x.cpp"] = '#include "../../../kernel/base/a.hpp"\n'
        self.assert_bad("check_includes.py", files, "plugins/ may not include kernel/base/a.hpp")
        files["plugins/a/y/y.hpp"] = ""
        files["plugins/a/x/x.cpp"] = '#include "plugins/a/y/y.hpp"\n'
        self.assert_bad("check_includes.py", files, "plugins/ may not include plugins/a/y/y.hpp")

    def test_angle_brackets_hide_nothing(self):
        self.assert_bad("check_includes.py",
                        {"kernel/base/a.hpp": "", "nexusd/b.cpp": "#include <kernel/base/a.hpp>\n"},
                        "nexusd/ may not include kernel/base/a.hpp")

    def test_sdk_is_iso_c(self):
        self.assert_bad("check_includes.py",
                        {"sdk/include/nexus/nx_abi.h": "#include <unistd.h>\n"},
                        "not <unistd.h>")

    def test_size(self):
        line = "int x;\n"
        self.assert_good("check_size.py", {"a.cpp": line * 500})
        self.assert_bad("check_size.py", {"a.cpp": line * 501}, "a.cpp:1: 501 lines")
        self.assert_good("check_size.py", {"a.cpp": "// Long because: a table.\n" + line * 501})
        self.assert_bad("check_size.py", {"a.cpp": line * 20 + "// Long because: late.\n" +
                                          line * 501}, "522 lines")
        self.assert_bad("check_size.py", {"a.cpp": "// Long because: a table.\n" + line * 800},
                        "801 lines")

    def test_format(self):
        style = {".clang-format": "BasedOnStyle: Google\n"}
        self.assert_good("check_format.py", {**style, "a.cpp": "int x = 1;\n"})
        self.assert_bad("check_format.py", {**style, "a.cpp": "int  x=1 ;\n"}, "a.cpp:1:")

    def test_links(self):
        files = {"README.md": "# Top\n[a](docs/a.md#two-words) [w](https://example.com/x)\n",
                 "docs/a.md": "## Two `words`\n```\n[no](link.md)\n```\n[up](../README.md#top)\n"}
        self.assert_good("check_docs.py", files)
        self.assert_bad("check_docs.py", {**files, "b.md": "[x](docs/none.md)\n"},
                        "b.md:1: docs/none.md leads nowhere")
        self.assert_bad("check_docs.py", {**files, "b.md": "\n[x](docs/a.md#three)\n"},
                        "b.md:2: docs/a.md has no heading #three")

    def test_names_of_tests(self):
        def test(name):
            return {"a_test.cpp": f'TEST_CASE("{name}") {{}}\n'}

        self.assert_good("check_tests.py", test("T-1: a, b [c] and d: fine"))
        for name in ("a; b", 'say \\"x\\"', "--option does", " blank", "*all"):
            self.assert_bad("check_tests.py", test(name), "a_test.cpp:1: ", "never be run")
        self.assert_bad("check_tests.py", {"a_test.cpp": 'TEST_CASE("a") {}\nTEST_CASE("a") {}\n'},
                        "a_test.cpp:2: ", "too")

    def test_ids_of_rules(self):
        files = {"tests/lint/ids.txt": "# rules\nR: 1-2 7\n",
                 "a_test.cpp": 'TEST_CASE("R-01, R-02: a") {}\nTEST_CASE("R-07: b") {}\n'}
        self.assert_good("check_ids.py", files)
        self.assert_bad("check_ids.py", {**files, "tests/lint/ids.txt": "R: 1-3 7\n"},
                        "tests/lint/ids.txt:1: no test case is named after R-03")
        self.assert_bad("check_ids.py", {**files, "tests/lint/ids.txt": "R-01\n"}, "must read like")
        table = "| GO-17.1 | x | here |\n| GO-17.2 | y | `t/b.py: test_c` |\n"
        files = {"tests/regress/README.md": table, "t/b.py": "def test_c(self):\n",
                 "a_test.cpp": 'TEST_CASE("GO-17.1: a") {}\n'}
        self.assert_good("check_ids.py", files)
        self.assert_bad("check_ids.py", {**files, "a_test.cpp": 'TEST_CASE("GO-17.11: a") {}\n'},
                        "GO-17.1 has no test case of its name")
        self.assert_bad("check_ids.py", {**files, "t/b.py": "def test_d(self):\n"},
                        "GO-17.2: there is no test_c in t/b.py")
        files = {"kernel/message/options.cpp": '{"rkey", kCall | kYield, Kind::string, x},',
                 "tests/protocol/bad_options_test.cpp": '{kCall, "rkey"}'}
        self.assert_good("check_ids.py", files)
        self.assert_bad("check_ids.py", {**files, "tests/protocol/bad_options_test.cpp": ""},
                        "does not try the option rkey")

    def test_an_empty_tree_is_not_good(self):
        for check in ("check_includes.py", "check_size.py", "check_docs.py", "check_format.py",
                      "check_tests.py", "check_ids.py"):
            self.assert_bad(check, {"empty.txt": ""}, "nothing was checked")


if __name__ == "__main__":
    unittest.main()
