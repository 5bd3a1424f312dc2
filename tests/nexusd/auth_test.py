#!/usr/bin/env python3
"""The examples of docs/authentication.md: each is started, and joined as the page says."""

import base64
import hashlib
import hmac
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import termios
import time

import harness
from harness import Daemon, FolderTest, RawClient, run

EXAMPLES = harness.SOURCES / "examples" / "auth"
WELCOME, ABORT, CHALLENGE, AUTHENTICATE = 2, 3, 4, 5
PASSWORD = "joe's secret"


class Browser:
    """A WebSocket with a cookie, the one that it was given if there is no older one."""

    def __init__(self, test, url, cookie=None):
        host, _, port = url.rstrip("/").removeprefix("ws://").rpartition(":")
        self.socket = socket.create_connection((host, int(port)), harness.DEADLINE)
        test.addCleanup(self.close)
        send = f"Cookie: nexus-id={cookie}\r\n" if cookie else ""
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(b'0' * 16).decode()}"
            f"\r\nSec-WebSocket-Protocol: wamp.2.json\r\n{send}\r\n".encode())
        self.input = self.socket.makefile("rb")
        head = "".join(iter(lambda: self.input.readline().decode(), "\r\n"))
        test.assertIn(" 101 ", head)
        given = re.search("Set-Cookie: nexus-id=([^;]+);.* HttpOnly; SameSite=Lax", head)
        if cookie is None:
            test.assertIsNotNone(given, head)
        self.cookie = given[1] if given else cookie

    def hello(self, methods):
        self.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": methods,
                                 "authid": "joe"}])
        return self.receive()

    def send(self, message):
        data = json.dumps(message).encode()
        size = len(data)
        head = struct.pack(">BB", 0x81, 0x80 | size) if size < 126 else struct.pack(
            ">BBH", 0x81, 0xFE, size)
        self.socket.sendall(head + bytes(4) + data)  # masked with nothing

    def receive(self):
        size = self.input.read(2)[1]
        if size == 126:
            size = int.from_bytes(self.input.read(2), "big")
        return json.loads(self.input.read(size))

    def close(self):
        self.socket.close()


class AuthExamples(FolderTest):
    def setUp(self):
        super().setUp()
        self.examples = self.folder / "auth"
        shutil.copytree(EXAMPLES, self.examples)
        for path in self.examples.iterdir():
            path.chmod(0o600)

    def start(self, name, program=None):
        daemon = Daemon("-c", self.examples / name, "--ws", "127.0.0.1:0", "--tcp", "127.0.0.1:0",
                        program=program, plugins=None if program else harness.PLUGINS)
        self.addCleanup(daemon.__exit__)
        urls = daemon.wait_until_ready()
        self.url = next(url for url in urls if url.startswith("rs"))
        self.websocket = next((url for url in urls if url.startswith("ws")), None)
        return daemon

    def hello(self, method, authid="joe", **details):
        client = RawClient(self.url)
        self.addCleanup(client.close)
        client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": [method],
                                   "authid": authid, **details}])
        return client, client.receive()

    def assert_joins(self, client, method, signature, extra=None):
        client.send([AUTHENTICATE, signature, extra or {}])
        welcome = client.receive()
        self.assertEqual(welcome[0], WELCOME, welcome)
        self.assertEqual([welcome[2][key] for key in ("authid", "authrole", "authmethod")],
                         ["joe", "user", method])
        return welcome

    def test_ticket(self):
        daemon = self.start("ticket.json")
        client, challenge = self.hello("ticket")
        self.assertEqual(challenge, [CHALLENGE, "ticket", {}])
        self.assert_joins(client, "ticket", PASSWORD)
        client, _ = self.hello("ticket")
        client.send([AUTHENTICATE, "wrong", {}])
        self.assertEqual(client.receive(), [ABORT, {"message": "authentication failed"},
                                            "wamp.error.authentication_denied"])
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn(PASSWORD, daemon.error_text())

    def test_wampcra(self):
        self.start("wampcra.json")
        client, challenge = self.hello("wampcra")
        extra = challenge[2]
        key = base64.b64encode(hashlib.pbkdf2_hmac(
            "sha256", PASSWORD.encode(), extra["salt"].encode(), extra["iterations"],
            extra["keylen"]))
        signature = hmac.digest(key, extra["challenge"].encode(), "sha256")
        self.assert_joins(client, "wampcra", base64.b64encode(signature).decode())

    def test_scram(self):
        self.start("scram.json")
        nonce = base64.b64encode(b"1234567890123456").decode()
        client, challenge = self.hello("wamp-scram", authextra={"nonce": nonce})
        extra = challenge[2]
        self.assertEqual(extra["kdf"], "pbkdf2")
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), base64.b64decode(extra["salt"]),
                                     extra["iterations"], 32)
        key = hmac.digest(salted, b"Client Key", "sha256")
        full = extra["nonce"]
        message = (f"n=joe,r={nonce},r={full},s={extra['salt']},i={extra['iterations']},"
                   f"c=biws,r={full}").encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        welcome = self.assert_joins(client, "wamp-scram", base64.b64encode(proof).decode(),
                                    {"nonce": full, "channel_binding": None})
        verifier = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        self.assertEqual(welcome[2]["authextra"]["verifier"], base64.b64encode(verifier).decode())

    def test_cryptosign(self):
        # Nothing in Python's own library signs by Ed25519; that is for tests/interop.
        self.start("cryptosign.json")
        pubkey = "65831708b3212210f34a6119c59e9db84b646455fdd9f6d3a729d338d6f51478"
        client, challenge = self.hello("cryptosign", authextra={"pubkey": pubkey})
        self.assertEqual(len(challenge[2]["challenge"]), 64)
        client.send([AUTHENTICATE, "00" * 64 + challenge[2]["challenge"], {}])
        self.assertEqual(client.receive()[2], "wamp.error.authentication_denied")

    def test_dynamic(self):
        self.start("dynamic.json")
        backend = RawClient(self.url)
        self.addCleanup(backend.close)
        backend.send([1, "backend", {"roles": {"callee": {}}, "authmethods": ["ticket"],
                                     "authid": "joe"}])
        self.assertEqual(backend.receive()[0], CHALLENGE)
        self.assert_joins(backend, "ticket", PASSWORD)
        backend.send([64, 1, {}, "com.example.authenticate"])
        self.assertEqual(backend.receive()[0], 65)
        client, _ = self.hello("ticket")
        client.send([AUTHENTICATE, "what joe says", {}])
        invocation = backend.receive()
        self.assertEqual(invocation[4][:2], ["realm1", "joe"])
        self.assertEqual(invocation[4][2]["ticket"], "what joe says")
        backend.send([70, invocation[1], {}, ["user"]])
        self.assertEqual(client.receive()[2]["authrole"], "user")

    def test_procedure(self):
        self.start("procedure.json")
        backend = RawClient(self.url)
        self.addCleanup(backend.close)
        backend.send([1, "backend", {"roles": {"callee": {}}, "authmethods": ["ticket"],
                                     "authid": "joe"}])
        self.assertEqual(backend.receive()[0], CHALLENGE)
        self.assert_joins(backend, "ticket", PASSWORD)
        backend.send([64, 1, {}, "com.example.user"])
        self.assertEqual(backend.receive()[0], 65)
        client = RawClient(self.url)
        self.addCleanup(client.close)
        client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["wampcra"],
                                   "authid": "joe"}])
        invocation = backend.receive()
        self.assertEqual(invocation[4][:2], ["realm1", "joe"])
        self.assertEqual(invocation[4][2]["authmethod"], "wampcra")
        backend.send([70, invocation[1], {}, [{"wampcra": "known there"}]])
        challenge = client.receive()[2]["challenge"]
        signature = hmac.digest(b"known there", challenge.encode(), hashlib.sha256)
        self.assert_joins(client, "wampcra", base64.b64encode(signature).decode())

    def test_cookie(self):
        self.start("cookie.json")
        browser = Browser(self, self.websocket)
        self.assertEqual(browser.hello(["cookie", "ticket"])[:2], [CHALLENGE, "ticket"])
        browser.send([AUTHENTICATE, PASSWORD, {}])
        self.assertEqual(browser.receive()[2]["authmethod"], "ticket")
        again = Browser(self, self.websocket, browser.cookie)
        self.assertEqual(again.cookie, browser.cookie)
        welcome = again.hello(["cookie", "ticket"])
        self.assertEqual([welcome[2][key] for key in ("authid", "authrole", "authmethod")],
                         ["joe", "user", "cookie"])
        again.send([6, {}, "wamp.close.logout"])
        self.assertEqual(again.receive()[0], 6)
        gone = Browser(self, self.websocket, browser.cookie)
        self.assertNotEqual(gone.cookie, browser.cookie)  # nobody can come in with that one
        self.assertEqual(gone.hello(["cookie"])[2], "wamp.error.no_matching_auth_method")

    def test_cookies_outlive_the_router(self):
        key = make(self, "", "cookie")
        config = json.loads((self.examples / "cookie.json").read_text(encoding="utf-8"))
        config["realms"]["main"]["authenticators"]["browsers"].update(key, file="cookies")
        (self.examples / "cookie.json").write_text(json.dumps(config), encoding="utf-8")
        daemon = self.start("cookie.json")
        browser = Browser(self, self.websocket)
        browser.hello(["ticket"])
        browser.send([AUTHENTICATE, PASSWORD, {}])
        self.assertEqual(browser.receive()[0], WELCOME)
        browser.close()
        self.assertEqual(daemon.stop(), 0)
        text = (self.examples / "cookies").read_text(encoding="utf-8")
        for secret in (browser.cookie, key["key"]):
            self.assertNotIn(secret, text + daemon.error_text())
        self.start("cookie.json")
        again = Browser(self, self.websocket, browser.cookie)
        self.assertEqual(again.hello(["cookie"])[2]["authid"], "joe")
        # Somebody else's router: what the file says counts for nothing.
        shutil.copytree(self.examples, self.folder / "stolen")
        stolen = self.folder / "stolen" / "cookie.json"
        stolen.write_text(json.dumps(config).replace(key["key"], "1" * 64), encoding="utf-8")
        status, _, errors = run("-c", stolen, "--check")
        self.assertEqual(status, 78)
        self.assertIn("cookies: line 2: was written with another key", errors)

    def test_tls(self):
        self.make_certificates()
        self.start("tls.json")
        for name, expected in (("joe.example.com", ("joe", "user")), ("box7", ("box7", "device"))):
            client = self.tls_client(name)
            welcome = client.receive()
            self.assertEqual(welcome[0], WELCOME, welcome)
            self.assertEqual((welcome[2]["authid"], welcome[2]["authrole"]), expected)
            self.assertEqual(welcome[2]["authmethod"], "tls")
        self.assertEqual(self.tls_client(None).receive()[2],
                         "wamp.error.no_matching_auth_method")

    def make_certificates(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.examples, check=True,
                           capture_output=True, timeout=harness.DEADLINE)

        def key(name):
            return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    name]

        openssl("req", "-x509", *key("server.key"), "-out", "server.pem", "-subj", "/CN=localhost")
        openssl("req", "-x509", *key("ca.key"), "-out", "clients.pem", "-subj", "/CN=clients")
        for name in ("joe.example.com", "box7"):
            openssl("req", *key(f"{name}.key"), "-out", "request", "-subj", f"/CN={name}")
            openssl("x509", "-req", "-in", "request", "-CA", "clients.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-out", f"{name}.pem")

    def tls_client(self, name):
        """Says HELLO for the method tls with this name's certificate, or with none."""
        context = ssl.create_default_context(cafile=self.examples / "server.pem")
        context.check_hostname = False
        if name:
            context.load_cert_chain(self.examples / f"{name}.pem", self.examples / f"{name}.key")
        client = RawClient.__new__(RawClient)
        host, _, port = self.url.rpartition("//")[2].rpartition(":")
        plain = socket.create_connection((host, int(port)), harness.DEADLINE)
        client.socket = context.wrap_socket(plain)
        self.addCleanup(client.close)
        client.socket.sendall(b"\x7f\xf1\0\0")
        client.read(4)
        client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["tls"]}])
        return client

    def test_a_reload(self):
        daemon = self.start("ticket.json")
        users = self.examples / "users.json"
        good = users.read_text(encoding="utf-8")

        def reloads():
            return daemon.error_text().count("authenticators.users")

        for content, authid in (("{", "joe"), (good.replace('"joe"', '"ann"'), "ann")):
            users.write_text(content, encoding="utf-8")
            before = reloads()
            daemon.signal(signal.SIGHUP)
            end = time.monotonic() + harness.DEADLINE
            while reloads() == before and time.monotonic() < end:
                time.sleep(0.01)
            client, _ = self.hello("ticket", authid)
            client.send([AUTHENTICATE, PASSWORD, {}])
            self.assertEqual(client.receive()[0], WELCOME, daemon.error_text())
        self.assertIn("users.json: is not JSON: line 1", daemon.error_text())

    def test_the_single_binary_has_them_too(self):
        self.start("ticket.json", program=harness.os.environ["NEXUSD_SINGLE"])
        client, _ = self.hello("ticket")
        self.assert_joins(client, "ticket", PASSWORD)

    def test_a_file_that_others_can_read_stops_the_start(self):
        (self.examples / "users.json").chmod(0o644)
        status, _, errors = run("-c", self.examples / "ticket.json", "--check")
        self.assertEqual(status, 78)
        self.assertRegex(errors, r"realms\.main\.authenticators\.users \(line \d+\): ")
        self.assertIn("users.json: holds secrets, but everybody can read or write it: chmod o-rw",
                      errors)

    def test_what_make_secret_prints_lets_in(self):
        for method in ("ticket", "wampcra", "scram"):
            entry = make(self, PASSWORD, method)
            entry["role"] = "user"
            users = self.examples / "users.json"
            users.write_text(json.dumps({"users": {"joe": entry}}), encoding="utf-8")
            getattr(self, f"test_{method}")()


def make(test, text, *arguments, status=0):
    """What --make-secret says about a line on standard input: the entry, or what is wrong."""
    done = subprocess.run([harness.NEXUSD, "--make-secret", *arguments], input=text + "\n",
                          capture_output=True, text=True, timeout=harness.DEADLINE, check=False)
    test.assertEqual(done.returncode, status, done.stderr)
    if text:
        test.assertNotIn(text, done.stdout + done.stderr)
    return json.loads(done.stdout) if status == 0 else done.stderr


class MakeSecret(FolderTest):
    def test_entries(self):
        ticket = make(self, PASSWORD, "ticket", "--iterations", "10")["ticket"]
        self.assertEqual(base64.b64decode(ticket["key"]), hashlib.pbkdf2_hmac(
            "sha256", PASSWORD.encode(), base64.b64decode(ticket["salt"]), 10))
        cra = make(self, PASSWORD, "wampcra")["wampcra"]
        self.assertEqual(base64.b64decode(cra["key"]), hashlib.pbkdf2_hmac(
            "sha256", PASSWORD.encode(), cra["salt"].encode(), cra["iterations"]))
        scram = make(self, PASSWORD, "scram", "--kdf", "argon2id13", "--memory", "64",
                     "--iterations", "1")["scram"]
        self.assertEqual([scram[key] for key in ("kdf", "memory", "iterations")],
                         ["argon2id13", 64, 1])
        self.assertEqual(len(base64.b64decode(scram["stored_key"])), 32)
        # Each has a salt of its own.
        self.assertNotEqual(make(self, PASSWORD, "wampcra"), make(self, PASSWORD, "wampcra"))

    def test_keys(self):
        # RFC 8032, section 7.1, test 2
        seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
        self.assertEqual(make(self, seed, "cryptosign"), {"cryptosign": [
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"]})
        done = subprocess.run([harness.NEXUSD, "--make-secret", "cryptosign"], input="\n",
                              capture_output=True, text=True, timeout=harness.DEADLINE, check=True)
        private = done.stderr.split()[-1]
        self.assertEqual(make(self, private, "cryptosign"), json.loads(done.stdout))

    def test_the_key_for_cookies(self):
        key = make(self, "", "cookie")
        self.assertEqual(list(key), ["key"])
        self.assertRegex(key["key"], "^[0-9a-f]{64}$")
        self.assertNotEqual(make(self, "", "cookie"), key)

    def on_terminal(self, *arguments):
        """Started on a terminal of its own: the process, and the terminal's other end."""
        ours, its = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([harness.NEXUSD, "--make-secret", *arguments], stdin=its,
                                   stdout=subprocess.PIPE, stderr=its, start_new_session=True)
        self.addCleanup(os.close, its)  # open, so that it can be asked afterwards
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, ours

    def read_until(self, terminal, text):
        said = b""
        while not said.endswith(text):
            ready, _, _ = select.select([terminal], [], [], harness.DEADLINE)
            self.assertTrue(ready, said)
            said += os.read(terminal, 4096)
        return said

    @staticmethod
    def echoes(terminal):
        return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

    def test_a_terminal_shows_nothing_however_fast_the_answer_is(self):
        for _ in range(5):
            process, terminal = self.on_terminal("ticket", "--iterations", "10")
            said = self.read_until(terminal, b"password: ")
            self.assertFalse(self.echoes(terminal))
            os.write(terminal, PASSWORD.encode() + b"\n")
            said += self.read_until(terminal, b"again: ")
            os.write(terminal, PASSWORD.encode() + b"\n")
            out = process.stdout.read()
            self.assertEqual(process.wait(harness.DEADLINE), 0)
            self.assertNotIn(PASSWORD.encode(), said)
            ticket = json.loads(out)["ticket"]
            self.assertEqual(base64.b64decode(ticket["key"]), hashlib.pbkdf2_hmac(
                "sha256", PASSWORD.encode(), base64.b64decode(ticket["salt"]), 10))

    def test_answers_that_were_typed_ahead_count(self):
        process, terminal = self.on_terminal("ticket", "--iterations", "10")
        self.read_until(terminal, b"password: ")
        os.write(terminal, 2 * (PASSWORD.encode() + b"\n"))
        self.assertIn("ticket", json.loads(process.stdout.read()))
        self.assertEqual(process.wait(harness.DEADLINE), 0)

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            process, terminal = self.on_terminal("ticket")
            self.read_until(terminal, b"password: ")
            self.assertFalse(self.echoes(terminal))
            process.send_signal(number)
            self.assertEqual(process.wait(harness.DEADLINE), -number)
            self.assertTrue(self.echoes(terminal), number)

    def test_mistakes(self):
        for text, arguments, expected in (
                (PASSWORD, ("tickets",), "ticket, wampcra, scram, cryptosign and cookie"),
                ("", ("ticket",), "the password is empty"),
                ("not a key", ("cryptosign",), "64 hexadecimal digits"),
                ("bell\a", ("scram",), "RFC 4013"),
                (PASSWORD, ("wampcra", "--kdf", "argon2id13"), "pbkdf2 only"),
                (PASSWORD, ("ticket", "--kdf", "md5"), "kdf must be"),
                (PASSWORD, ("ticket", "--memory", "64"), "argon2id13 only"),
                (PASSWORD, ("ticket", "--iterations", "x"), "--iterations must be")):
            self.assertIn(expected, make(self, text, *arguments, status=64))


if __name__ == "__main__":
    harness.main()
