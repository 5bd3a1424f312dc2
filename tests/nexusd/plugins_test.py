"""nexusd and plugins that are not as they should be: the person who operates it reads which one it is.

The plugins are those of tests/plugins. `slow` waits for a FIFO of this test at the place that it is
told, so nothing here depends on how fast anything is; what has to wait for a deadline of the router's
has a short one.
"""

import hashlib
import os
import pathlib
import select
import shutil
import signal
import time

import harness
from harness import Daemon, FolderTest, RawClient, anonymous_realm, run

TESTS = pathlib.Path(os.environ.get("NEXUS_BUILD", harness.SOURCES / "build/dev")) / "tests/plugins"
BASICS = ["nexus-serializer-json.so", "nexus-transport-rawsocket.so",
          "nexus-authenticator-anonymous.so"]


def test_plugin(name):
    return f"{TESTS}/{name}.so"


class PluginTest(FolderTest):
    def config(self, *plugins, authenticators=None, **sections):
        config = {"plugins": {"load": [*BASICS, *plugins]},
                  "transports": {"tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"}},
                  "realms": anonymous_realm(), **sections}
        if authenticators is not None:
            config["realms"]["main"]["authenticators"] = authenticators
        return config

    def slow(self, at, **more):
        os.mkfifo(self.folder / "gate")
        slow = {"type": "slow", "at": at, "gate": "gate"}
        return self.config(test_plugin("slow"), authenticators={"waits": slow},
                           log={"path": "n.log"}, **more)

    def log(self):
        path = self.folder / "n.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def check(self, config, **more):
        """Status and the mistakes, each without the file's name."""
        path = config if isinstance(config, pathlib.Path) else self.write("n.json", config)
        status, _, errors = run("-c", path, "--check", **more)
        begin = f"nexusd: {path}: "
        return status, [line.removeprefix(begin) for line in errors.splitlines()
                        if line.startswith(begin)]

    def both(self, config):
        """What --check and a start say, which both have to fail: (status, text) twice."""
        path = self.write("n.json", config)
        for arguments in (["--check"], []):
            status, _, errors = run("-c", path, *arguments)
            yield status, errors


class Loading(PluginTest):
    def test_what_happens_while_a_file_is_loaded_names_it(self):
        for name, text in (("throws", "an exception that nobody catches while loading plugin '%s': "
                                      "no licence was found"),
                           ("exits", "something has called exit() while loading plugin '%s'"),
                           ("crashes", "crashed (SIGSEGV) while loading plugin '%s'")):
            file = test_plugin("bad_static_" + name)
            for status, errors in self.both(self.config(file)):
                self.assertIn("nexusd: " + text % file, errors)
                # The thread sanitizer ends the process its own way when it ends within dlopen().
                if name != "crashes":
                    self.assertIn(status, (78, 66) if "ThreadSanitizer" in errors else (78,), errors)
                elif "AddressSanitizer" not in errors:
                    self.assertLess(status, 0, errors)

    def test_what_happens_in_start_names_section_and_file(self):
        where = f"start() of authenticator 'slow' ({test_plugin('slow')})"
        for at, text in (("exit", f"something has called exit() while {where}"),
                         ("crash", f"crashed (SIGSEGV) while {where}")):
            slow = {"type": "slow", "at": at}
            config = self.config(test_plugin("slow"), authenticators={"waits": slow})
            status, _, errors = run("-c", self.write("n.json", config))
            self.assertIn("nexusd: " + text, errors)
            self.assertNotEqual(status, 0)

    def test_a_crash_on_a_loop_names_the_file(self):
        if os.environ.get("NEXUS_SANITIZE"):
            self.skipTest("sanitizers make something else of a wrong address")
        slow = {"type": "slow", "at": "hello"}
        config = self.config(test_plugin("slow"), authenticators={"crashes": slow},
                             log={"path": "n.log"})
        with Daemon("-c", self.write("n.json", config)) as daemon:
            client = RawClient(daemon.wait_until_ready()[0])
            self.addCleanup(client.close)
            client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["slow"]}])
            self.assertLess(daemon.wait(), 0)
            self.assertIn(f"nexusd: crashed (SIGSEGV) in plugin '{test_plugin('slow')}'",
                          daemon.error_text())

    def test_a_start_that_fails_names_section_and_file(self):
        slow = {"type": "slow", "at": "timeout"}
        config = self.config(test_plugin("slow"), authenticators={"waits": slow})
        status, _, errors = run("-c", self.write("n.json", config))
        self.assertEqual(status, 69, errors)  # NX_E_TIMEOUT
        self.assertIn("realms.main.authenticators.waits: authenticator 'slow' "
                      f"({test_plugin('slow')}): the directory does not answer", errors)

    def test_a_listener_that_cannot_be_opened_names_section_and_component(self):
        config = self.config()
        with RawListener() as taken:
            config["transports"]["tcp"]["listen"] = taken.address
            status, _, errors = run("-c", self.write("n.json", config))
        self.assertEqual(status, 69, errors)
        self.assertIn("transports.tcp: transport 'rawsocket' "
                      f"({harness.PLUGINS}/nexus-transport-rawsocket.so): ", errors)
        self.assertIn(taken.address, errors)

    def test_a_configure_that_hangs_is_named(self):
        config = self.slow("configure")
        status, mistakes = self.check(config)
        self.assertEqual(status, 78, mistakes)
        self.assertEqual(mistakes, ["realms.main.authenticators.waits: configure() of authenticator "
                                    f"'slow' ({test_plugin('slow')}) has not ended after 10000 ms"])
        # A start names it and goes on waiting: perhaps a name server is slow at this hour.
        with Daemon("-c", self.folder / "n.json") as daemon:
            wait_for(lambda: "has not ended after 10000 ms" in self.log())
            self.assertIn("section=realms.main.authenticators.waits", self.log())
            with open(self.folder / "gate", "wb"):
                pass
            daemon.wait_until_ready()
            self.assertEqual(daemon.stop(), 0)
            self.assertIn("has not ended after 10000 ms", daemon.error_text())

    def test_one_mistake_for_each_cause(self):
        bad = self.write("vendor-bad.so", "this is no library")
        config = self.config(str(bad), authenticators={"a": {"type": "bad"}})
        status, mistakes = self.check(config)
        self.assertEqual(status, 78)
        self.assertEqual(len(mistakes), 1, mistakes)
        self.assertTrue(mistakes[0].startswith(f"plugins.load: plugin '{bad}': not a shared library"))
        # Whatever the component is called: it may have been in that file.
        config["realms"]["main"]["authenticators"] = {"a": {"type": "ldap"}}
        self.assertEqual(len(self.check(config)[1]), 1)
        # But a slip of the pen has nothing to do with it.
        config["realms"]["main"]["authenticators"] = {"a": {"type": "anonymuos"}}
        mistakes = self.check(config)[1]
        self.assertEqual(len(mistakes), 2, mistakes)
        self.assertTrue(mistakes[1].endswith("did you mean 'anonymous'?"), mistakes)
        # Nor do all listeners, realms and formats follow from a folder that is not there.
        del config["plugins"]
        config["realms"]["main"]["authenticators"] = {"a": {"type": "anonymous"}}
        status, mistakes = self.check(config, plugins=self.folder / "none")
        self.assertEqual(len(mistakes), 1, mistakes)

    def test_paths_start_at_the_configuration(self):
        folder = self.folder / "etc"
        (folder / "vendor").mkdir(parents=True)
        shutil.copyfile(test_plugin("slow"), folder / "vendor/slow.so")
        shutil.copyfile(test_plugin("slow"), folder / "beside.so")
        (folder / "vendor/slow.so").chmod(0o644)
        for name in ("vendor/slow.so", "./vendor/slow.so"):
            path = folder / "n.json"
            config = self.config(name, authenticators={"a": {"type": "slow"}})
            path.write_text(harness.json.dumps(config))
            self.assertEqual(self.check(path), (0, []))
        # Said from where, when it is not there.
        for name, text in (
                ("vendor/none.so", f"plugin '{folder}/vendor/none.so': no such file; check the path "
                                   f"(\"vendor/none.so\" starts at the folder of the configuration, "
                                   f"{folder})"),
                ("none.so", f"plugin '{harness.PLUGINS}/none.so': no such file; check the path "
                            "(\"none.so\" is looked for in the plugin folder)"),
                ("beside.so", f"plugin '{harness.PLUGINS}/beside.so': no such file; check the path "
                              "(\"beside.so\" is looked for in the plugin folder; the one beside "
                              "the configuration is \"./beside.so\")")):
            path.write_text(harness.json.dumps(self.config(name)))
            self.assertEqual(self.check(path), (78, ["plugins.load: " + text]))

    def test_a_pin_may_name_the_file_alone(self):
        file = test_plugin("slow")
        right = hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
        for pins, status in (({"slow.so": right}, 0), ({"slow.so": "00" * 32}, 78),
                             ({file: right}, 0), ({file: "00" * 32}, 78),
                             ({file: right, "slow.so": "00" * 32}, 0),  # a path says more
                             ({"slo.so": right}, 78)):
            config = self.config(file)
            config["plugins"]["sha256"] = pins
            found, mistakes = self.check(config)
            self.assertEqual(found, status, (pins, mistakes))


class Serializers(PluginTest):
    def test_two_that_cannot_be_told_apart_are_refused(self):
        names = ["nexus-serializer-cbor.so", "nexus-serializer-msgpack.so"]
        for name, what, other, file in (
                ("bad_same_format", "the format name 'json'", "json", BASICS[0]),
                ("bad_same_subprotocol", "the WebSocket subprotocol 'wamp.2.cbor'", "cbor", names[0]),
                ("bad_same_rawsocket_id", "the RawSocket id 2", "msgpack", names[1])):
            bad = test_plugin(name)
            status, mistakes = self.check(self.config(*names, bad))
            self.assertEqual(status, 78)
            self.assertEqual(mistakes, [
                f"plugins: serializer 'clash' ({bad}) and serializer '{other}' "
                f"({harness.PLUGINS}/{file}) both have {what}; load only one of the two "
                "(plugins.load)"])
        bad = test_plugin("bad_batched_subprotocol")
        self.assertEqual(self.check(self.config(bad))[1], [
            f"plugins: serializer 'clash' ({bad}) has the WebSocket subprotocol "
            "'wamp.2.json.batched', but names that end in .batched stand for batches of another; "
            "report it to its author"])
        # Two dialects of one plugin may share them: the listener's option chooses.
        self.assertEqual(self.check(self.config("nexus-serializer-ubjson.so")), (0, []))

    def test_options_have_a_section(self):
        tlv = test_plugin("tlv_serializer")
        for sections in ({"tlv": {"max_text": "1K"}}, {"mine": {"type": "tlv", "max_text": 1000}},
                         {"json": {}}, {}):
            self.assertEqual(self.check(self.config(tlv, serializers=sections)), (0, []))
        for sections, text in (
                ({"tlv": {"max_txt": 1}},
                 "serializers.tlv.max_txt: there is no such option; did you mean max_text?"),
                ({"tlv": {"max_text": "many"}}, "serializers.tlv.max_text: "),
                ({"json": {"x": 1}}, "serializers.json.x: there is no such option"),
                ({"jsn": {}}, "serializers.jsn.type: no serializer 'jsn' is loaded; did you mean "
                              "'json'?"),
                ({"mine": {"type": "tvl"}}, "serializers.mine.type: no serializer 'tvl' is loaded; "
                                            "did you mean 'tlv'?"),
                ({"tlv": {}, "mine": {"type": "tlv"}},
                 "serializers.mine: is for serializer 'tlv', which has the section serializers.tlv "
                 "already"),
                ({"tlv": 1}, "serializers.tlv: must be a section"),
                ([], "serializers: must hold one section for each")):
            status, mistakes = self.check(self.config(tlv, serializers=sections))
            self.assertEqual(status, 78)
            self.assertEqual(len(mistakes), 1, mistakes)
            self.assertTrue(mistakes[0].startswith(text), mistakes)
        ini = self.write("n.ini", f"""[plugins]
load = {", ".join(BASICS)}, {tlv}
[serializers.tlv]
max_text = 1K
max_txt = 5
[transports.tcp]
type = rawsocket
listen = 127.0.0.1:0
[realms.main]
uri = realm1
[realms.main.authenticators.a]
type = anonymous
""")
        status, mistakes = self.check(ini)
        self.assertEqual(mistakes, ["serializers.tlv.max_txt (line 5): there is no such option; did "
                                    "you mean max_text?"])
        config = self.write("n.json", self.config(tlv))
        status, out, _ = run("-c", config, "--describe", "serializer/tlv")
        self.assertEqual(status, 0)
        self.assertIn("Section serializers.<label> with type = tlv", out)
        self.assertIn("max_text", out)
        self.assertIn("### `serializers.<label>`", run("--describe-config")[1])


class Late(PluginTest):
    def test_jobs_that_do_not_return_are_named_and_left(self):
        config = self.slow("job", router={"shutdown_timeout": "100ms", "decision_timeout": "1h",
                                          "authentication_timeout": "1h"})
        with Daemon("-c", self.write("n.json", config)) as daemon:
            client = RawClient(daemon.wait_until_ready()[0])
            self.addCleanup(client.close)
            client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["slow"]}])
            wait_for(lambda: "job begins" in self.log())
            self.assertEqual(daemon.stop(), 0, self.log())
            self.assertRegex(self.log(),
                             r"authenticator 'slow': its blocking work has not ended in time and is "
                             r"left: 1 jobs have not returned, 0 had not begun.*"
                             r"section=realms.main.authenticators.waits file=\S*/slow.so")
            self.assertIn(" stopped", self.log())

    def test_a_stop_that_does_not_return_is_named_and_left(self):
        config = self.slow("stop", router={"shutdown_timeout": "100ms"})
        with Daemon("-c", self.write("n.json", config)) as daemon:
            daemon.wait_until_ready()
            self.assertEqual(daemon.stop(), 0, self.log())
            self.assertRegex(self.log(),
                             r"authenticator 'slow': stop\(\) has not returned in time and is left.*"
                             r"section=realms.main.authenticators.waits file=\S*/slow.so")

    def test_a_reload_that_does_not_return_keeps_nobody_from_stopping(self):
        config = self.slow("reload", router={"shutdown_timeout": "100ms"})
        with Daemon("-c", self.write("n.json", config)) as daemon:
            daemon.wait_until_ready()
            daemon.signal(signal.SIGHUP)
            daemon.signal(signal.SIGTERM)
            # The thread that would stop it is the one that reloads.
            status = daemon.wait()
            self.assertIn(status, (0, 70), self.log())
            if status == 70:
                self.assertIn("reload() of authenticator 'slow'", self.log())


class Queue(PluginTest):
    def test_one_slow_component_does_not_keep_others_from_theirs(self):
        config = self.slow("job", router={"shutdown_timeout": "100ms", "work_queue": 5,
                                          "decision_timeout": "1h", "authentication_timeout": "1h"})
        config["realms"]["main"]["authenticators"]["fast"] = {
            "type": "slow", "method": "fast", "at": "nowhere"}
        with Daemon("-c", self.write("n.json", config)) as daemon:
            url = daemon.wait_until_ready()[0]
            clients = [RawClient(url) for _ in range(30)]
            for client in clients:
                self.addCleanup(client.close)
                client.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["slow"]}])
            # Three of the four threads, five places to wait: the others are told at once.
            sockets = {client.socket: client for client in clients}
            for _ in range(30 - 3 - 5):
                ready, _, _ = select.select(list(sockets), [], [], harness.DEADLINE)
                self.assertTrue(ready)
                abort = sockets.pop(ready[0]).receive()
                self.assertEqual(abort[0::2], [3, "wamp.error.authentication_failed"])
            full = "authenticator.slow its queue for blocking work is full"
            wait_for(lambda: full in self.log())
            # Loops that refuse in the same instant are counted by whichever of them says it.
            self.assertRegex(self.log(), full + ".* section=realms.main.authenticators.waits "
                                                "refused=[1-9]")
            self.assertEqual(self.log().count(full), 1)
            for _ in range(5):
                fast = RawClient(url)
                self.addCleanup(fast.close)
                fast.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["fast"]}])
                self.assertEqual(fast.receive()[0], 2)
            self.assertEqual(daemon.stop(), 0)


class RawListener:
    """An address that is taken."""

    def __enter__(self):
        self.socket = harness.socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.socket.close()


def wait_for(true):
    """Until what a process writes has been read: there is nothing to be told by."""
    end = time.monotonic() + harness.DEADLINE
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it never came")
        select.select([], [], [], 0.01)


if __name__ == "__main__":
    harness.main()
