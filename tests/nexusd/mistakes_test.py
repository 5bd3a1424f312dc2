#!/usr/bin/env python3
"""What --check finds across sections, and what else only a start would tell."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness
from harness import CheckingTest, anonymous_realm, run
from secure import make_certificate


class Mistakes(CheckingTest):
    def test_addresses_that_are_one_though_written_differently(self):
        def found(first, second):
            config = {"transports": {"a": {"type": "websocket", "listen": first},
                                     "b": {"type": "rawsocket", "listen": second}},
                      "realms": anonymous_realm()}
            lines = self.check("n.json", config)[2][:-1]
            # A machine may be without IPv6.
            return [line for line in lines if not line.startswith("warning: ")]

        for first, second in ((":24010", "127.0.0.1:24010"), ("127.0.0.1:24010", ":24010"),
                              ("*:24010", ":24010"), ("0.0.0.0:24010", "127.0.0.1:24010"),
                              ("localhost:24010", "127.0.0.1:24010"), (":24010", "[::1]:24010"),
                              ("[::]:24010", "[::1]:24010"), (":24010", "0.0.0.0:24010"),
                              (f"unix:{self.folder}/s", f"unix:{self.folder}/./s")):
            self.assertEqual(found(first, second), [
                f'transports.b.listen: "{second}" and "{first}" of transports.a are one address; give '
                "one of them another, or write it the same way in both if they are to share it"])
        for first, second in ((":24010", "127.0.0.1:24011"), ("127.0.0.1:24010", "127.0.0.2:24010"),
                              ("[::]:24010", "127.0.0.1:24010"), ("127.0.0.1:0", ":0"),
                              ("127.0.0.1:24010", "127.0.0.1:24010")):
            self.assertEqual(found(first, second), [], (first, second))

    def test_what_start_refuses_is_refused_here(self):
        listener = {"type": "rawsocket", "listen": "127.0.0.1:0"}
        [line] = self.mistakes_of({**listener, "serializers": ["jsno"]}).items()
        self.assertEqual(line[0], "serializers")
        self.assertIn('"jsno" is not loaded; there are: ', line[1])
        # RFC 5737: no machine has it. It may come, so it is no reason not to try.
        path = self.write("n.json", {"transports": {"t": {**listener, "listen": "192.0.2.1:24010"}},
                                     "realms": anonymous_realm()})
        status, out, errors = run("-c", path, "--check")
        self.assertEqual((status, out), (0, f"{path}: no mistakes, 1 warning\n"), errors)
        self.assertIn(f'nexusd: warning: {path}: transports.t.listen: "192.0.2.1:24010": no interface '
                      "of this machine has this address at the moment", errors)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_what_the_user_may_not_do(self):
        self.folder.chmod(0o755)
        (self.folder / "shut").mkdir(mode=0o755)
        config = {"log": {"path": "shut/n.log"}, "transports": {
            "port": {"type": "rawsocket", "listen": "127.0.0.1:80"},
            "folder": {"type": "rawsocket", "listen": f"unix:{self.folder}/shut/s"},
            "owner": {"type": "rawsocket", "listen": "unix:/tmp/nexusd-nobody", "unix_owner": "0",
                      "unix_group": "0"}}, "realms": anonymous_realm()}
        path = self.write("n.json", config)
        nobody = 65534
        plugins = self.copy_plugins()
        program = self.folder / "nexusd"
        shutil.copy(harness.NEXUSD, program)
        done = subprocess.run(
            [program, "-c", path, "--check", "--plugin-dir", plugins], capture_output=True,
            text=True, timeout=harness.DEADLINE, check=False, user=nobody, group=nobody,
            extra_groups=[])
        self.assertEqual(done.returncode, 78, done.stderr)
        open_port = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
        wanted = {"log.path": "cannot be written", "transports.folder.listen": "no file can be made",
                  "transports.owner.unix_owner": "only root can give files away",
                  "transports.owner.unix_group": "only root can give files away"}
        if int(open_port) > 80:
            wanted["transports.port.listen"] = "CAP_NET_BIND_SERVICE"
        for key, text in wanted.items():
            self.assertRegex(done.stderr, f"{re.escape(key)}: .*{re.escape(text)}")
        self.assertIn(f"{len(wanted)} mistakes", done.stderr)

    def test_realms_that_are_not_there(self):
        decide = {"type": "dynamic", "realm": "com.exmaple.auth", "procedure": "com.example.decide"}
        ticket = {"type": "ticket", "procedure": "com.example.user", "procedure_realm": "elsewhere"}
        config = {"transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}}, "realms": {
            "main": {"uri": "r", "authenticators": {"a": decide, "b": ticket}},
            "auth": {"uri": "com.example.auth",
                     "authenticators": {"g": {"type": "anonymous"}}}}}
        status, _, mistakes = self.check("n.json", config)
        self.assertEqual(status, 78)
        self.assertEqual(mistakes[:-1], [
            'realms.main.authenticators.a.realm: there is no realm "com.exmaple.auth"; did you mean '
            '"com.example.auth"?',
            'realms.main.authenticators.b.procedure_realm: there is no realm "elsewhere"; add '
            "realms.<label> with uri = elsewhere"])
        config["realm_template"] = {"authenticators": {"g": {"type": "anonymous"}}}
        self.assertEqual(self.check("n.json", config)[0], 0)

    def test_options_in_the_wrong_section(self):
        config = {"loops": 4, "log": {"max_calls": 5},
                  "transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0",
                                       "max_sessions_per_authid": 5, "path": "/ws",
                                       "nonsense_of_nobody": 5}},
                  "router": {"listen": ":80"},
                  "realms": {"main": {**anonymous_realm()["main"], "queue_bytes": "1M"}}}
        mistakes = self.check("n.json", config)[2]
        for line in ("loops: there is no such section; it is an option of router",
                     "log.max_calls: there is no such option here; it belongs to realms.<label>",
                     "transports.t.max_sessions_per_authid: there is no such option here; it belongs "
                     "to realms.<label>",
                     "transports.t.nonsense_of_nobody: there is no such option; nexusd --describe "
                     "transport/rawsocket shows those that there are",
                     "realms.main.queue_bytes: there is no such option here; it belongs to router"):
            self.assertIn(line, mistakes)
        self.assertTrue(any(re.match(r"router\.listen: .* it belongs to the transport ", line)
                            for line in mistakes), mistakes)
        self.assertTrue(any(line.startswith("transports.t.path: ") and "transport websocket" in line
                            for line in mistakes), mistakes)
        self.assertEqual(len(mistakes), 8, mistakes)

    def test_areas_of_the_log(self):
        def found(*levels):
            config = {"log": {"levels": list(levels)}, "realms": anonymous_realm(),
                      "transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}}}
            return self.check("n.json", config)[2][:-1]

        self.assertEqual(found("session=debug", "transport=warning", "transport.websocket=off",
                               "nexusd=info", "authenticator.ticket=debug"), [])
        self.assertEqual(found("sesion=debug"), [
            'log.levels: there is no area "sesion"; did you mean "session"?'])
        self.assertEqual(found("transport.websokcet=debug"), [
            'log.levels: there is no area "transport.websokcet"; did you mean '
            '"transport.websocket"?'])
        [line] = found("session=debg")
        self.assertIn('did you mean "debug"?', line)
        [line] = found("completely.different=debug")
        self.assertIn('there is no area "completely.different"; there are auth, authorizer, ', line)

    def test_every_bad_rule_is_named(self):
        rules = {"user": [{"uri": "com.a", "allow": {"cal": True}}, {"uri": "com.b", "mach": "exact"},
                          {"uri": "com.good"}, {"uri": "com.c", "match": "prefx"}],
                 "admin": [{"allow": {}}, "rule"]}
        self.write("rules.json", rules)
        realms = anonymous_realm()
        realms["main"]["authorizers"] = {"r": {"type": "roles", "rules": rules},
                                         "f": {"type": "roles", "file": "rules.json"}}
        config = {"transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": realms}
        status, _, mistakes = self.check("n.json", config)
        self.assertEqual(status, 78)
        texts = ["user[0].allow.cal: an action is publish, subscribe, call or register; did you mean "
                 "call?", 'user[1]: there is no key "mach"; did you mean match?',
                 "user[3].match: must be exact, prefix or wildcard; did you mean prefix?",
                 "admin[0].uri: is missing, or no text",
                 "admin[1]: a rule is an object with uri and allow"]
        at = "realms.main.authorizers."
        self.assertEqual(mistakes[:-1], [f"{at}r.rules.{text}" for text in texts] +
                         [f"{at}f.file: {self.folder}/rules.json.{text}" for text in texts])

    def test_json_mistakes_have_lines(self):
        text = json.dumps({"transports": {"t": {"type": "rawsocket", "lissten": "127.0.0.1:0"}},
                           "realms": {"main": {"uri": "r", "max_calls": "many", "authorizers": {
                               "r": {"type": "roles", "rules": {"u": [{"uri": "a"}, {"url": "b"}]}}},
                               "authenticators": {"a": {"type": "anonymous"}}}}}, indent=1)
        lines = text.splitlines()

        def line_of(word):
            return next(i + 1 for i, line in enumerate(lines) if word in line)

        mistakes = self.check("n.json", text)[2]
        self.assertIn(f"transports.t.lissten (line {line_of('lissten')}): there is no such option; did "
                      "you mean listen?", mistakes)
        for key, word in (("realms.main.max_calls", "max_calls"),
                          ("realms.main.authorizers.r.rules.u[1]", "url")):
            # A rule's place is that of its bracket.
            line = line_of(word) - (1 if word == "url" else 0)
            self.assertTrue(any(one.startswith(f"{key} (line {line}): ") for one in mistakes),
                            (key, mistakes))
        self.assertTrue(any(one.startswith(f"transports.t.listen (line {line_of(chr(34) + 't' + chr(34))}): "
                                           "is required") for one in mistakes), mistakes)

    def test_secrets_in_a_file_that_everybody_can_read(self):
        user = {"ann": {"role": "user", "ticket": "hunter2"}, "joe": {"role": "user"}}
        config = {"transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}}, "realms": {
            "main": {"uri": "r", "authenticators": {"t": {
                "type": "ticket", "users": {"ann": user["ann"]}, "allow_plaintext": True}}}}}
        ini = ("[transports.t]\ntype = rawsocket\nlisten = 127.0.0.1:0\n[realms.main]\nuri = r\n"
               "[realms.main.authenticators.t]\ntype = ticket\nallow_plaintext = yes\nusers = " +
               json.dumps({"ann": user["ann"]}) + "\n")
        for name, content in (("n.json", config), ("n.ini", ini)):
            path = self.write(name, content)
            path.chmod(0o644)
            status, _, errors = run("-c", path, "--check")
            self.assertEqual(status, 0, errors)
            self.assertRegex(errors, r"warning: .*realms\.main\.authenticators\.t\.users\.ann\.ticket.*: "
                                     r"is a secret, but everybody can read or write this file: chmod o-rw")
            self.assertNotIn("hunter2", errors)
            path.chmod(0o640)
            self.assertEqual(run("-c", path, "--check")[2], "")

    def test_warnings_do_not_change_the_status(self):
        closed = {"websocket": {"address": "127.0.0.1:0"}, "router": {"realms": [{"uri": "r"}]}}
        path = self.write("go.json", closed)
        status, out, errors = run("-c", path, "--check")
        self.assertEqual(status, 0, errors)
        self.assertEqual(out, f"{path}: no mistakes, 1 warning\n")
        self.assertIn(f"nexusd: warning: {path}: realms.realm1.authenticators (router.realms[0]."
                      "anonymous_auth): there is none, so nobody can join the realm; ", errors)
        with harness.Daemon("-c", path) as daemon:
            daemon.wait_until_ready()
            self.assertEqual(daemon.stop(), 0)
            self.assertIn("there is none, so nobody can join the realm", daemon.error_text())

    def test_a_realm_that_nobody_can_join(self):
        for realm in ({"uri": "r"}, {"uri": "r", "authenticators": {}}):
            config = {"transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                      "realms": {"main": realm}}
            status, _, mistakes = self.check("n.json", config)
            self.assertEqual(status, 78)
            self.assertEqual(mistakes[:-1], [
                "realms.main.authenticators: there is none, so nobody can join the realm; add one, "
                "for example type = anonymous"])
        config["realms"]["main"] = {"uri": "r", "authenticators": {"t": {
            "type": "ticket", "allow_plaintext": True, "users": {}}}}
        self.assertEqual(self.check("n.json", config)[2][0],
                         "realms.main.authenticators.t: users: there is none, so nobody could ever "
                         "join by this; add one, or give file, database or procedure")
        status, _, mistakes = self.check("n.json", {
            "transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
            "realm_template": {}})
        self.assertEqual(status, 78)
        self.assertIn("realm_template.authenticators: there is none, so nobody", mistakes[0])

    COOKIE = {"type": "cookie"}
    TICKET = {"type": "ticket", "users": {"ann": {"role": "r", "ticket": "t"}}}
    GUESTS = {"type": "anonymous"}
    FAR = {"type": "rawsocket", "listen": "192.0.2.1:0"}  # nobody's, and so not this machine's

    def ways_in(self, authenticators, *listeners, **more):
        """What --check says about a realm with these, as (status, lines)."""
        path = self.write("n.json", {
            "transports": {f"t{i}": one for i, one in enumerate(listeners)},
            "realms": {"main": {"uri": "r", "authenticators": authenticators}} | more})
        path.chmod(0o600)
        status, _, errors = run("-c", path, "--check")
        # Every host says the same: what --check refuses does not start.
        if status != 0:
            started, _, told = run("-c", path)
            told = [line for line in told.splitlines() if line.startswith("nexusd: ")]
            self.assertEqual((started, told), (status, errors.splitlines()))
        found = re.findall(r"^nexusd: (?:warning: )?\S+: (realms\.[^ :]+)(?: \(line \d+\))?(: .*)$",
                           errors, re.M)
        return status, [path + text for path, text in found]

    def test_a_cookie_alone_lets_nobody_in(self):
        here = {"type": "websocket", "listen": "127.0.0.1:0", "tracking_cookie": "c"}
        why = "c lets in only who has joined it by another authenticator before"
        at = "realms.main.authenticators: nobody can join the realm"
        self.assertEqual(self.ways_in({"c": self.COOKIE}, here), (78, [f"{at}: {why}"]))
        self.assertEqual(self.ways_in({"c": self.COOKIE, "d": self.COOKIE}, here),
                         (78, [f"{at}: {why}; d{why[1:]}"]))
        for other in (self.GUESTS, self.TICKET):
            self.assertEqual(self.ways_in({"c": self.COOKIE, "o": other}, here), (0, []))
        # An authenticator of another realm may send clients here; one that cannot changes nothing.
        guests = {"uri": "s", "authenticators": {"a": self.GUESTS, "t": self.TICKET}}
        self.assertEqual(self.ways_in({"c": self.COOKIE}, here, other=guests)[0], 78)
        asking = {"uri": "s", "authenticators": {"a": {
            "type": "dynamic", "methods": ["x"], "realm": "s", "procedure": "p"}}}
        self.assertEqual(self.ways_in({"c": self.COOKIE}, here, other=asking), (
            0, [f"{at}, unless another realm's authenticator sends them here: {why}"]))
        # One mistake per cause: the other authenticator is there, but wrong.
        status, lines = self.ways_in({"c": self.COOKIE, "o": {"type": "anonymos"}}, here)
        self.assertEqual((status, len(lines)), (78, 1), lines)
        self.assertIn("did you mean 'anonymous'", lines[0])

    def test_a_ticket_without_a_listener_to_show_it_at(self):
        why = ("t takes nobody over a connection that others can listen to, and no listener has TLS "
               "(tls.certificate there, or allow_plaintext here)")
        ticket = {"t": self.TICKET}
        self.assertEqual(self.ways_in(ticket, self.FAR), (
            78, [f"realms.main.authenticators: nobody can join the realm: {why}"]))
        warned = [f"realms.main.authenticators: only clients on this machine can join the realm: {why}"]
        for wide in (":0", "0.0.0.0:0", "[::]:0"):
            everywhere = self.FAR | {"listen": wide}
            self.assertEqual(self.ways_in(ticket, everywhere), (0, warned))
            self.assertEqual(self.ways_in(ticket, self.FAR, everywhere), (0, warned))
        cookie = {"c": self.COOKIE, **ticket}
        self.assertEqual(self.ways_in(cookie, self.FAR)[0], 78)
        # It is enough that one of them can be used, or that nobody knows.
        for listen in ("127.0.0.1:0", "[::1]:0", "localhost:0", f"unix:{self.folder}/s"):
            self.assertEqual(self.ways_in(ticket, self.FAR, self.FAR | {"listen": listen}), (0, []))
        proxied = self.FAR | {"trusted_proxies": ["192.0.2.7"], "proxy_protocol": True}
        self.assertEqual(self.ways_in(ticket, proxied), (0, []))
        make_certificate(self.folder, "self", None)
        secure = self.FAR | {"tls": {"certificate": str(self.folder / "self.pem"),
                                     "key": str(self.folder / "self.key")}}
        self.assertEqual(self.ways_in(ticket, self.FAR, secure), (0, []))
        open_ticket = {"t": self.TICKET | {"allow_plaintext": True}}
        self.assertEqual(self.ways_in(open_ticket, self.FAR), (0, []))
        self.assertEqual(self.ways_in({"a": self.GUESTS, **ticket}, self.FAR), (0, []))
        # The same for who shows a certificate.
        own = {"x": {"type": "tls", "role": "r"}}
        status, lines = self.ways_in(own, secure)
        self.assertEqual((status, lines), (78, [
            "realms.main.authenticators: nobody can join the realm: x takes clients with a TLS "
            "certificate only, and no listener asks for one (tls.client_ca, "
            "tls.client_certificate)"]))
        secure["tls"]["client_ca"] = secure["tls"]["certificate"]
        self.assertEqual(self.ways_in(own, secure), (0, []))

    def test_users_that_may_come_later(self):
        here = {"type": "rawsocket", "listen": "127.0.0.1:0"}
        users = self.write("users.json", {"users": {}})
        users.chmod(0o600)
        filed = {"type": "wampcra", "file": str(users)}
        warned = (0, ["realms.main.authenticators: nobody can join the realm: f knows nobody yet"])
        self.assertEqual(self.ways_in({"f": filed}, here), warned)
        self.assertEqual(self.ways_in({"f": filed, "a": self.GUESTS}, here), (0, []))
        users.write_text(json.dumps({"users": {"ann": {"role": "r", "ticket": "t"}}}))
        self.assertEqual(self.ways_in({"f": filed}, here), warned)  # no secret for this method
        users.write_text(json.dumps({"users": {"ann": {"role": "r", "wampcra": "t"}}}))
        self.assertEqual(self.ways_in({"f": filed}, here), (0, []))


if __name__ == "__main__":
    harness.main()
