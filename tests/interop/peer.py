#!/usr/bin/python3
"""Autobahn for Python as a peer of the interoperability tests (see run.py).

Opens one session for each transport and serializer that it speaks. Every session serves a set of
procedures and topics below its own prefix ("interop.py.tcp.cbor"), and then uses those of all
other sessions. What goes wrong is printed as "FAIL ...".
"""
import asyncio
import collections
import decimal
import json
import sys

import txaio

txaio.use_asyncio()

from autobahn.asyncio.rawsocket import (  # noqa: E402
    WampRawSocketClientFactory, WampRawSocketClientProtocol)
from autobahn.asyncio.wamp import ApplicationSession  # noqa: E402
from autobahn.asyncio.websocket import WampWebSocketClientFactory  # noqa: E402
from autobahn.wamp import serializer  # noqa: E402
from autobahn.wamp.exception import ApplicationError  # noqa: E402
from autobahn.wamp.types import (  # noqa: E402
    CallDetails, CallOptions, CallResult, ComponentConfig, EventDetails, PublishOptions,
    RegisterOptions, SubscribeOptions)
from autobahn.websocket.compress import (  # noqa: E402
    PerMessageDeflateOffer, PerMessageDeflateResponse, PerMessageDeflateResponseAccept)

from advanced import Advanced  # noqa: E402

# Autobahn 22.7.1 forgot this attribute in its RawSocket for asyncio, and cannot join without it.
if not hasattr(WampRawSocketClientProtocol, "transport_details"):
    WampRawSocketClientProtocol.transport_details = property(lambda self: self._transport_details)

PATIENCE = 60  # seconds for anything that has to happen

FORMATS = {
    "json": serializer.JsonSerializer,
    "msgpack": getattr(serializer, "MsgPackSerializer", None),
    "cbor": getattr(serializer, "CBORSerializer", None),
    "ubjson": getattr(serializer, "UBJSONSerializer", None),
}

KINDS = [(None, "null"), (True, "bool"), (7, "int"), (-7, "int"), (1.5, "float"), ("x", "string"),
         ([1], "list"), ({"a": 1}, "dict")]

ARGS = [1, -5, 2**53 - 1, "gr\u00fcn \u20ac \U0001f600", True, None, 1.25, [1, [2, []]],
        {"a": {"b": [1, None]}}]
KWARGS = {"zeta": 1, "alpha": [1, 2], "mid": {"x": "y"}}


def kind_of(value):
    if isinstance(value, bool):
        return "bool"
    names = {type(None): "null", int: "int", float: "float", str: "string", bytes: "binary",
             list: "list", tuple: "list", dict: "dict"}
    return names.get(type(value), str(type(value)))


class Session(ApplicationSession):
    """One joined session; `prefix` is where it serves."""

    def __init__(self, config):
        super().__init__(config)
        self.joined = asyncio.get_running_loop().create_future()
        self.left = asyncio.get_running_loop().create_future()
        self.prefix = config.extra["prefix"]
        self.sleeping = collections.defaultdict(asyncio.Event)
        self.cancelled = collections.defaultdict(asyncio.Event)
        self.echoes = asyncio.Queue()
        self.progressive = True
        self.cancels = True

    def onJoin(self, details):
        self.joined.set_result(details)

    def onLeave(self, details):
        self.leave_details = details
        if not self.joined.done():
            self.joined.set_exception(RuntimeError("%s: %s" % (self.prefix, details)))
        self.disconnect()

    def onDisconnect(self):
        if not self.left.done():
            self.left.set_result(None)

    def onUserError(self, fail, msg):
        pass  # errors that procedures raise on purpose

    async def serve(self):
        details = RegisterOptions(details_arg="details")

        def echo(*args, **kwargs):
            return CallResult(*args, **kwargs)

        def kind(*args):
            return [kind_of(arg) for arg in args]

        def fail(*args, **kwargs):
            raise ApplicationError("interop.error.custom", *args, **kwargs)

        def crash():
            raise ValueError("not an application error")

        async def progress(count, details=None):
            for i in range(count):
                if details.progress:
                    details.progress(i)
                await asyncio.sleep(0)
            return "done"

        async def sleep(token):
            self.sleeping[token].set()
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                self.cancelled[token].set()
                # Left alone, the asyncio side of txaio stumbles over this and sends no answer.
                raise ApplicationError("wamp.error.canceled") from None

        async def sleeps(token):
            await asyncio.wait_for(self.sleeping[token].wait(), PATIENCE)
            return True

        async def was_cancelled(token):
            await asyncio.wait_for(self.cancelled[token].wait(), PATIENCE)
            return True

        def called_as(details=None):
            return details.procedure

        def caller(details=None):
            return [details.caller, details.caller_authrole]

        def on_event(*args, details=None, **kwargs):
            reply_to = kwargs.pop("reply_to")
            kwargs["event_publisher"] = details.publisher
            kwargs["event_topic"] = details.topic
            self.publish(reply_to, *args, **kwargs)

        for name, endpoint in (("echo", echo), ("kind", kind), ("fail", fail), ("crash", crash),
                               ("sleep", sleep), ("sleeps", sleeps),
                               ("was_cancelled", was_cancelled)):
            await self.register(endpoint, self.prefix + "." + name)
        await self.register(progress, self.prefix + ".progress", options=details)
        await self.register(caller, self.prefix + ".caller", options=details)
        await self.register(called_as, self.prefix + ".pattern",
                            options=RegisterOptions(match="prefix", details_arg="details"))
        await self.register(called_as, self.prefix + "..wild",
                            options=RegisterOptions(match="wildcard", details_arg="details"))
        for topic, match in ((".topic", "exact"), (".events.", "prefix"), ("..wildtopic", "wildcard")):
            await self.subscribe(on_event, self.prefix + topic,
                                 options=SubscribeOptions(match=match, details_arg="details"))
        await self.subscribe(lambda *args, **kwargs: self.echoes.put_nowait((args, kwargs)),
                             self.prefix + ".reply")


class Checker:
    """Uses the procedures and topics of one session through another."""

    def __init__(self, session, target):
        self.session = session
        self.target = target
        self.prefix = target["prefix"]
        self.count = 0
        self.failures = 0

    def check(self, name, actual, expected):
        self.count += 1
        if actual != expected or type(actual) is not type(expected):
            self.fail(name, "%r instead of %r" % (actual, expected))

    def fail(self, name, text):
        self.failures += 1
        print("FAIL %s -> %s: %s: %s" % (self.session.prefix, self.prefix, name, text), flush=True)

    async def call(self, name, *args, **kwargs):
        return await asyncio.wait_for(self.session.call(self.prefix + name, *args, **kwargs), PATIENCE)

    async def run(self):
        for check in (self.payloads, self.binary, self.errors, self.progress, self.cancel,
                      self.patterns, self.events):
            try:
                await check()
            except Exception as error:  # every kind is a finding
                self.fail(check.__name__, "%s: %s" % (type(error).__name__, error))

    async def payloads(self):
        result = await self.call(".echo", *ARGS, **KWARGS)
        self.check("echo args", list(result.results), ARGS)
        self.check("echo kwargs", result.kwresults, KWARGS)
        self.check("echo one", await self.call(".echo", "one"), "one")
        self.check("echo nothing", await self.call(".echo"), None)
        self.check("kinds", await self.call(".kind", *[value for value, _ in KINDS]),
                   [name for _, name in KINDS])
        bulk = "bulk " * 50000
        self.check("bulk", await self.call(".echo", bulk), bulk)
        if self.target["name"] == "py":  # JavaScript has one type of number
            numbers = [2**63 - 1, -2**63, 2**64 - 1, 1.0, -0.0, 1e300]
            result = await self.call(".echo", *numbers)
            # UBJSON has no unsigned type of 64 bits, and py-ubjson reads digits as a Decimal.
            results = [int(n) if isinstance(n, decimal.Decimal) else n for n in result.results]
            self.check("numbers", [repr(n) for n in results], [repr(n) for n in numbers])

    async def binary(self):
        if self.target["binary"]:
            self.check("kind of binary", await self.call(".kind", b"\x00\x01"), ["binary"])
        for data in (b"", b"\x00", bytes(range(256))):
            self.check("echo binary", await self.call(".echo", data), data)

    async def errors(self):
        try:
            await self.call(".fail", 1, "two", three=3)
            self.fail("fail", "no error")
        except ApplicationError as error:
            self.check("error uri", error.error, "interop.error.custom")
            self.check("error args", list(error.args), [1, "two"])
            self.check("error kwargs", error.kwargs.get("three"), 3)
        for name, uri in ((".nobody", "wamp.error.no_such_procedure"),
                          (".crash", "wamp.error.runtime_error")):
            try:
                await self.call(name)
                self.fail(name, "no error")
            except ApplicationError as error:
                self.check(name, error.error, uri)

    async def progress(self):
        parts = []
        result = await self.call(".progress", 5, options=CallOptions(on_progress=parts.append))
        self.check("final result", result, "done")
        self.check("progressive results", parts, [0, 1, 2, 3, 4] if self.target["progressive"] else [])
        self.check("no progress", await self.call(".progress", 5), "done")

    async def cancel(self):
        if not self.target["cancels"]:
            return
        token = self.session.prefix + " cancels"
        pending = self.session.call(self.prefix + ".sleep", token)
        self.check("sleeps", await self.call(".sleeps", token), True)
        pending.cancel()
        self.check("was cancelled", await self.call(".was_cancelled", token), True)

    async def patterns(self):
        for name in (".pattern", ".pattern.a.b", ".patterned", ".x.wild"):
            self.check(name, await self.call(name), self.prefix + name)

    async def events(self):
        if self.session.prefix == self.prefix:
            return
        own = self.session.prefix + ".reply"
        for topic in (".topic", ".events.a", ".events.a.b", ".x.wildtopic"):
            published = await asyncio.wait_for(self.session.publish(
                self.prefix + topic, *ARGS, reply_to=own, options=PublishOptions(acknowledge=True),
                **KWARGS), PATIENCE)
            self.check("publication id", type(published.id), int)
            args, kwargs = await asyncio.wait_for(self.session.echoes.get(), PATIENCE)
            self.check("event args", list(args), ARGS)
            self.check("event kwargs", {key: kwargs[key] for key in KWARGS}, KWARGS)
            self.check("event topic", kwargs["event_topic"], self.prefix + topic)


async def connect(url, transport, form, realm, deflate=False, batched=False, serve=True):
    loop = asyncio.get_running_loop()
    prefix = "interop.py.%s.%s" % (transport, form)
    made = []

    def create():
        made.append(Session(ComponentConfig(realm, {"prefix": prefix})))
        return made[-1]

    if transport.startswith("ws"):
        factory = WampWebSocketClientFactory(create, url=url, serializers=[FORMATS[form](batched=batched)])
        if deflate:
            factory.setProtocolOptions(
                perMessageCompressionOffers=[PerMessageDeflateOffer()],
                perMessageCompressionAccept=lambda response: PerMessageDeflateResponseAccept(response)
                if isinstance(response, PerMessageDeflateResponse) else None)
        await loop.create_connection(factory, factory.host, factory.port)
    else:
        factory = WampRawSocketClientFactory(create, serializer=FORMATS[form]())
        if transport == "unix":
            await loop.create_unix_connection(factory, url.split("unix:", 1)[1].replace("//", "", 1))
        else:
            host, port = url.split("//", 1)[1].rstrip("/").rsplit(":", 1)
            await loop.create_connection(factory, host, int(port))

    async def joined():
        while not made:  # the handshake makes the session
            await asyncio.sleep(0.001)
        await made[0].joined

    await asyncio.wait_for(joined(), PATIENCE)
    if serve:
        await made[0].serve()
    return made[0]


async def main():
    config = json.loads(sys.argv[1])
    txaio.config.loop = asyncio.get_running_loop()
    sessions = []
    for transport in ("ws", "tcp", "unix"):
        for form, made in FORMATS.items():
            if made is None:
                print("skip %s: its Python package is missing" % form, flush=True)
                continue
            sessions.append(await connect(config["urls"][transport], transport, form, config["realm"]))
    for form, made in FORMATS.items():
        if made is not None:
            sessions.append(await connect(config["urls"]["ws"], "wsbatched", form, config["realm"],
                                          batched=True))
    sessions.append(await connect(config["urls"]["ws"], "wsdeflate", "json", config["realm"], True))
    targets = [{"name": "py", "prefix": session.prefix, "session": session.joined.result().session,
                "binary": True, "progressive": True,
                "cancels": True} for session in sessions]
    print("ready " + json.dumps(targets), flush=True)

    loop = asyncio.get_running_loop()
    targets = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    count = failures = 0
    for session in sessions:
        for target in targets:
            checker = Checker(session, target)
            await checker.run()
            count += checker.count
            failures += checker.failures
    async def brief():
        return await connect(config["urls"]["tcp"], "brief", "json", config["realm"], serve=False)

    # One session of each client to meet, another one each time.
    for number, session in enumerate(sessions):
        for name in ("py", "js"):
            met = [target for target in targets if target["name"] == name]
            if not met:
                continue
            checker = Advanced(session, sessions[(number + 1) % len(sessions)],
                               met[(number + 1) % len(met)], brief)
            await checker.run()
            count += checker.count
            failures += checker.failures
    print("done %d" % count, flush=True)

    await loop.run_in_executor(None, sys.stdin.readline)  # until nobody needs us any more
    for session in sessions:
        session.leave()
    await asyncio.wait_for(asyncio.gather(*[session.left for session in sessions]), PATIENCE)
    print("left", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
