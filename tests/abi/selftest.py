#!/usr/bin/env python3
"""The guards of the ABI, guarded: each must see the mistake that it is there for."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import check_tags

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
OPTIONS = argparse.Namespace(cc="cc", exports=None)


class Layout(unittest.TestCase):
    def check(self, header, old, new):
        """What layout.py says to headers in which `old` was replaced by `new`."""
        with tempfile.TemporaryDirectory() as folder:
            include = pathlib.Path(folder, "include")
            shutil.copytree(ROOT / "sdk/include", include)
            path = include / "nexus" / header
            text = path.read_text(encoding="utf-8")
            self.assertIn(old, text)
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
            result = subprocess.run(
                [sys.executable, HERE / "layout.py", "check", "--cc", OPTIONS.cc, "--include",
                 include, "--frozen", *sorted((ROOT / "sdk/abi").glob("v*.txt"))],
                capture_output=True, text=True, check=False)
            return "held" if result.returncode == 0 else result.stderr

    def test_the_tree_itself(self):
        self.assertEqual(self.check("nx_abi.h", "typedef", "typedef"), "held")

    def test_moved_field(self):
        says = self.check("nx_authorizer.h", "  uint32_t decision;",
                          "  uint64_t more;\n  uint32_t decision;")
        self.assertIn("nx_authz_result.decision is at 4, in v1.0", says)

    def test_swapped_slots(self):
        says = self.check("nx_host.h", "nx_buffer* (*ref)(nx_buffer* buffer);",
                          "nx_buffer* (*swap)(nx_buffer* buffer);")
        self.assertIn("no member named", says)

    def test_removed_slot(self):
        says = self.check("nx_transport.h", "  void (*drained)(nx_session* session);", "")
        self.assertNotEqual(says, "held")

    def test_changed_signature(self):
        says = self.check("nx_serializer.h", "nx_status (*emit_raw)(void* state, nx_bytes value);",
                          "nx_status (*emit_raw)(void* state, nx_str value);")
        self.assertIn("nx_serializer_v1.emit_raw is nx_status (*)(void* state, nx_bytes value)",
                      says)

    def test_changed_number(self):
        says = self.check("nx_abi.h", "#define NX_E_LIMIT (-4)", "#define NX_E_LIMIT (-44)")
        self.assertIn("NX_E_LIMIT is -4, in v1.0", says)

    def test_changed_id(self):
        says = self.check("nx_host.h", '"nexus.work/1"', '"nexus.jobs/1"')
        self.assertIn('NX_HOST_WORK is "nexus.work/1", in v1.0', says)

    def test_changed_typedef(self):
        says = self.check("nx_abi.h", "typedef uint64_t nx_op;", "typedef int64_t nx_op;")
        self.assertIn("nx_op is uint64_t", says)

    def test_grown_frozen_struct(self):
        says = self.check("nx_abi.h", "  const char* data;\n  uint64_t size;",
                          "  const char* data;\n  uint64_t size;\n  uint64_t hash;")
        self.assertIn("nx_str has 16 bytes", says)

    def test_appended_field_needs_a_new_minor(self):
        says = self.check("nx_authorizer.h", "  uint32_t reserved;\n} nx_authz_result;",
                          "  uint32_t reserved;\n  uint64_t more;\n} nx_authz_result;")
        self.assertIn("not in any sdk/abi/v*.txt", says)
        self.assertIn("nx_authz_result.more", says)


@unittest.skipUnless(shutil.which("abidiff") and shutil.which("abidw"), "needs abigail-tools")
class Abidiff(unittest.TestCase):
    def check(self, header, old, new):
        with tempfile.TemporaryDirectory() as folder:
            include = pathlib.Path(folder, "include")
            shutil.copytree(ROOT / "sdk/include", include)
            path = include / "nexus" / header
            text = path.read_text(encoding="utf-8")
            self.assertIn(old, text)
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
            tool = [sys.executable, HERE / "abidiff.py"]
            options = ["--cc", OPTIONS.cc, "--include"]
            frozen = pathlib.Path(folder, "frozen.abi")
            frozen.write_bytes(subprocess.run([*tool, "dump", *options, ROOT / "sdk/include"],
                                              capture_output=True, check=True).stdout)
            result = subprocess.run([*tool, "check", *options, include, "--frozen", frozen],
                                    capture_output=True, text=True, check=False)
            return "held" if result.returncode == 0 else result.stderr

    def test_a_moved_field(self):
        self.assertIn("'uint32_t disclose' offset changed", self.check(
            "nx_authorizer.h", "  uint32_t decision;", "  uint64_t more;\n  uint32_t decision;"))

    def test_another_type_of_the_same_size(self):
        self.assertIn("type name changed from 'nx_bytes' to 'nx_str'", self.check(
            "nx_serializer.h", "nx_status (*emit_raw)(void* state, nx_bytes value);",
            "nx_status (*emit_raw)(void* state, nx_str value);"))

    def test_structs_may_grow_at_their_end(self):
        self.assertEqual(self.check("nx_plugin.h", "} nx_option;", "  nx_str unit;\n} nx_option;"),
                         "held")


class Tags(unittest.TestCase):
    def test_where_a_tag_may_stand(self):
        self.assertEqual(list(check_tags.untagged("""
typedef struct a {
  /* Before. [main] */
  void (*one)(void *self);
  void (*two)(void *self); /* behind [loop] */
  /* A group. [any] */
  void (*three)(void *self, void (*callback)(void *user));
  void (*four)(void *self);
} a;

/* All of it is [any]. */
typedef struct b {
  void (*five)(void *self);
} b;

/* A type. [main] */
typedef void (*six)(void *user);
""")), [])

    def test_none(self):
        self.assertEqual(list(check_tags.untagged("""
typedef struct a {
  /* Nothing. */
  void (*one)(void *self);
  void (*two)(void *self); /* behind [loop] */
  void (*three)(void *self);
} a;
/* [any], but not of this struct. */

typedef void (*four)(void *user);
typedef struct b {
  /* maybe [mian] */
  void (*five)(void *self);
} b;
""")), [(4, "one"), (6, "three"), (10, "four"), (13, "five")])


class Exports(unittest.TestCase):
    def test_a_second_symbol_is_seen(self):
        if OPTIONS.exports is None:
            self.skipTest("no --exports")
        result = subprocess.run([sys.executable, HERE / "exports.py", OPTIONS.exports],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("exports some_other_function", result.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--exports", help="a library that exports what it should not")
    parser.parse_args(namespace=OPTIONS)
    unittest.main(argv=sys.argv[:1])
