#!/usr/bin/env python3
"""`cmake --install` into a folder, and what an operator and an embedder do with the result."""

import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import unittest

import harness
sys.path.insert(0, str(harness.SOURCES / "tests/lint"))
import check_docs  # noqa: E402
from harness import Daemon, FolderTest, RawClient

BUILD = os.environ["NEXUS_BUILD"]
CXX = os.environ["NEXUS_CXX"]


def do(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Installed(FolderTest):
    def setUp(self):
        super().setUp()
        self.prefix = self.folder / "usr"
        # A careless umask must not make plugins that are refused.
        do("cmake", "--install", BUILD, "--prefix", self.prefix, preexec_fn=lambda: os.umask(0o002))

    def test_it_runs_with_the_configuration_that_came_along(self):
        config = self.prefix / "etc/nexus/nexus.json"
        program = self.prefix / "bin/nexusd"
        status, out, errors = harness.run("-c", config, "--check", program=program, plugins=None)
        self.assertEqual((status, errors), (0, ""), out)
        with Daemon("-c", config, "--ws", "127.0.0.1:0", "--tcp", "127.0.0.1:0",
                    "--unix", self.folder / "n.sock", program=program, plugins=None) as daemon:
            urls = daemon.wait_until_ready()
            client = RawClient(urls[1])
            self.assertEqual(client.join("realm1")[0], 2)
            client.close()
            # The line to try next names the example that was installed.
            line = daemon.lines[-1]
            script = self.prefix / "share/doc/nexus/examples/hello.py"
            self.assertTrue(line.startswith(f"try next: python3 {script} "), line)
            self.assertEqual(daemon.stop(), 0)

    def test_the_tree_may_be_moved(self):
        moved = self.folder / "elsewhere"
        self.prefix.rename(moved)
        status, out, errors = harness.run("--list-plugins", program=moved / "bin/nexusd",
                                          plugins=None)
        self.assertEqual(status, 0, errors)
        self.assertIn(str(moved), out)

    def test_plugins_cannot_be_written_by_others(self):
        plugins = list((self.prefix / "lib").rglob("nexus/plugins/*.so"))
        self.assertTrue(plugins)
        for path in [plugins[0].parent, *plugins]:
            self.assertFalse(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path)

    def test_an_edited_configuration_stays(self):
        config = self.prefix / "etc/nexus/nexus.json"
        config.write_text('{"mine": 1}')
        do("cmake", "--install", BUILD, "--prefix", self.prefix)
        self.assertEqual(json.loads(config.read_text()), {"mine": 1})

    def test_the_unit_names_what_is_installed(self):
        unit = (self.prefix / "lib/systemd/system/nexus.service").read_text()
        self.assertNotIn("@", re.sub(r"=~?@[\w-]+( @[\w-]+)*$", "", unit, flags=re.MULTILINE))
        for name in re.findall(r"^Exec\w+=(/\S*nexusd) -c (\S+)", unit, re.MULTILINE):
            for path in name:
                self.assertTrue(pathlib.Path(path).is_file(), path)
        self.assertEqual(len(re.findall(r"nexusd -c ", unit)), 1)
        for path in re.findall(r"^(?:Documentation=file:|ExecReload=)(/\S+)", unit, re.MULTILINE):
            self.assertTrue(pathlib.Path(path).is_file(), path)

    def test_the_unit_is_one_that_systemd_likes(self):
        unit = self.prefix / "lib/systemd/system/nexus.service"
        # It asks no running systemd; what it says about other units of this machine is not ours.
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], check=False,
                              capture_output=True, text=True, timeout=harness.DEADLINE)
        self.assertEqual((done.returncode, "nexus" in done.stderr), (0, False), done.stderr)
        # In tenths; 1.4 with Debian 12. A line that is lost costs 0.1 to 0.5.
        do("systemd-analyze", "security", "--offline=true", "--threshold=16", "--no-pager", unit)

    def test_a_package_for_usr_has_its_configuration_in_etc(self):
        root = self.folder / "root"
        do("cmake", "--install", BUILD, "--prefix", "/usr", env={**os.environ, "DESTDIR": str(root)})
        self.assertTrue((root / "etc/nexus/nexus.json").is_file())
        self.assertFalse((root / "usr/etc").exists())
        unit = (root / "usr/lib/systemd/system/nexus.service").read_text()
        self.assertIn("ExecStart=/usr/bin/nexusd -c /etc/nexus/nexus.json ", unit)
        self.assertNotIn(str(root), unit)

    def test_no_link_of_the_documentation_is_dead(self):
        files = sorted(self.prefix.rglob("*.md"))
        self.assertGreater(len(files), 15)
        links = 0
        for file in files:
            problems = list(check_docs.check_links(self.prefix, file.relative_to(self.prefix)))
            self.assertEqual(problems, [])
            links += len(re.findall(r"\]\((?![a-z]+:)", file.read_text(encoding="utf-8")))
        self.assertGreater(links, 60)  # those that lead somewhere are still there

    def test_what_the_documentation_names_is_installed(self):
        docs = self.prefix / "share/doc/nexus"
        for file in sorted(docs.rglob("*.md")):
            text = file.read_text(encoding="utf-8")
            for path in re.findall(r"/usr/local/(?:share|etc|lib|include)[\w./-]*\w", text):
                # Files that its reader puts there are named by what they are.
                there = self.prefix / path.removeprefix("/usr/local/")
                if there.parent != self.prefix / "etc/nexus" or there.suffix in (".ini", ".json"):
                    self.assertTrue(there.exists(), f"{file}: {path}")
            for path in re.findall(r"^<!-- ((?:etc|examples|sdk)/\S+) -->$", text, re.MULTILINE):
                self.assertTrue(any(place.exists() for place in (
                    docs / path, self.prefix / path.replace("sdk/include", "include"),
                    self.prefix / path.replace("examples/plugins", "share/nexus/examples"),
                    self.prefix / path.replace("sdk/template", "share/nexus/template"))),
                    f"{file}: {path}")

    @unittest.skipIf(os.environ.get("NEXUS_SANITIZE"), "the example is built without sanitizers")
    def test_a_program_can_embed_the_router(self):
        build = self.folder / "embed"
        do("cmake", "-S", harness.SOURCES / "examples/embed", "-B", build,
           f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_CXX_COMPILER={CXX}")
        do("cmake", "--build", build)
        (plugins,) = (self.prefix / "lib").rglob("nexus/plugins")
        out = do(build / "embed", plugins)
        self.assertRegex(out, r"^listening on .*127\.0\.0\.1:\d+")


if __name__ == "__main__":
    harness.main()
