#!/usr/bin/python3
"""Other people's WAMP clients against nexusd: run.py NEXUSD [--plugin-dir DIR] [--no-js]

Starts the daemon on free ports, and Autobahn for Python (peer.py) and for JavaScript (peer.js) and
wampy.js (wampy_peer.mjs) as peers. Each opens a session for every transport and serializer it speaks; each session then calls
procedures of every other one, publishes to it and hears its events. Exits 0 if all of that worked.

The JavaScript clients are installed beside this file by npm at the first run, in the versions that
package.json names.
"""
import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 500 if os.environ.get("NEXUS_SLOW") else 240  # seconds for everything after the installation
PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for


class Failed(Exception):
    pass


class Child:
    """A process whose lines of output are read with a deadline."""

    def __init__(self, name, command, deadline):
        self.name = name
        self.deadline = deadline
        self.lines = queue.Queue()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=HERE)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def line(self):
        try:
            line = self.lines.get(timeout=max(0.0, self.deadline - time.monotonic()))
        except queue.Empty:
            raise Failed("%s took too long" % self.name) from None
        if line is None:
            raise Failed("%s ended with status %s" % (self.name, self.process.wait()))
        return line

    def until(self, word):
        """The rest of the line that begins with `word`; FAIL and other lines on the way are shown."""
        while True:
            line = self.line()
            if line.startswith(word):
                return line[len(word):].strip()
            print("%s: %s" % (self.name, line), flush=True)

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def wait(self):
        try:
            return self.process.wait(max(0.0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failed("%s does not end" % self.name) from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def install_javascript():
    if all(os.path.isdir(os.path.join(HERE, "node_modules", name)) for name in ("autobahn", "wampy")):
        return
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Failed("node and npm are needed for the JavaScript peer (or use --no-js)")
    print("installing autobahn and wampy for JavaScript", flush=True)
    subprocess.run(["npm", "install", "--omit=optional", "--no-package-lock", "--no-audit",
                    "--no-fund", "--ignore-scripts", "--loglevel=error"],
                   cwd=HERE, check=True, timeout=300)


def configuration(folder):
    path = os.path.join(folder, "nexus.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({
            "log": {"level": "warning"},
            "router": {"loops": 2},
            "transports": {
                "ws": {"type": "websocket", "listen": "127.0.0.1:0"},
                "tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"},
                "unix": {"type": "rawsocket", "listen": "unix:" + os.path.join(folder, "s")},
                "poll": {"type": "longpoll", "listen": "127.0.0.1:0"},
            },
            "realms": {"main": {"uri": "realm1", "meta_kill_roles": ["*"],
                                "authenticators": {"guests": {"type": "anonymous"}}}},
        }, file)
    return path


def read_urls(daemon):
    urls = {}
    while len(urls) < 4:
        url = daemon.until("listening on")
        kind = ("ws" if url.startswith("ws:") else "poll" if url.startswith("http:")
                else "unix" if "unix" in url else "tcp")
        urls[kind] = url
    return urls


def run(arguments):
    if not arguments.no_js:
        install_javascript()
    deadline = time.monotonic() + LIMIT
    children = []
    with tempfile.TemporaryDirectory(prefix="nexus-interop-") as folder:
        try:
            command = [os.path.abspath(arguments.nexusd), "-c", configuration(folder)]
            if arguments.plugin_dir:
                command += ["--plugin-dir", os.path.abspath(arguments.plugin_dir)]
            daemon = Child("nexusd", command, deadline)
            children.append(daemon)
            config = json.dumps({"urls": read_urls(daemon), "realm": "realm1"})
            peers = [Child("python", [PYTHON, "peer.py", config], deadline)]
            if not arguments.no_js:
                for name, script in (("javascript", "peer.js"), ("wampy", "wampy_peer.mjs")):
                    peers.append(Child(name, ["node", "--no-deprecation", script, config], deadline))
            children += peers
            targets = []
            for peer in peers:
                targets += json.loads(peer.until("ready"))
            for peer in peers:
                peer.say(json.dumps(targets))
            checks = sum(int(peer.until("done")) for peer in peers)
            for peer in peers:
                peer.say("end")
            failed = 0
            for peer in peers:
                peer.until("left")
                failed |= peer.wait()
            daemon.process.send_signal(signal.SIGTERM)
            status = daemon.wait()
            if status != 0:
                raise Failed("nexusd ended with status %d" % status)
            print("%d checks between %d sessions%s" % (checks, len(targets),
                                                       ", FAILED" if failed else ""))
            return 1 if failed else 0
        finally:
            for child in children:
                child.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("nexusd")
    parser.add_argument("--plugin-dir")
    parser.add_argument("--no-js", action="store_true", help="Python only")
    try:
        return run(parser.parse_args())
    except (Failed, subprocess.SubprocessError) as error:
        print("run.py: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
