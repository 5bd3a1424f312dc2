#!/usr/bin/env python3
"""What nexusd says about a command line, a configuration, and what can be configured."""

import configparser
import json
import re
import shutil
import subprocess
import unittest

import harness
from harness import CheckingTest, FolderTest, anonymous_realm, run


class CommandLine(FolderTest):
    def assert_usage(self, text, *arguments):
        status, out, errors = run(*arguments, plugins=None)
        self.assertEqual(status, 64, errors)
        self.assertEqual(out, "")
        self.assertEqual(errors, f"nexusd: {text}\nnexusd: --help shows the options\n")

    def test_mistakes(self):
        self.assert_usage("nothing to listen on: give -c FILE, or one of --ws, --tcp and --unix")
        self.assert_usage("no realm: give -c FILE or --realm URI", "--ws", "127.0.0.1:0")
        self.assert_usage("unexpected argument: nexus.json", "--check", "nexus.json")
        self.assert_usage("Unknown option specified: nope", "--nope")
        self.assert_usage("Missing option argument: ws requires ADDR", "--ws")

    def test_help_and_version(self):
        status, out, errors = run("--help", plugins=None)
        self.assertEqual((status, errors), (0, ""))
        for option in ("--config", "--check", "--ws", "--tcp", "--unix", "--realm", "--log-level",
                       "--plugin-dir", "--list-plugins", "--describe", "--make-secret", "--version"):
            self.assertIn(option, out)
        status, out, errors = run("-version", plugins=None)
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(out, r"^nexusd \d+\.\d+\.\d+ \(plugin ABI 1\.\d+\)\n$")


class Check(CheckingTest):
    def test_the_samples_have_no_mistakes(self):
        for name in ("nexus.json", "nexus.ini", "nexus-go.json"):
            path = harness.SOURCES / "etc" / name
            status, out, errors = run("-c", path, "--check")
            self.assertEqual(status, 0, errors)
            self.assertEqual(out, f"{path}: no mistakes\n")

    def test_the_secured_samples_say_the_same(self):
        def flat(value, path=""):
            if isinstance(value, dict) and not path.endswith(".rules"):
                return {key: text for name, below in value.items()
                        for key, text in flat(below, f"{path}.{name}".lstrip(".")).items()}
            # A section of that name is one more authorizer, a dict is its option.
            if isinstance(value, dict) and "type" in value:
                return flat(value, path + "\0")
            if isinstance(value, dict):
                return {path: json.dumps(value)}
            if isinstance(value, list):
                return {path: ", ".join(value)}
            if isinstance(value, bool):
                return {path: "yes" if value else "no"}
            return {path: str(value)}

        etc = harness.SOURCES / "etc"
        wanted = {key.replace("\0", ""): text for key, text in flat(
            json.loads((etc / "nexus-secure.json").read_text())).items()}
        ini = configparser.ConfigParser(interpolation=None, delimiters=("=",))
        ini.optionxform = str
        ini.read(etc / "nexus-secure.ini", encoding="utf-8")
        found = {f"{section}.{key}": text for section in ini.sections()
                 for key, text in ini.items(section)}
        self.assertEqual(found, wanted)

    def test_every_mistake_is_found(self):
        config = {
            "log": {"levle": "info", "format": "xml"},
            "router": {"shutdown_timeuot": "1s"},
            "transports": {
                "ws": {"type": "websocket", "lissten": "127.0.0.1:0"},
                "tcp": {"type": "rawsockt", "listen": "127.0.0.1:0"},
                "none": {"listen": "127.0.0.1:0"}},
            "realms": {"main": {"uri": "realm1", "authenticators": {
                "a": {"type": "anonymos"}}}},
            "realm": {}}
        status, out, mistakes = self.check("n.json", config)
        self.assertEqual(status, 78)
        self.assertEqual(out, "")
        for expected in (
                "log.levle: there is no such option; did you mean level?",
                'log.format: one of text|json is expected, found the text "xml"',
                "router.shutdown_timeuot: there is no such option; did you mean shutdown_timeout?",
                "transports.ws.lissten: there is no such option; did you mean listen?",
                'realm: there is no such section; did you mean "realms"?'):
            self.assertIn(expected, mistakes)
        for path, word in (("transports.ws.listen", "required"), ("transports.tcp", "rawsocket"),
                           ("transports.none", "type"),
                           ("realms.main.authenticators.a", "anonymous")):
            self.assertTrue(any(line.startswith(path) and word in line for line in mistakes),
                            (path, word, mistakes))
        # The last line counts them.
        self.assertEqual(mistakes[-1],
                         f"{len(mistakes) - 1} mistakes in the configuration; nothing was started")
        self.assertEqual(len(mistakes), 10, mistakes)

    def test_answers_are_given_before_their_deadline(self):
        decide = {"type": "dynamic", "procedure": "com.example.decide"}
        config = {"router": {"decision_timeout": "5s"}, "realms": {"main": {
            "uri": "realm1",
            "authenticators": {
                "a": decide | {"realm": "realm1", "timeout": "4s", "max_failure_delay": "5s"},
                "b": {"type": "ticket", "users": {},
                      "max_failure_delay": "4999ms", "procedure_timeout": "6s"}},
            "authorizers": {"a": decide}}}}
        status, _, mistakes = self.check("n.json", config)
        self.assertEqual(status, 78)
        late = ("ms is not less than 5000ms, which is router.decision_timeout: an answer that takes "
                "so long would come too late")
        for path, given in (("authenticators.a.max_failure_delay", 5000),
                            ("authenticators.b.procedure_timeout", 6000),
                            ("authorizers.a.timeout", 5000)):
            self.assertIn(f"realms.main.{path}: {given}{late}", mistakes)
        self.assertEqual(len(mistakes), 5, mistakes)  # and no listener, and the count

    def test_ini_mistakes_have_lines(self):
        status, _, mistakes = self.check("n.ini", "[log]\nlevle = info\n\n[realms.main]\n"
                                                  "urii = realm1\n")
        self.assertEqual(status, 78)
        self.assertIn("log.levle (line 2): there is no such option; did you mean level?", mistakes)
        self.assertIn("realms.main.urii (line 5): there is no such option; did you mean uri?",
                      mistakes)
        status, _, mistakes = self.check("n.ini", "[log\nlevle\n")
        self.assertEqual(status, 78)
        self.assertEqual(mistakes[:-1], [
            "line 1: a section is written [name], alone on its line: [log",
            'line 2: a line has to be "key = value", "[section]" or a comment: levle'])

    def test_ini_and_json_are_checked_alike(self):
        texts = []
        for name, text in (
                ("n.json", {"transports": {"w": {"type": "websocket", "listen": "nowhere",
                                                 "ping_interval": "soon"}},
                            "realms": anonymous_realm("a b")}),
                ("n.ini", "[transports.w]\ntype = websocket\nlisten = nowhere\n"
                          "ping_interval = soon\n[realms.main]\nuri = a b\n"
                          "[realms.main.authenticators.guests]\ntype = anonymous\n")):
            status, _, mistakes = self.check(name, text)
            self.assertEqual(status, 78)
            texts.append([re.sub(r" \(line \d+\)", "", line) for line in mistakes])
        self.assertEqual(*texts)
        self.assertGreaterEqual(len(texts[0]), 3)

    def test_options_of_the_command_line_are_checked_too(self):
        status, _, mistakes = self.check("n.json", {"realms": anonymous_realm()},
                                         "--ws", "127.0.0.1:0", "--log-level", "loud")
        self.assertEqual(status, 78)
        self.assertEqual(mistakes[0].split(":")[0], "log.level (--log-level)")

    def test_options_of_the_command_line_do_not_hide_a_wrong_section(self):
        for key, arguments in (("transports", ("--tcp", "127.0.0.1:0")), ("realms", ("--realm", "r")),
                               ("log", ("--log-level", "info")), ("plugins", ())):
            config = {"transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                      "realms": anonymous_realm(), **{key: [1]}}
            status, _, mistakes = self.check("n.json", config, *arguments)
            self.assertEqual(status, 78, key)
            self.assertTrue(any(line.startswith(key + ":") for line in mistakes), mistakes)

    def test_one_mistake_in_the_log_section_does_not_hide_others(self):
        config = {"log": {"format": "xml", "levels": ["session=loud"], "path": "no/such/n.log"},
                  "transports": {"t": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": anonymous_realm()}
        status, _, mistakes = self.check("n.json", config)
        self.assertEqual(status, 78)
        self.assertEqual([line.split(":")[0] for line in mistakes[:-1]],
                         ["log.format", "log.levels", "log.path"])

    def test_a_file_that_cannot_be_read_through(self):
        status, _, errors = run("-c", "/proc/self/mem", "--check")
        self.assertEqual(status, 78)
        self.assertIn("/proc/self/mem: cannot be read: Input/output error\n", errors)

    def test_a_long_line_is_shown_short(self):
        status, _, mistakes = self.check("n.ini", "[log]\n" + "x" * 100000 + "\n")
        self.assertEqual(status, 78)
        self.assertLess(len(mistakes[0]), 200)

    def test_a_service_without_listener_or_realm(self):
        status, _, mistakes = self.check("n.json", {})
        self.assertEqual(status, 78)
        self.assertEqual(len(mistakes), 3, mistakes)
        self.assertTrue(mistakes[0].startswith("transports: there is no listener"), mistakes)
        self.assertTrue(mistakes[1].startswith("realms: there is no realm"), mistakes)
        # A template alone is enough.
        template = {"authenticators": {"a": {"type": "anonymous"}}}
        status, _, mistakes = self.check("n.json", {"realm_template": template},
                                         "--tcp", "127.0.0.1:0")
        self.assertEqual((status, mistakes), (0, []))

    def test_json_that_does_not_parse(self):
        status, _, mistakes = self.check("n.json", '{\n  "log": {,}\n}')
        self.assertEqual(status, 78)
        self.assertRegex(mistakes[0], r"^is not valid JSON: line 2, column 11: ")

    def test_nothing_is_opened_or_created(self):
        config = {"log": {"path": "n.log"},
                  "transports": {"u": {"type": "rawsocket", "listen": f"unix:{self.folder}/s"}},
                  "realms": anonymous_realm()}
        status, _, mistakes = self.check("n.json", config)
        self.assertEqual((status, mistakes), (0, []))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["n.json"])

    def test_go_keys_are_named_as_the_file_has_them(self):
        config = {"websocket": {"address": "nowhere"},
                  "router": {"realms": [{"uri": "a b", "anonymous_auth": True}]}}
        status, _, mistakes = self.check("nexus.json", config)
        self.assertEqual(status, 78)
        self.assertTrue(any("router.realms[0].uri" in line for line in mistakes), mistakes)
        status, _, mistakes = self.check("nexus.json", {"websocket": {"address": 5}})
        self.assertEqual(status, 78)
        self.assertIn("websocket.address: has to be a string", mistakes)

    @unittest.skipUnless(shutil.which("openssl"), "needs the openssl tool")
    def test_certificates_and_keys(self):
        for name in ("a", "b"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                            "-days", "2", "-keyout", self.folder / f"{name}.key",
                            "-out", self.folder / f"{name}.pem"], check=True, capture_output=True)
        self.write("junk.pem", "no certificate\n")
        good = {"type": "websocket", "listen": "127.0.0.1:0",
                "tls": {"certificate": "a.pem", "key": "a.key"}}
        self.assertEqual(self.mistakes_of(good), {})

        def tls(**options):
            return self.mistakes_of({**good, "tls": {**good["tls"], **options}})

        found = tls(certificate="none.pem", key="none.key", client_ca="none.ca",
                    ciphers="NO-SUCH-CIPHER")
        self.assertEqual(sorted(found), ["tls.certificate", "tls.ciphers", "tls.client_ca",
                                         "tls.key"])
        for option, file in (("certificate", "none.pem"), ("key", "none.key"),
                             ("client_ca", "none.ca")):
            self.assertIn(f'cannot read "{self.folder}/{file}": No such file', found["tls." + option])
        found = tls(certificate="junk.pem", key="junk.pem", client_ca="junk.pem")
        self.assertEqual(sorted(found), ["tls.certificate", "tls.client_ca", "tls.key"])
        found = tls(key="b.key")
        self.assertEqual(list(found), ["tls.key"])
        self.assertIn("does not belong to the certificate", found["tls.key"])
        found = tls(certificate=".")
        self.assertIn("is a folder", found["tls.certificate"])
        found = self.mistakes_of({"type": "rawsocket", "listen": "127.0.0.1:0",
                                  "tls": {"certificate": "a.pem"}})
        self.assertEqual(list(found), ["tls.key"])  # it is not in the certificate's file

    @unittest.skipUnless(shutil.which("openssl"), "needs the openssl tool")
    def test_what_is_doubtful_about_tls(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                "a.key", "-subj", "/CN=localhost", "-out", "a.csr")
        openssl("x509", "-req", "-in", "a.csr", "-signkey", "a.key", "-days", "-1", "-out", "a.pem")
        listener = {"type": "websocket", "listen": "127.0.0.1:0", "tracking_cookie": "id",
                    "tls": {"certificate": "a.pem", "key": "a.key"}}
        path = self.write("n.json", {"transports": {"t": listener}, "realms": anonymous_realm()})
        status, out, errors = run("-c", path, "--check")
        self.assertEqual((status, out), (0, f"{path}: no mistakes, 2 warnings\n"), errors)
        self.assertRegex(errors, r"warning: .*transports\.t\.tracking_cookie.*__Host-id")
        self.assertRegex(errors, r"warning: .*transports\.t\.tls\.certificate.* has expired on ")
        (self.folder / "a.key").chmod(0o644)
        found = self.mistakes_of({**listener, "tls": {**listener["tls"], "client_ca": "a.pem",
                                                      "crl": "a.pem"}})
        self.assertEqual(sorted(found), ["tls.crl", "tls.key"])
        self.assertIn("is no PEM file with revocation lists", found["tls.crl"])
        self.assertIn(f"(mode 0644); run: chmod o-rw {self.folder}/a.key", found["tls.key"])

    def test_addresses_and_owners(self):
        def found(listen, **more):
            return self.mistakes_of({"type": "rawsocket", "listen": listen, **more})

        socket = f"unix:{self.folder}/s"
        self.assertEqual(found(socket, unix_owner="root", unix_group="0"), {})
        mistakes = found(socket, unix_owner="nobody-like-that", unix_group="no-group-like-that")
        self.assertIn('there is no user "nobody-like-that"', mistakes["unix_owner"])
        self.assertIn('there is no group "no-group-like-that"', mistakes["unix_group"])
        self.assertEqual(len(mistakes), 2)
        self.assertIn("a Unix socket's has at most 107", found("unix:/" + "x" * 120)["listen"])
        self.assertIn("create it first", found(f"unix:{self.folder}/no/such/s")["listen"])
        self.assertIn("is no folder", found(f"unix:{self.folder}/n.json/s")["listen"])
        self.assertIn("is no socket", found(f"unix:{self.folder}/n.json")["listen"])
        # RFC 2606: never resolves.
        self.assertIn("cannot find the host", found("no-such-host.invalid:80")["listen"])
        self.assertEqual(sorted(found("no-such-host.invalid:80", unix_mode="0660")),
                         ["listen", "unix_mode"])

    def test_addresses_that_two_sections_want(self):
        def check(second, first=None):
            first = first or {"type": "websocket", "listen": "127.0.0.1:8080"}
            config = {"transports": {"a": first, "b": {"listen": "127.0.0.1:8080", **second}},
                      "realms": anonymous_realm()}
            return self.check("n.json", config)[2][:-1]

        self.assertEqual(check({"type": "rawsocket"}), [])
        self.assertEqual(check({"type": "websocket", "path": "/ws"}), [])
        [line] = check({"type": "websocket"})
        self.assertIn("transports.b.listen: \"127.0.0.1:8080\" is shared with transports.a, which "
                      "already takes WebSocket at any path", line)
        [line] = check({"type": "rawsocket", "tcp_keepalive": "5s"})
        self.assertIn("the two must say the same for tcp_keepalive", line)
        port_0 = {"type": "rawsocket", "listen": "127.0.0.1:0"}
        self.assertEqual(check(port_0, port_0), [])

    def test_wrong_options_do_not_hide_wrong_values(self):
        found = self.mistakes_of({"type": "websocket", "lissten": "127.0.0.1:0",
                                  "ping_interval": "soon", "path": "ws", "origins": ["["],
                                  "unix_mode": "rw", "tracking_cookie": "a b",
                                  "tls": {"key": "k.pem"}})
        self.assertEqual(sorted(found), [
            "lissten", "listen", "origins", "path", "ping_interval", "tls.certificate",
            "tracking_cookie", "unix_mode"])
        found = self.mistakes_of({"type": "rawsocket", "listen": 5, "max_message_size": "17M"})
        self.assertEqual(sorted(found), ["listen", "max_message_size"])

    def test_paths_and_origins_that_no_client_sends(self):
        def found(option, value):
            return option in self.mistakes_of(
                {"type": "websocket", "listen": "127.0.0.1:0", option: value})

        for path in ("/", "/ws", "/a/b.c/", "/%7Ex", "/a;b=c@d"):
            self.assertFalse(found("path", path), path)
        for path in ("ws", "/a b", "/a?b", "/a#b", "/\u00fc", "/a\tb", '/"', "/%", "/%2", "/%zz",
                     "/a/../b", "/.", "/<x>"):
            self.assertTrue(found("path", path), path)
        for origin in ("*", "example.com", "*.example.com", "https://example.com:8443", "null",
                       "https://*", "[a-c]x.org:*", "\\[::1\\]:3000", "app://local", "file://",
                       "capacitor://localhost", "self"):
            self.assertFalse(found("origins", [origin]), origin)
        for origin in ("", "https://example.com/", "example.com/x", "http://", "://x", "a b",
                       "b\u00fccher.example", "[::1]:3000", "x@y", "[", "a]", "x,y", "a/b",
                       "file:///"):
            self.assertTrue(found("origins", ["example.com", origin]), origin)
        for host in ("example.com", "*.example.com", "router", "example.com.", "*"):
            self.assertFalse(found("hosts", [host]), host)
        for host in ("", "http://example.com", "example.com:8080", "[::1]", "a b", "a/b",
                     "b\u00fccher.example"):
            self.assertTrue(found("hosts", ["example.com", host]), host)

    def test_sections_that_are_lists(self):
        realm = {"uri": "r", "authenticators": [{"type": "anonymous"}], "authorizers": "x",
                 "history": 5}
        status, _, mistakes = self.check("n.json", {"realms": {"main": realm}}, "--tcp",
                                         "127.0.0.1:0")
        self.assertEqual(status, 78)
        for key in ("authenticators", "authorizers", "history"):
            self.assertTrue(any(line.startswith(f"realms.main.{key}: must hold one section for each")
                                for line in mistakes), mistakes)

    def test_messages_name_each_key_once(self):
        config = {"plugins": {"laod": ["x"], "directory": 5}, "router": {"loops": "many"},
                  "transports": {"t": {"type": "websocket", "listen": "nowhere"}},
                  "realms": {"main": {"uri": "", "max_calls": "many"}}, "realm_template": 7}
        status, _, mistakes = self.check("n.json", config)
        self.assertEqual(status, 78)
        self.assertGreaterEqual(len(mistakes), 7)
        for line in mistakes[:-1]:
            key, _, text = line.partition(": ")
            self.assertRegex(key, r"^[a-z_]+(\.[a-z_0-9]+)*$")
            self.assertFalse(text.startswith(key.split(".")[0] + "."), line)
            self.assertFalse(text.startswith(key.split(".")[-1]), line)

    def test_pins_of_files_that_are_not_there(self):
        pinned = "nexus-transport-rawsocket.so"

        def found(pins, **plugins):
            config = {"plugins": {"sha256": pins, **plugins}, "realms": anonymous_realm()}
            return self.check("n.json", config, "--tcp", "127.0.0.1:0")[2]

        mistakes = found({"nexus-transport-rawsokcet.so": "00" * 32})
        self.assertEqual(mistakes[0], 'plugins.sha256.nexus-transport-rawsokcet.so: no such plugin '
                                      f'file is loaded, so this pins nothing; did you mean "{pinned}"?')
        mistakes = found({"/elsewhere/nexus-transport-rawsokcet.so": "00" * 32})
        self.assertIn(f'did you mean "{pinned}"?', mistakes[0])
        mistakes = found({"nexus-serializer-json.so": "00" * 32}, load=[pinned])
        self.assertTrue(any(line.startswith("plugins.sha256.nexus-serializer-json.so: no such")
                            for line in mistakes), mistakes)
        # Whichever way the file is named, the pin holds; and one that is no text holds for none.
        for name in (pinned, "./" + pinned, f"{harness.PLUGINS}/{pinned}"):
            mistakes = found({name: "00" * 32})
            self.assertTrue(any("its sha256 is" in line for line in mistakes), mistakes)
        for pin in ("", 5, None, "abc"):
            mistakes = found({pinned: pin})
            self.assertTrue(any("is none; give 64 hexadecimal digits" in line for line in mistakes),
                            mistakes)

    def test_a_sha256_that_does_not_match(self):
        config = {"plugins": {"sha256": {"nexus-transport-rawsocket.so": "00" * 32}},
                  "realms": anonymous_realm()}
        ini = ("[plugins.sha256]\nnexus-transport-rawsocket.so = " + "00" * 32 +
               "\n[realms.main]\nuri = r\n[realms.main.authenticators.a]\ntype = anonymous\n")
        for name, content in (("n.json", config), ("n.ini", ini)):
            status, _, mistakes = self.check(name, content)
            self.assertEqual(status, 78)
            self.assertTrue(any("its sha256 is" in line for line in mistakes), mistakes)


class Describe(FolderTest):
    def test_list_plugins(self):
        status, out, errors = run("--list-plugins")
        self.assertEqual((status, errors), (0, ""))
        lines = out.splitlines()
        self.assertEqual(lines[0].split(), ["KIND", "NAME", "VERSION", "PLUGIN", "FILE"])
        rows = {tuple(line.split()[:2]): line.split()[2:] for line in lines[1:]}
        for kind, name in (("serializer", "json"), ("serializer", "msgpack"), ("serializer", "cbor"),
                           ("serializer", "ubjson"), ("serializer", "bjdata"), ("transport", "websocket"), ("transport", "rawsocket"),
                           ("authenticator", "anonymous")):
            version, plugin, file = rows[kind, name]
            self.assertRegex(version, r"^\d+\.\d+")
            self.assertEqual(file, f"{harness.PLUGINS}/{plugin}.so")

    def test_a_broken_plugin_does_not_hide_the_others(self):
        plugins = self.copy_plugins()
        (plugins / "nexus-broken.so").write_text("no")
        status, out, errors = run("--list-plugins", plugins=plugins)
        self.assertEqual(status, 78)
        self.assertIn("nexus-broken.so", errors)
        self.assertIn("websocket", out)

    def test_describe(self):
        for name in ("websocket", "transport/websocket"):
            status, out, errors = run("--describe", name)
            self.assertEqual((status, errors), (0, ""))
            self.assertTrue(out.startswith("transport websocket: "), out)
            self.assertRegex(out, r"(?m)^  listen +text +required ")
            self.assertRegex(out, r"(?m)^  tls\.certificate +path ")
        status, out, errors = run("--describe", "realms")
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(out, r"(?m)^  uri ")
        status, out, errors = run("--describe", "realm")
        self.assertEqual((status, out), (64, ""))
        self.assertIn('did you mean "realms"?', errors)
        status, out, errors = run("--describe", "websokcet")
        self.assertEqual((status, out), (64, ""))
        self.assertEqual(errors, 'nexusd: there is no component or section "websokcet"; did you '
                                 'mean "websocket"?\n')

    def test_the_reference_covers_what_is_there(self):
        status, out, errors = run("--describe-config")
        self.assertEqual((status, errors), (0, ""))
        for heading in ("### `router`", "### `log`", "### transport `websocket`",
                        "### authenticator `anonymous`"):
            self.assertIn(heading + "\n", out)
        # Its two examples of a file are files without mistakes.
        blocks = re.findall(r"```(json|ini)\n(.*?)```", out, re.DOTALL)
        self.assertEqual([kind for kind, _ in blocks], ["json", "ini"])
        for kind, text in blocks:
            status, _, errors = run("-c", self.write("example." + kind, text), "--check")
            self.assertEqual(status, 0, errors)


if __name__ == "__main__":
    harness.main()
