"""Starting nexusd from a test, and talking to it. Standard library only.

Nothing here sleeps: what has to be waited for is a line on a pipe, the end of a process, or bytes on
a socket, each with a deadline that is far beyond what a loaded machine needs.
"""

import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

DEADLINE = 120  # seconds; waiting ends with the event, so this costs nothing where a test passes

SOURCES = pathlib.Path(__file__).resolve().parents[2]
NEXUSD = os.environ.get("NEXUSD", str(SOURCES / "build/dev/nexusd/nexusd"))
PLUGINS = os.environ.get("NEXUSD_PLUGINS", str(SOURCES / "build/dev/plugins"))

GOODBYE = 6


def anonymous_realm(uri="realm1"):
    return {"main": {"uri": uri, "authenticators": {"guests": {"type": "anonymous"}}}}


class RawClient:
    """A RawSocket JSON client that does exactly what it is told, so that it can also be rude."""

    def __init__(self, url):
        if url.startswith("rs+unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(DEADLINE)
            self.socket.connect(url.removeprefix("rs+unix:"))
        else:
            host, _, port = url.removeprefix("rs://").rpartition(":")
            self.socket = socket.create_connection((host.strip("[]"), int(port)), DEADLINE)
        self.socket.sendall(b"\x7f\xf1\0\0")
        answer = self.read(4)
        assert answer[0] == 0x7F and answer[1] & 15 == 1, answer

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError(f"closed after {len(data)} of {size} bytes")
            data += more
        return data

    def send(self, message):
        text = json.dumps(message).encode()
        self.socket.sendall(struct.pack(">I", len(text)) + text)

    def receive(self):
        return json.loads(self.read(int.from_bytes(self.read(4), "big")))

    def join(self, realm):
        self.send([1, realm, {"roles": {"caller": {}, "subscriber": {}}}])
        return self.receive()

    def close(self):
        self.socket.close()


class Daemon:
    """One nexusd. As a context it is killed at the end, if it has not ended by itself."""

    def __init__(self, *arguments, program=None, plugins=PLUGINS, environment=None, cwd=None,
                 prepare=None):
        command = [program or NEXUSD, *map(str, arguments)]
        if plugins:
            command += ["--plugin-dir", str(plugins)]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, cwd=cwd,
            env={**os.environ, **(environment or {})}, preexec_fn=prepare)
        self.lines = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def wait_until_ready(self):
        """Reads standard output up to the line that comes last; returns the URLs."""
        end = time.monotonic() + DEADLINE
        text = b""
        while not any(line.startswith("try next: ") for line in self.lines):
            ready, _, _ = select.select([self.process.stdout], [], [], end - time.monotonic())
            data = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not data:
                raise AssertionError(f"not ready; said {text!r} and on stderr {self.error_text()}")
            text += data
            self.lines = text.decode().split("\n")[:-1]
        prefix = "listening on "
        return [line[len(prefix):] for line in self.lines if line.startswith(prefix)]

    def error_text(self):
        # The process writes at the place that it shares with us, so the reader must not move it.
        size = os.fstat(self.errors.fileno()).st_size
        return os.pread(self.errors.fileno(), size, 0).decode(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(DEADLINE)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()


def run(*arguments, plugins=PLUGINS, program=None, cwd=None):
    """A nexusd that ends by itself: (status, stdout, stderr)."""
    command = [program or NEXUSD, *map(str, arguments)]
    if plugins:
        command += ["--plugin-dir", str(plugins)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, cwd=cwd,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


class FolderTest(unittest.TestCase):
    """Tests with a folder of their own. Short, because Unix socket paths have to be."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nexusd-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content),
                        encoding="utf-8")
        return path

    def copy_plugins(self):
        folder = self.folder / "plugins"
        folder.mkdir(mode=0o755)
        for path in pathlib.Path(PLUGINS).glob("*.so"):
            shutil.copyfile(path, folder / path.name)
            (folder / path.name).chmod(0o644)
        return folder


class CheckingTest(FolderTest):
    """Tests of --check."""

    def check(self, name, content, *arguments):
        path = self.write(name, content)
        status, out, errors = run("-c", path, "--check", *arguments)
        return status, out, [line.removeprefix("nexusd: ").replace(f"{path}: ", "")
                             for line in errors.splitlines()]

    def mistakes_of(self, transport, name="n.json"):
        """Of a configuration with this transport, by option."""
        config = {"transports": {"t": transport}, "realms": anonymous_realm()}
        status, _, mistakes = self.check(name, config)
        self.assertEqual(status, 78 if mistakes else 0)
        found = {}
        for line in mistakes[:-1]:
            if line.startswith("warning: "):
                continue
            key, _, text = line.partition(": ")
            self.assertTrue(key.startswith("transports.t"), line)
            self.assertNotIn(key, found, mistakes)
            found[key.removeprefix("transports.t").lstrip(".")] = text
        return found


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
