#!/usr/bin/env python3
"""A third party's plugins in a real router: dropped into the plugin folder, named in the
configuration, used. The plugin author's guide tells this story; here it is tried."""

import os
import pathlib
import shutil
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "nexusd"))
# pylint: disable=wrong-import-position
import harness
from harness import Daemon, FolderTest, RawClient
from secure import Client

PLUGINS = os.environ["NEXUS_THIRD_PARTY"].split(":")
CHALLENGE, ABORT, WELCOME, SUBSCRIBED, ERROR = 4, 3, 2, 33, 8


class ThirdParty(FolderTest):
    def setUp(self):
        super().setUp()
        self.plugins = self.copy_plugins()
        for path in PLUGINS:
            shutil.copyfile(path, self.plugins / pathlib.Path(path).name)
            (self.plugins / pathlib.Path(path).name).chmod(0o644)

    def config(self, authenticators, authorizers=None):
        realm = {"uri": "realm1", "authenticators": authenticators}
        if authorizers:
            realm["authorizers"] = authorizers
        return self.write("nexus.json", {
            "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
            "realms": {"main": realm}})

    def start(self, *sections):
        daemon = Daemon("-c", self.config(*sections), plugins=self.plugins)
        self.addCleanup(daemon.__exit__)
        (self.url,) = daemon.wait_until_ready()
        return daemon

    def hello(self, method):
        client = RawClient(self.url)
        self.addCleanup(client.close)
        client.send([1, "realm1", {"roles": {"caller": {}, "subscriber": {}},
                                   "authmethods": [method]}])
        return client, client.receive()

    def test_the_template_lets_in_who_knows_the_token(self):
        daemon = self.start({"mine": {"type": "mine", "token": "let-me-in", "role": "guest"}})
        client, challenge = self.hello("mine")
        self.assertEqual(challenge, [CHALLENGE, "mine", {}])
        client.send([5, "let-me-in", {}])
        welcome = client.receive()
        self.assertEqual(welcome[0], WELCOME)
        self.assertEqual(welcome[2]["authrole"], "guest")
        self.assertEqual(welcome[2]["authmethod"], "mine")
        self.assertEqual(welcome[2]["authprovider"], "template")
        for wrong in ("", "let-me-i", "let-me-in!", "LET-ME-IN"):
            client, _ = self.hello("mine")
            client.send([5, wrong, {}])
            self.assertEqual(client.receive(), [ABORT, {"message": "wrong token"},
                                                "wamp.error.authentication_denied"])
        self.assertEqual(daemon.stop(), 0)
        self.assertIn("wrong token", daemon.error_text())
        self.assertNotIn("let-me-in", daemon.error_text())

    def test_the_examples_decide(self):
        daemon = self.start(
            {"guests": {"type": "anonymous", "role": "user"},
             "proxy": {"type": "header-token", "token": "secret"}},
            {"prefixes": {"type": "prefix-rules", "rules": {"user": ["com.public."]}}})
        client, welcome = self.hello("anonymous")
        self.assertEqual(welcome[0], WELCOME)
        self.assertEqual(welcome[2]["authrole"], "user")
        client.send([32, 1, {}, "com.public.news"])
        self.assertEqual(client.receive()[0], SUBSCRIBED)
        client.send([32, 2, {}, "com.private.news"])
        self.assertEqual(client.receive()[:5],
                         [ERROR, 32, 2, {}, "wamp.error.not_authorized"])
        # A raw socket has no headers.
        _, abort = self.hello("header-token")
        self.assertEqual(abort[0], ABORT)
        self.assertEqual(abort[2], "wamp.error.authentication_denied")
        self.assertEqual(daemon.stop(), 0)

    def test_a_token_lets_in_whose_it_is(self):
        path = self.write("nexus.json", {
            "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"},
                           "web": {"type": "websocket", "listen": "127.0.0.1:0"}},
            "realms": {"main": {"uri": "realm1", "authenticators": {
                "api": {"type": "token", "role": "partner",
                        "tokens": {"joe": "joes-long-token-1", "ann": "anns-long-token-1"}}}}}})
        daemon = Daemon("-c", path, plugins=self.plugins)
        self.addCleanup(daemon.__exit__)
        urls = daemon.wait_until_ready()

        def hello(url, headers="", **details):
            port = int(url.rstrip("/").rpartition(":")[2])
            connection = socket.create_connection(("127.0.0.1", port), harness.DEADLINE)
            self.addCleanup(connection.close)
            client = Client(connection, {"headers": headers} if url[:2] == "ws" else None)
            answer = client.hello("realm1", authmethods=["token"], **details)
            return answer[2]["authid"] if answer[0] == WELCOME else answer[2]

        tcp, web = sorted(urls)
        self.assertEqual(hello(tcp, authextra={"token": "joes-long-token-1"}), "joe")
        # Who claims to be somebody else is still who the token says.
        self.assertEqual(hello(web, "Authorization: Bearer anns-long-token-1\r\n", authid="joe"),
                         "ann")
        for url, headers, extra in (
                (tcp, "", {"token": "joes-long-token-2"}), (tcp, "", {"token": "joes-long-token"}),
                (web, "Authorization: Bearer joes-long-token-12\r\n", {})):
            self.assertEqual(hello(url, headers, authextra=extra),
                             "wamp.error.authentication_denied")
        for url, headers, extra in ((tcp, "", {}), (tcp, "", {"token": 7}), (web, "", {}),
                                    (web, "Authorization: Basic am9l\r\n", {})):
            self.assertEqual(hello(url, headers, authextra=extra),
                             "wamp.error.no_matching_auth_method")
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn("long-token", daemon.error_text())

    def test_it_is_listed_and_described(self):
        status, out, _ = harness.run("--list-plugins", plugins=self.plugins)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^.*authenticator.*mine.*$")
        status, out, _ = harness.run("--describe", "mine", plugins=self.plugins)
        self.assertEqual(status, 0)
        self.assertIn("What clients must answer.", out)
        self.assertIn("Lets in who knows the token.", out)

    def test_mistakes_in_its_section_are_named(self):
        path = self.config({"mine": {"type": "mine", "tokne": "x"}})
        status, _, errors = harness.run("--check", "-c", path, plugins=self.plugins)
        self.assertEqual(status, 78)
        self.assertIn("realms.main.authenticators.mine.tokne", errors)
        self.assertIn("did you mean token?", errors)
        path = self.config({"mine": {"type": "mine", "token": ""}})
        status, _, errors = harness.run("--check", "-c", path, plugins=self.plugins)
        self.assertEqual(status, 78)
        self.assertIn("token must not be empty", errors)
        path = self.config({"mine": {"type": "mien", "token": "x"}})
        status, _, errors = harness.run("--check", "-c", path, plugins=self.plugins)
        self.assertEqual(status, 78)
        self.assertIn("did you mean 'mine'?", errors)

    def test_a_file_that_others_can_write_stops_the_start(self):
        (self.plugins / "authenticator-mine.so").chmod(0o666)
        path = self.config({"mine": {"type": "mine", "token": "x"}})
        status, out, errors = harness.run("-c", path, plugins=self.plugins)
        self.assertEqual(status, 78)
        self.assertIn("can be written by group or others (mode 0666)", errors)
        self.assertNotIn("listening on", out)


if __name__ == "__main__":
    harness.main()
