#!/usr/bin/env python3
"""nexusd as a process: what it prints, how it starts, and how it ends."""

import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

import harness
from harness import Daemon, FolderTest, RawClient, anonymous_realm


class Listening(FolderTest):
    def test_command_line_alone(self):
        with Daemon("--ws", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--unix", self.folder / "n.sock",
                    "--realm", "com.example.one") as daemon:
            urls = daemon.wait_until_ready()
            self.assertEqual(len(urls), 3)
            self.assertRegex(urls[0], r"^ws://127\.0\.0\.1:[1-9]\d*/$")
            self.assertRegex(urls[1], r"^rs://127\.0\.0\.1:[1-9]\d*$")
            self.assertEqual(urls[2], f"rs+unix:{self.folder}/n.sock")
            for url in urls[1:]:
                client = RawClient(url)
                self.assertEqual(client.join("com.example.one")[0], 2)
                client.close()
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(os.listdir(self.folder), [], "the socket file is removed")

    def test_the_line_to_try_next_works(self):
        with Daemon("--ws", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--unix", self.folder / "n.sock",
                    "--realm", "realm1") as daemon:
            urls = daemon.wait_until_ready()
            line = daemon.lines[-1]
            self.assertEqual(line, f"try next: python3 {harness.SOURCES}/examples/hello.py "
                                   f"{urls[0]} realm1")
            words = line.removeprefix("try next: python3 ").split(" ")
            for url in urls:
                done = subprocess.run([sys.executable, words[0], url, words[2]],
                                      capture_output=True, text=True, check=False,
                                      timeout=harness.DEADLINE)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertTrue(done.stdout.endswith(
                    "alice heard: hello, world\nbob asked for 2 + 3 and got: 5\n"), done.stdout)

    def test_json_and_ini_run_the_same(self):
        config = {"transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": anonymous_realm("r.one")}
        ini = ("[transports.tcp]\ntype = rawsocket\nlisten = 127.0.0.1:0\n[realms.main]\n"
               "uri = r.one\n[realms.main.authenticators.guests]\ntype = anonymous\n")
        for path in (self.write("n.json", config), self.write("n.ini", ini)):
            with Daemon("-c", path) as daemon:
                (url,) = daemon.wait_until_ready()
                client = RawClient(url)
                self.assertEqual(client.join("r.one")[0], 2)
                client.close()
                self.assertEqual(daemon.stop(), 0)

    def test_a_go_configuration_runs(self):
        config = json.loads((harness.SOURCES / "etc/nexus-go.json").read_text())
        config["websocket"]["address"] = "127.0.0.1:0"
        config["rawsocket"]["tcp_address"] = "127.0.0.1:0"
        config["rawsocket"]["unix_address"] = str(self.folder / "go.sock")
        config["router"]["mem_stats_log_sec"] = 5
        with Daemon("-c", self.write("nexus.json", config)) as daemon:
            urls = daemon.wait_until_ready()
            self.assertEqual(len(urls), 3)
            client = RawClient(urls[1])
            self.assertEqual(client.join("realm1")[0], 2)
            client.close()
            self.assertEqual(daemon.stop(), 0)
            self.assertIn("router.mem_stats_log_sec is ignored", daemon.error_text())

    def test_options_go_over_the_file(self):
        config = {"transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:1"}},
                  "realms": anonymous_realm("old")}
        with Daemon("-c", self.write("n.json", config), "-tcp", "127.0.0.1:0",
                    "-realm", "new") as daemon:
            (url,) = daemon.wait_until_ready()
            client = RawClient(url)
            self.assertEqual(client.join("new")[0], 2)
            client.close()

    def test_readiness_is_told_to_the_service_manager(self):
        for name in (str(self.folder / "notify"), "@nexusd-test-%d" % os.getpid()):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(name.replace("@", "\0"))
                manager.settimeout(harness.DEADLINE)
                with Daemon("--tcp", "127.0.0.1:0", "--realm", "r",
                            environment={"NOTIFY_SOCKET": name}) as daemon:
                    self.assertEqual(manager.recv(100), b"READY=1")
                    # Ready means ready: the address is there and answers.
                    client = RawClient(daemon.wait_until_ready()[0])
                    self.assertEqual(client.join("r")[0], 2)
                    client.close()
                    self.assertEqual(daemon.stop(), 0)
                    self.assertEqual(manager.recv(100), b"STOPPING=1")


class Stopping(FolderTest):
    def start(self, timeout):
        config = {"router": {"shutdown_timeout": timeout, "goodbye_timeout": "1h"},
                  "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"},
                                 "unix": {"type": "rawsocket",
                                          "listen": f"unix:{self.folder}/n.sock"}},
                  "realms": anonymous_realm()}
        daemon = Daemon("-c", self.write("n.json", config))
        self.addCleanup(daemon.__exit__)
        client = RawClient(daemon.wait_until_ready()[0])
        self.addCleanup(client.close)
        self.assertEqual(client.join("realm1")[0], 2)
        return daemon, client

    def test_clients_are_told_and_answer(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            # An hour: it ends because the client answered, not because time was up.
            daemon, client = self.start("1h")
            daemon.signal(number)
            self.assertEqual(client.receive()[0::2], [harness.GOODBYE, "wamp.close.system_shutdown"])
            client.send([harness.GOODBYE, {}, "wamp.close.goodbye_and_out"])
            client.close()
            self.assertEqual(daemon.wait(), 0)
            self.assertFalse((self.folder / "n.sock").exists())

    def test_a_client_that_does_not_answer_is_waited_for_only_so_long(self):
        daemon, client = self.start("200ms")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(client.receive()[0], harness.GOODBYE)
        self.assertEqual(daemon.wait(), 0)

    def test_the_second_signal_ends_it_at_once(self):
        daemon, client = self.start("1h")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(client.receive()[0], harness.GOODBYE)
        self.assertIsNone(daemon.process.poll(), "it waits for the client")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 128 + signal.SIGTERM)

    def test_nobody_new_is_let_in_while_it_stops(self):
        daemon, client = self.start("1h")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(client.receive()[0], harness.GOODBYE)
        self.assertFalse((self.folder / "n.sock").exists())
        with self.assertRaises(OSError):
            socket.create_connection(client.socket.getpeername(), harness.DEADLINE)

    def test_a_signal_ends_it_while_it_reads_its_configuration(self):
        pipe = self.folder / "n.json"
        os.mkfifo(pipe)
        with Daemon("-c", pipe) as daemon:
            with open(pipe, "wb"):  # returns when the other side has opened it too
                daemon.signal(signal.SIGTERM)
                self.assertEqual(daemon.wait(), -signal.SIGTERM)

    def test_other_signals_do_not_end_it(self):
        daemon, client = self.start("1h")
        for number in (signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
                       signal.SIGHUP):
            daemon.signal(number)
        client.send([48, 1, {}, "com.example.nobody"])
        self.assertEqual(client.receive()[:3], [8, 48, 1])


class Failing(FolderTest):
    def test_a_plugin_that_does_not_load_leaves_nothing_open(self):
        plugins = self.copy_plugins()
        (plugins / "nexus-broken.so").write_text("this is no library")
        status, out, errors = harness.run("--unix", self.folder / "n.sock", "--realm", "r",
                                          plugins=plugins)
        self.assertEqual(status, 78, errors)
        self.assertEqual(out, "")
        self.assertIn(str(plugins / "nexus-broken.so"), errors)
        self.assertFalse((self.folder / "n.sock").exists())

    def test_a_plugin_folder_that_others_can_write_is_refused(self):
        plugins = self.copy_plugins()
        plugins.chmod(0o777)
        status, _, errors = harness.run("--tcp", "127.0.0.1:0", "--realm", "r", plugins=plugins)
        self.assertEqual(status, 78, errors)
        self.assertIn("chmod go-w", errors)

    def test_a_plugin_folder_that_is_not_there(self):
        status, _, errors = harness.run("--tcp", "127.0.0.1:0", "--realm", "r",
                                        plugins=self.folder / "none")
        self.assertEqual(status, 78, errors)
        self.assertIn(str(self.folder / "none"), errors)

    def test_an_address_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            # The Unix socket comes first and is open when the other one fails.
            config = {"transports": {
                "unix": {"type": "rawsocket", "listen": f"unix:{self.folder}/n.sock"},
                "tcp": {"type": "rawsocket", "listen": address}}, "realms": anonymous_realm()}
            status, out, errors = harness.run("-c", self.write("n.json", config))
        self.assertEqual(status, 69, errors)
        self.assertEqual(out, "")
        self.assertIn(address, errors)
        self.assertFalse((self.folder / "n.sock").exists())

    def test_a_log_that_cannot_be_written(self):
        config = {"log": {"path": "none/n.log"},
                  "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": anonymous_realm()}
        status, _, errors = harness.run("-c", self.write("n.json", config))
        self.assertEqual(status, 78, errors)
        self.assertIn(f"log.path: \"{self.folder}/none/n.log\" cannot be written", errors)


class Logging(FolderTest):
    def test_json_lines(self):
        config = {"log": {"format": "json", "level": "debug"},
                  "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": anonymous_realm()}
        with Daemon("-c", self.write("n.json", config)) as daemon:
            daemon.wait_until_ready()
            self.assertEqual(daemon.stop(), 0)
            lines = [json.loads(line) for line in daemon.error_text().splitlines()]
        self.assertGreaterEqual(len(lines), 3)
        self.assertTrue(any(line.get("pid") == daemon.process.pid for line in lines))

    def test_off_is_silent(self):
        with Daemon("--tcp", "127.0.0.1:0", "--realm", "r", "--log-level", "off") as daemon:
            daemon.wait_until_ready()
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(daemon.error_text(), "")

    def test_hangup_opens_the_file_anew(self):
        # A pipe in the place of the rotated file tells when it is opened, without looking again
        # and again.
        path = self.folder / "n.log"
        config = {"log": {"path": "n.log"},
                  "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": anonymous_realm()}
        with Daemon("-c", self.write("n.json", config)) as daemon:
            daemon.wait_until_ready()
            os.rename(path, self.folder / "n.log.1")
            os.mkfifo(path)
            pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            daemon.signal(signal.SIGHUP)
            said = b""
            while b"log reopened" not in said:
                ready, _, _ = select.select([pipe], [], [], harness.DEADLINE)
                self.assertTrue(ready, said)
                said += os.read(pipe, 65536)
            os.close(pipe)
            # What was logged before may have been written on either side of the change.
            old = (self.folder / "n.log.1").read_text()
            self.assertNotIn("log reopened", old)
            self.assertIn("started", old + said.decode())
            self.assertEqual(daemon.stop(), 0)


    def test_hangup_that_cannot_open_the_file_does_not_say_that_it_did(self):
        path = self.folder / "log" / "n.log"
        path.parent.mkdir()
        config = {"log": {"path": "log/n.log"},
                  "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": anonymous_realm()}
        with Daemon("-c", self.write("n.json", config)) as daemon:
            client = RawClient(daemon.wait_until_ready()[0])
            client.join("realm1")
            os.rename(path.parent, self.folder / "gone")
            daemon.signal(signal.SIGHUP)
            text = self.wait_for(client, self.folder / "gone" / "n.log", " reloaded ")
            self.assertIn("cannot reopen the log file", text)
            self.assertIn(f"path={path}", text)
            self.assertNotIn("log reopened", text)
            client.close()
            self.assertEqual(daemon.stop(), 0)

    @staticmethod
    def wait_for(client, path, text):
        """What is in a log once it has this text; a call passes the time."""
        end = time.monotonic() + harness.DEADLINE
        while text not in path.read_text():
            if time.monotonic() > end:
                raise AssertionError(path.read_text())
            client.send([48, 1, {}, "com.example.nobody"])
            client.receive()
        return path.read_text()

    def test_what_happens_over_and_over_is_said_once(self):
        realms = anonymous_realm()
        realms["main"]["authorizers"] = {"asked": {
            "type": "dynamic", "procedure": "com.example.decide", "trusted_roles": []}}
        config = {"transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": realms}
        with Daemon("-c", self.write("n.json", config)) as daemon:
            url = daemon.wait_until_ready()[0]
            client = RawClient(url)
            client.join("realm1")
            for request in range(1, 301):
                client.send([48, request, {}, "com.example.something"])
                self.assertEqual(client.receive()[:3], [8, 48, request])
            for _ in range(30):  # the first message is no HELLO
                stranger = RawClient(url)
                stranger.send([48, 1, {}, "com.example.something"])
                self.assertEqual(stranger.receive()[0], 3)
                stranger.close()
            for _ in range(30):
                stranger = RawClient(url)
                self.assertEqual(stranger.join("nowhere")[0], 3)
                stranger.close()
            client.close()
            self.assertEqual(daemon.stop(), 0)
            text = daemon.error_text()
        for what, count in (("com.example.decide is not registered", 300), ("request refused", 300),
                            ("protocol violation", 30), ("join refused", 30)):
            lines = [line for line in text.splitlines() if what in line]
            # The first, what came in the minutes after it, and the rest at the end.
            repeated = [int(line.rpartition("repeated=")[2]) for line in lines if "repeated=" in line]
            self.assertEqual(len(lines) - len(repeated) + sum(repeated), count, (what, lines))
            self.assertLessEqual(len(lines), 6, (what, lines))

    # UBSan opens a pipe to look whether an object's memory can be read: without descriptors it takes
    # objects for none.
    @unittest.skipIf("undefined" in os.environ.get("NEXUS_SANITIZE", ""), "UBSan needs descriptors")
    def test_descriptors_that_run_out_do_not_fill_the_log(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
        with Daemon("--tcp", "127.0.0.1:0", "--realm", "realm1", prepare=limit) as daemon:
            url = daemon.wait_until_ready()[0]
            client = RawClient(url)
            client.join("realm1")
            host, _, port = url.removeprefix("rs://").rpartition(":")
            crowd = [socket.create_connection((host, int(port)), harness.DEADLINE)
                     for _ in range(80)]
            self.addCleanup(lambda: [one.close() for one in crowd])
            end = time.monotonic() + harness.DEADLINE
            while "Too many open files" not in daemon.error_text():
                self.assertLess(time.monotonic(), end)
                client.send([48, 1, {}, "com.example.nobody"])
                client.receive()
            end = time.monotonic() + 1.5  # the router tries again every 100 ms
            while time.monotonic() < end:
                client.send([48, 1, {}, "com.example.nobody"])
                client.receive()
            lines = [line for line in daemon.error_text().splitlines()
                     if "Too many open files" in line and "repeated=" not in line]
            self.assertEqual(len(lines), 1, lines)
            # Once descriptors are there again, somebody new is let in. (The sanitizers want some at
            # the end as well.)
            for one in crowd:
                one.close()
            another = RawClient(url)
            another.join("realm1")
            another.close()
            client.close()
            self.assertEqual(daemon.stop(), 0)

    def test_descriptors_that_are_closed_at_the_start(self):
        def close_all():
            for fd in (0, 1, 2):
                os.close(fd)

        config = {"log": {"path": "n.log"},
                  "transports": {"unix": {"type": "rawsocket", "listen": f"unix:{self.folder}/s"}},
                  "realms": anonymous_realm()}
        with Daemon("-c", self.write("n.json", config), prepare=close_all) as daemon:
            log = self.folder / "n.log"
            end = time.monotonic() + harness.DEADLINE
            while not log.exists() or " started " not in log.read_text():
                self.assertLess(time.monotonic(), end)
                self.assertIsNone(daemon.process.poll())
            for fd in (0, 1, 2):
                self.assertEqual(os.readlink(f"/proc/{daemon.process.pid}/fd/{fd}"), "/dev/null")
            client = RawClient(f"rs+unix:{self.folder}/s")
            self.assertEqual(client.join("realm1")[0], 2)
            client.close()
            self.assertEqual(daemon.stop(), 0)

    def test_debug_shows_what_a_session_sends(self):
        with Daemon("--tcp", "127.0.0.1:0", "--realm", "realm1", "--log-level", "debug") as daemon:
            client = RawClient(daemon.wait_until_ready()[0])
            client.join("realm1")
            client.send([48, 7, {}, "com.example.nobody", ["a secret"]])
            client.receive()
            client.close()
            self.assertEqual(daemon.stop(), 0)
            text = daemon.error_text()
        self.assertRegex(text, r"received session=\d+ message=CALL request=7 uri=com.example.nobody")
        self.assertNotIn("a secret", text)


class Reloading(FolderTest):
    def test_hangup_says_what_it_read_and_what_it_did_not(self):
        self.write("rules.json", {"anonymous": [{"uri": "com.", "match": "prefix",
                                                 "allow": {"subscribe": True}}]})
        realms = anonymous_realm()
        realms["main"]["authorizers"] = {"rules": {"type": "roles", "file": "rules.json"}}
        config = {"transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": realms}
        path = self.write("n.json", config)
        with Daemon("-c", path) as daemon:
            client = RawClient(daemon.wait_until_ready()[0])
            client.join("realm1")

            def hang_up(count):
                daemon.signal(signal.SIGHUP)
                end = time.monotonic() + harness.DEADLINE
                while daemon.error_text().count(" reloaded components=") < count:
                    self.assertLess(time.monotonic(), end)
                    client.send([48, 1, {}, "com.example.nobody"])
                    client.receive()
                lines = daemon.error_text().splitlines()
                return lines + [line for line in lines if " reloaded components=" in line][-1:]

            lines = hang_up(1)
            self.assertTrue(any("reloaded section=realms.main.authorizers.rules "
                                f"files={self.folder}/rules.json" in line for line in lines), lines)
            self.assertIn("failed=0 configuration=unchanged", lines[-1])
            config["transports"]["tcp"]["max_connections"] = 5
            config["realms"]["main"]["meta_api"] = False
            del config["realms"]["main"]["authorizers"]
            self.write("n.json", config)
            lines = hang_up(2)
            self.assertIn('configuration="changed, needs a restart"', lines[-1])
            for key in ("transports.tcp.max_connections", "realms.main.meta_api",
                        "realms.main.authorizers.rules.file"):
                self.assertTrue(any(line.endswith(f"{path}: {key}: has changed, and needs a restart; "
                                                  "a reload does not read it") for line in lines), key)
            self.write("n.json", "{ broken")
            lines = hang_up(3)
            self.assertIn('configuration="cannot be read"', lines[-1])
            self.assertTrue(any("is not valid JSON" in line and "next start would fail" in line
                                for line in lines), lines)
            path.unlink()
            self.assertIn('configuration="cannot be read"', hang_up(4)[-1])
            client.close()
            self.assertEqual(daemon.stop(), 0)

    def test_hangup_reloads_rules_and_revokes(self):
        rules = {"anonymous": [{"uri": "com.", "match": "prefix", "allow": {"subscribe": True}}]}
        self.write("rules.json", rules)
        realms = anonymous_realm()
        realms["main"]["authorizers"] = {"rules": {"type": "roles", "file": "rules.json"}}
        config = {"transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": realms}
        with Daemon("-c", self.write("n.json", config)) as daemon:
            client = RawClient(daemon.wait_until_ready()[0])
            client.send([1, "realm1", {"roles": {"subscriber": {
                "features": {"subscription_revocation": True}}}}])
            self.assertEqual(client.receive()[0], 2)
            client.send([32, 1, {}, "com.kept"])
            self.assertEqual(client.receive()[0], 33)
            client.send([32, 2, {}, "com.lost"])
            lost = client.receive()[2]
            # Rules that are wrong change nothing.
            self.write("rules.json", "{")
            daemon.signal(signal.SIGHUP)
            told = False
            while not told:
                told = "stays in force" in daemon.error_text()
                client.send([32, 3, {}, "com.other"])  # once more when it has been told
                self.assertEqual(client.receive()[0], 33)
            rules["anonymous"][0]["uri"] = "com.kept"
            self.write("rules.json", rules)
            daemon.signal(signal.SIGHUP)
            revoked = [client.receive(), client.receive()]  # com.lost and com.other
            self.assertTrue(all(message[:2] == [35, 0] for message in revoked), revoked)
            self.assertIn(lost, [message[2]["subscription"] for message in revoked])
            client.send([32, 4, {}, "com.lost"])
            self.assertEqual(client.receive()[4], "wamp.error.not_authorized")
            client.close()
            self.assertEqual(daemon.stop(), 0)


class SingleBinary(FolderTest):
    def test_it_runs_without_a_plugin_folder(self):
        program = self.folder / "nexusd"
        shutil.copy(os.environ["NEXUSD_SINGLE"], program)
        with Daemon("--ws", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--realm", "r", program=program,
                    plugins=None, cwd=self.folder) as daemon:
            url = daemon.wait_until_ready()[1]
            client = RawClient(url)
            self.assertEqual(client.join("r")[0], 2)
            client.close()
            self.assertEqual(daemon.stop(), 0)

    def test_it_lists_what_is_built_in(self):
        status, out, errors = harness.run("--list-plugins", plugins=None,
                                          program=os.environ["NEXUSD_SINGLE"])
        self.assertEqual(status, 0, errors)
        names = {tuple(line.split()[:2]) for line in out.splitlines()[1:]}
        separate = harness.run("--list-plugins")[1]
        self.assertEqual(names, {tuple(line.split()[:2]) for line in separate.splitlines()[1:]})
        self.assertTrue(all(line.endswith("built in") for line in out.splitlines()[1:]))


if __name__ == "__main__":
    harness.main()
