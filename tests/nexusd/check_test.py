#!/usr/bin/env python3
"""What nexusd says about a command line, a configuration, and what can be configured."""


import re

import harness
from harness import FolderTest, anonymous_realm, run


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


class Check(FolderTest):
    def check(self, name, content, *arguments):
        path = self.write(name, content)
        status, out, errors = run("-c", path, "--check", *arguments)
        return status, out, [line.removeprefix("nexusd: ").replace(f"{path}: ", "")
                             for line in errors.splitlines()]

    def test_the_samples_have_no_mistakes(self):
        for name in ("nexus.json", "nexus.ini", "nexus-go.json"):
            path = harness.SOURCES / "etc" / name
            status, out, errors = run("-c", path, "--check")
            self.assertEqual(status, 0, errors)
            self.assertEqual(out, f"{path}: no mistakes\n")

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
