#!/usr/bin/env python3
"""The secured samples in etc/, attacked: by strangers, by users, by carelessness.

Each test ends with legitimate users at work. Nothing waits for a time: what has to end is waited for.
"""

import base64
import json
import ssl
import unittest

import harness
from secure import (ABORT, AUTH, AUTHENTICATE, CHALLENGE, ERROR, ETC, MAIN, PASSWORDS, WELCOME,
                    Client, SecuredRouter)

DENIED = "wamp.error.authentication_denied"
NOT_AUTHORIZED = "wamp.error.not_authorized"
PUBLISH, SUBSCRIBE, SUBSCRIBED, EVENT, CALL, RESULT = 16, 32, 33, 36, 48, 50
REGISTER, REGISTERED, INVOCATION, YIELD = 64, 65, 68, 70
ATTACKER, CROWD = "127.0.0.66", "127.0.0.77"
PROCEDURE = "com.example.api.add"


class Attacks:
    """Against the file that a class below names."""

    FILE = None

    @classmethod
    def setUpClass(cls):
        cls.router = SecuredRouter(cls.FILE)
        cls.addClassCleanup(cls.router.close)
        cls.router.start()
        cls.backend = cls.router.machine()
        welcome, _ = cls.router.join_cryptosign(cls.backend, "machine7")
        assert welcome[0] == WELCOME, welcome
        answer = cls.backend.ask(REGISTER, 1, {}, PROCEDURE)
        assert answer[0] == REGISTERED, answer

    @classmethod
    def tearDownClass(cls):
        # Nobody has brought it down, and nothing has been given away in its log.
        cls.backend.close()
        assert cls.router.daemon.stop() == 0
        log = cls.router.daemon.error_text()
        for _, password in PASSWORDS.values():
            assert password not in log

    def tearDown(self):
        """Whatever was tried before, users are served."""
        alice = self.join("alice")
        alice.send([CALL, 1, {}, PROCEDURE, [2, 3]])
        invocation = self.backend.receive()
        self.assertEqual([invocation[0], invocation[4]], [INVOCATION, [2, 3]])
        self.assertEqual(invocation[3]["caller_authid"], "alice")
        self.backend.send([YIELD, invocation[1], {}, [5]])
        self.assertEqual(alice.receive(), [RESULT, 1, {}, [5]])
        alice.send([harness.GOODBYE, {}, "wamp.close.close_realm"])
        self.assertEqual(alice.receive()[0], harness.GOODBYE)

    def join(self, authid, source="127.0.0.1"):
        client = self.router.browser(source)
        self.addCleanup(client.close)
        welcome, _ = client.join_wampcra(authid, PASSWORDS[authid][1])
        self.assertEqual(welcome[0], WELCOME, welcome)
        self.assertEqual(welcome[2]["authrole"], PASSWORDS[authid][0])
        return client

    def stranger(self):
        client = self.router.browser(ATTACKER)
        self.addCleanup(client.close)
        return client

    def assert_refused(self, what, attempt):
        with self.assertRaises((ssl.SSLError, ConnectionError, EOFError), msg=what):
            attempt().close()

    def assert_abort(self, answer, reason):
        self.assertEqual([answer[0], answer[2]], [ABORT, reason], answer)

    # ---- the network

    def test_plain_text_to_tls_ports(self):
        for port in (self.router.browsers, self.router.machines):
            for words in (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n",
                          b"\x7f\xf1\0\0\0\0\0\x0d[1,", b"SSH-2.0-OpenSSH_9.2\r\n"):
                connection = self.router.connect(port, ATTACKER)
                connection.sendall(words)
                answer = b""
                try:
                    while more := connection.recv(4096):
                        answer += more
                except ConnectionError:
                    pass
                connection.close()
                # Nothing, or a TLS alert.
                self.assertIn(answer[:1], (b"", b"\x15"), (words, answer))
                self.assertNotIn(b"101", answer)

    def test_old_versions_of_tls(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2):
            for port in (self.router.browsers, self.router.machines):
                context = self.router.context("machine7")
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = version
                connection = self.router.connect(port, ATTACKER)
                with self.assertRaises((ssl.SSLError, ConnectionError), msg=version):
                    context.wrap_socket(connection, server_hostname="localhost")
                connection.close()

    def test_certificates_of_strangers(self):
        for certificate in (None, "stranger", "alone"):
            self.assert_refused(certificate, lambda name=certificate: self.router.machine(
                name, ATTACKER))
        # What is no secret does not help: the certificate without its key.
        with self.assertRaises(ssl.SSLError):
            context = self.router.context()
            context.load_cert_chain(self.router.tls / "machine7.pem",
                                    self.router.tls / "stranger.key")

    def test_pages_from_elsewhere_and_other_paths(self):
        for websocket in ({"headers": "Origin: https://evil.example\r\n"}, {"path": "/"},
                          {"path": "/ws/../admin"}):
            with self.assertRaises(ConnectionError, msg=websocket) as caught:
                self.router.browser(ATTACKER, **websocket)
            self.assertIn(" 40", str(caught.exception))
        self.router.browser(headers="Origin: https://app.example.com\r\n").close()

    def test_too_many_local_connections(self):
        limit = json.loads((ETC / "nexus-secure.json").read_text())["transports"]["local"][
            "max_connections"]
        clients = []
        with self.assertRaises((ConnectionError, EOFError)):
            while len(clients) <= limit:
                clients.append(self.router.local())
        # Those of other tests may not all be gone yet.
        self.assertGreater(len(clients), limit - 5)
        clients.pop().close()
        # Closing takes a moment; then the place is free.
        while True:
            try:
                clients.append(self.router.local())
                break
            except (ConnectionError, EOFError):
                pass
        for client in clients:
            client.close()

    def test_too_many_connections_of_one_address(self):
        limit = json.loads((ETC / "nexus-secure.json").read_text())["transports"]["browsers"][
            "max_connections_per_address"]
        # Welcomed ones, since no deadline ends those.
        crowd = [self.join(f"crowd{number % 3}", CROWD) for number in range(limit)]
        self.assert_refused("one more", lambda: self.router.browser(CROWD))
        # Others are served meanwhile, and the crowd again when some have gone.
        self.join("alice").close()
        crowd.pop().close()
        while True:
            try:
                self.router.browser(CROWD).close()
                break
            except (ConnectionError, EOFError, ssl.SSLError):
                pass

    # ---- certificates that change

    def test_a_name_of_its_own(self):
        for name in ("localhost", "second.example"):
            connection = self.router.secure(self.router.browsers, name=name)
            self.assertIn(("DNS", name), connection.getpeercert()["subjectAltName"])
            connection.close()
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.router.secure(self.router.browsers, name="third.example")

    def test_a_certificate_is_renewed_without_a_restart(self):
        def serial():
            connection = self.router.secure(self.router.browsers)
            number = connection.getpeercert()["serialNumber"]
            connection.close()
            return number

        before, olga = serial(), self.join("olga")
        self.router.make_server_certificate()
        self.assertEqual(serial(), before)
        self.assertEqual(olga.ask(CALL, 1, {}, "nexus.reload")[0], RESULT)
        renewed = serial()
        self.assertNotEqual(renewed, before)
        # A file that is none changes nothing.
        good = (self.router.tls / "server.pem").read_bytes()
        (self.router.tls / "server.pem").write_bytes(good[:100])
        answer = olga.ask(CALL, 2, {}, "nexus.reload")
        (self.router.tls / "server.pem").write_bytes(good)
        self.assertEqual(answer, "nexus.error.reload_failed")
        self.assertEqual(serial(), renewed)

    # ---- strangers that speak WAMP

    def test_a_hello_that_is_too_large(self):
        big = {"junk": "x" * 20_000}
        for client in (self.router.browser(ATTACKER), self.router.machine(source=ATTACKER)):
            try:
                answer = client.hello(authmethods=["wampcra"], authid="alice", authextra=big)
                self.assertEqual(answer[0], ABORT)
            except (EOFError, ConnectionError, ssl.SSLError):
                pass
            client.close()
        # Nor is room made for one that is announced.
        client = self.router.machine(source=ATTACKER)
        client.socket.sendall(b"\0\x0f\xff\xff[1,")
        try:
            self.assertEqual(client.receive()[0], ABORT)
        except (EOFError, ConnectionError, ssl.SSLError):
            pass
        client.close()

    def test_without_a_name(self):
        for details in ({}, {"authmethods": []}, {"authid": "alice"},
                        {"authmethods": ["anonymous"]}):
            self.assert_abort(self.stranger().hello(**details),
                              "wamp.error.authentication_required")
        self.assert_abort(self.stranger().hello(authmethods=["scram", "tls"]),
                          "wamp.error.no_matching_auth_method")
        self.assert_abort(self.stranger().hello("com.example.other"), "wamp.error.no_such_realm")
        for message in ([CALL, 1, {}, PROCEDURE], [AUTHENTICATE, "", {}],
                        [WELCOME, 1, {"roles": {}}]):
            client = self.stranger()
            client.send(message)
            self.assertEqual(client.receive()[0], ABORT, message)

    def test_a_wrong_secret_and_an_unknown_user_look_the_same(self):
        answers, challenges = [], []
        for authid in ("alice", "nobody", "machine7"):
            client = self.stranger()
            challenge = client.hello(authmethods=["wampcra"], authid=authid)
            self.assertEqual(challenge[0], CHALLENGE)
            challenges.append(sorted((key, type(value), value if key in ("iterations", "keylen")
                                      else len(value)) for key, value in challenge[2].items()
                                     if key != "challenge"))
            client.send([AUTHENTICATE, base64.b64encode(b"x" * 32).decode(), {}])
            answers.append(client.receive())
            self.assert_abort(answers[-1], DENIED)
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])
        self.assertEqual(challenges[0], challenges[1])
        self.assertEqual(challenges[0], challenges[2])

    def test_what_was_signed_once_is_worth_nothing_again(self):
        client = self.router.browser()
        welcome, stolen = client.join_wampcra("alice", PASSWORDS["alice"][1])
        self.assertEqual(welcome[0], WELCOME)
        thief = self.stranger()
        self.assertEqual(thief.hello(authmethods=["wampcra"], authid="alice")[0], CHALLENGE)
        thief.send([AUTHENTICATE, stolen, {}])
        self.assert_abort(thief.receive(), DENIED)
        # A second one on the same connection is a violation, and ends the session.
        client.send([AUTHENTICATE, stolen, {}])
        self.assert_abort(client.receive(), "wamp.error.protocol_violation")
        client.close()

        client = self.router.machine()
        welcome, stolen = self.router.join_cryptosign(client, "machine7")
        self.assertEqual(welcome[0], WELCOME)
        client.close()
        entry = json.loads(self.router.users.read_text())["users"]["machine7"]
        thief = self.stranger()
        answer = thief.hello(authmethods=["cryptosign"], authid="machine7",
                             authextra={"pubkey": entry["cryptosign"][0]})
        self.assertEqual(answer[0], CHALLENGE)
        thief.send([AUTHENTICATE, stolen, {}])
        self.assert_abort(thief.receive(), DENIED)
        # Nor does another key sign for a machine.
        answer, _ = self.router.join_cryptosign(self.stranger(), "machine7",
                                                seed=self.router.seeds["decider"])
        self.assert_abort(answer, DENIED)

    # ---- the realm that decides

    def test_nobody_decides_but_the_decider(self):
        # Alice has no business in that realm, nor has a machine of the other one.
        answer, _ = self.stranger().join_wampcra("alice", PASSWORDS["alice"][1], AUTH)
        self.assert_abort(answer, "wamp.error.no_matching_auth_method")
        answer, _ = self.router.join_cryptosign(self.stranger(), "machine7", AUTH)
        self.assert_abort(answer, DENIED)
        # Without a decider every ticket is wrong.
        self.assert_abort(self.show_ticket("right"), "wamp.error.authentication_failed")

        decider = self.router.local()
        self.addCleanup(decider.close)
        self.assertEqual(self.router.join_cryptosign(decider, "decider", AUTH)[0][0], WELCOME)
        for request in ([REGISTER, 1, {}, "com.example.auth.other"],
                        [REGISTER, 2, {"match": "prefix"}, "com.example.auth"],
                        [CALL, 3, {}, "com.example.auth.authenticate"],
                        [SUBSCRIBE, 4, {}, "com.example.auth.authenticate"]):
            self.assertEqual(decider.ask(*request), NOT_AUTHORIZED, request)
        self.assertEqual(decider.ask(REGISTER, 5, {}, "com.example.auth.authenticate")[0],
                         REGISTERED)

        for ticket, decision, expected in (("right", ["partner"], WELCOME), ("wrong", None, ABORT),
                                           ("odd", [7], ABORT), ("none", [], ABORT)):
            client = self.stranger()
            self.show_ticket(ticket, client)
            request = decider.receive()
            self.assertEqual([request[4][0], request[4][1], request[4][2]["ticket"]],
                             [MAIN, "partner1", ticket])
            decider.send([ERROR, INVOCATION, request[1], {}, "com.example.no"] if decision is None
                         else [YIELD, request[1], {}, decision])
            answer = client.receive()
            self.assertEqual(answer[0], expected, answer)
            if expected == WELCOME:
                self.assertEqual(answer[2]["authrole"], "partner")
                self.assertEqual(client.ask(CALL, 1, {}, PROCEDURE), NOT_AUTHORIZED)
                self.assertEqual(client.ask(CALL, 2, {}, "com.example.api.orders"),
                                 "wamp.error.no_such_procedure")

    def show_ticket(self, ticket, client=None):
        """With a client of the caller's, only so far that the decider is asked."""
        partner = client or self.stranger()
        self.assertEqual(partner.hello(authmethods=["ticket"], authid="partner1")[0], CHALLENGE)
        partner.send([AUTHENTICATE, ticket, {}])
        return None if client else partner.receive()

    # ---- users that want more than they may

    def test_a_user_may_only_what_its_role_may(self):
        alice = self.join("alice")
        forbidden = [
            [CALL, {}, "com.example.api.admin.drop"], [CALL, {}, "com.example.other"],
            [CALL, {}, "wamp.session.kill", [1]], [CALL, {}, "wamp.session.kill_all"],
            [CALL, {}, "wamp.session.list"], [CALL, {}, "wamp.session.get", [1]],
            [CALL, {}, "wamp.registration.remove_callee", [1, 1]],
            [CALL, {}, "wamp.subscription.get_events", [1, 1]], [CALL, {}, "nexus.reload"],
            [CALL, {}, "com.example.auth.authenticate"],
            [REGISTER, {}, PROCEDURE], [REGISTER, {}, "com.example.api.mine"],
            [REGISTER, {"match": "prefix"}, "com"], [REGISTER, {"force_reregister": True}, PROCEDURE],
            [PUBLISH, {"acknowledge": True}, "com.example.news.today"],
            [PUBLISH, {"acknowledge": True}, "com.example.api.add"],
            [SUBSCRIBE, {}, "com.example.secret"], [SUBSCRIBE, {}, "wamp.session.on_join"],
            [SUBSCRIBE, {"match": "prefix"}, "com.example.new"],
            [SUBSCRIBE, {"match": "prefix"}, "com.example."],
            [SUBSCRIBE, {"match": "prefix"}, "com"], [SUBSCRIBE, {"match": "prefix"}, "wamp"],
            [SUBSCRIBE, {"match": "wildcard"}, "com.example..today"],
            [SUBSCRIBE, {"match": "wildcard"}, "..."]]
        number = 0
        for kind, options, uri, *arguments in forbidden:
            number += 1
            answer = alice.ask(kind, number, options, uri, *arguments)
            # A prefix that ends in a dot is no strict URI, and that is as good a reason.
            self.assertIn(answer, (NOT_AUTHORIZED, "wamp.error.invalid_uri"), (kind, uri))
            if not uri.endswith("."):
                self.assertEqual(answer, NOT_AUTHORIZED, (kind, options, uri))
        for kind in (REGISTER, PUBLISH):
            number += 1
            answer = alice.ask(kind, number, {"acknowledge": True}, "wamp.session.on_join")
            self.assertIn(answer, ("wamp.error.invalid_uri", NOT_AUTHORIZED))
        # And she may what she may.
        for kind, options, uri in ((SUBSCRIBE, {}, "com.example.news.today"),
                                   (SUBSCRIBE, {"match": "prefix"}, "com.example.news.sport"),
                                   (SUBSCRIBE, {}, "com.example.chat")):
            number += 1
            self.assertEqual(alice.ask(kind, number, options, uri)[0], SUBSCRIBED, uri)

    def test_what_is_forbidden_reaches_nobody(self):
        alice, olga = self.join("alice"), self.join("olga")
        self.assertEqual(alice.ask(SUBSCRIBE, 1, {}, "com.example.news.today")[0], SUBSCRIBED)
        self.assertEqual(olga.ask(PUBLISH, 1, {"acknowledge": True}, "com.example.news.today",
                                  ["forged"]), NOT_AUTHORIZED)
        olga.send([PUBLISH, 2, {}, "com.example.news.today", ["forged"]])
        # Her answer comes after the publication that got none.
        self.assertEqual(olga.ask(CALL, 3, {}, "wamp.session.count")[0], RESULT)
        backend = self.router.machine()
        self.assertEqual(self.router.join_cryptosign(backend, "machine7")[0][0], WELCOME)
        for number, (options, uri) in enumerate((({}, "wamp.session.kill"), ({}, "nexus.reload"),
                                                 ({"match": "prefix"}, "com.example"),
                                                 ({"match": "wildcard"}, "com..api"),
                                                 ({}, "com.example.news.add")), 1):
            self.assertIn(backend.ask(REGISTER, number, options, uri),
                          (NOT_AUTHORIZED, "wamp.error.invalid_uri"), uri)
        backend.send([PUBLISH, 6, {}, "com.example.news.today", ["real"]])
        self.assertEqual(alice.receive()[4], ["real"])
        backend.close()

    def test_operators_end_sessions_and_users_do_not(self):
        alice, olga = self.join("alice"), self.join("olga")
        sessions = olga.ask(CALL, 1, {}, "wamp.session.list")[3][0]
        self.assertGreaterEqual(len(sessions), 3)
        for number, session in enumerate(sessions, 1):
            self.assertEqual(alice.ask(CALL, number, {}, "wamp.session.kill", [session]),
                             NOT_AUTHORIZED)
        self.assertEqual(olga.ask(CALL, 2, {}, "wamp.session.kill_by_authid", ["alice"])[0], RESULT)
        self.assertEqual(alice.receive()[0], harness.GOODBYE)
        self.assertEqual(olga.ask(CALL, 3, {}, "nexus.reload")[0], RESULT)

    def test_one_user_takes_so_many_sessions(self):
        limit = json.loads((ETC / "nexus-secure.json").read_text())["realms"]["main"][
            "max_sessions_per_authid"]
        for _ in range(limit):
            self.join("max")
        answer, _ = self.stranger().join_wampcra("max", PASSWORDS["max"][1])
        self.assertEqual(answer[0], ABORT, answer)

    def test_numbers_out_of_order_are_a_violation(self):
        alice = self.join("alice")
        alice.send([CALL, 7, {}, PROCEDURE])
        self.assert_abort(alice.receive(), "wamp.error.protocol_violation")

    # ---- careless operators

    def test_files_that_others_can_read_stop_the_start(self):
        for path in (self.router.users,):
            path.chmod(0o644)
            self.addCleanup(path.chmod, 0o600)
            status, out, errors = harness.run("-c", self.router.config, *self.router.addresses[:4],
                                              "--unix", self.router.folder / "second.sock")
            path.chmod(0o600)
            self.assertEqual((status, out), (78, ""), errors)
            self.assertIn(f"{path.name}: holds secrets, but everybody can read or write it: "
                          "chmod o-rw", errors)
            self.assertFalse((self.router.folder / "second.sock").exists())

    def test_the_socket_is_for_user_and_group(self):
        self.assertEqual((self.router.folder / "n.sock").stat().st_mode & 0o777, 0o660)


class SecureJson(Attacks, unittest.TestCase):
    FILE = "nexus-secure.json"

    # Only here, for it takes the seconds that the file says.
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slow = cls.begin_slowly()

    @classmethod
    def begin_slowly(cls):
        router = cls.router
        half = router.connect(router.browsers, ATTACKER)
        half.sendall(b"\x16\x03\x01\x02")
        request = router.secure(router.browsers, None, ATTACKER)
        request.sendall(b"GET /ws HTTP/1.1\r\nHost: ")
        return [("nothing", router.connect(router.browsers, ATTACKER)),
                ("nothing, as a machine", router.connect(router.machines, ATTACKER)),
                ("half a TLS record", half),
                ("TLS and nothing", router.secure(router.browsers, None, ATTACKER)),
                ("half an HTTP request", request),
                ("no HELLO by WebSocket", router.browser(ATTACKER).socket),
                ("no HELLO by RawSocket", router.machine(source=ATTACKER).socket)]

    def assert_ends(self, connection, what):
        """The router closes it, having said nothing but that time is up."""
        said = b""
        try:
            while more := connection.recv(4096):
                said += more
        except (ConnectionError, ssl.SSLError):
            pass
        connection.close()
        self.assertTrue(not said or said.startswith(b"HTTP/1.1 408 "), (what, said))

    def test_those_that_say_nothing_are_dropped(self):
        for what, connection in self.slow:
            # Who has opened the WebSocket or RawSocket may be told why.
            if what.startswith("no HELLO"):
                client = Client.__new__(Client)
                client.socket, client.websocket = connection, "Web" in what
                try:
                    answer = client.receive()
                    self.assertEqual(answer[0], ABORT, what)
                    self.assertRaises((EOFError, OSError), client.receive)
                except (EOFError, ConnectionError, ssl.SSLError):
                    pass
                connection.close()
            else:
                self.assert_ends(connection, what)


class SecureIni(Attacks, unittest.TestCase):
    FILE = "nexus-secure.ini"


if __name__ == "__main__":
    harness.main()
