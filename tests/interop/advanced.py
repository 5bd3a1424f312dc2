"""What of WAMP's advanced profile Autobahn for Python can do, against nexusd (see peer.py).

Each of its methods is run once for every session of the client and one session of each client to
meet; `partner` is another session of the same client. Autobahn cannot ask to be disclosed, has no
mode for CANCEL and no option for acknowledged delivery, which it answers by itself (peer.js asks).
"""
import asyncio
import json

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import (
    CallOptions, CallResult, EncodedPayload, PublishOptions, RegisterOptions, SubscribeOptions)

PATIENCE = 60  # seconds for anything that has to happen


class SealedCodec:
    """Payload transparency as an application would do it: what is below ".sealed" is opaque."""

    def encode(self, is_originating, uri, args=None, kwargs=None):
        if ".sealed" not in uri:
            return None
        text = json.dumps([uri, list(args or []), kwargs or {}])
        return EncodedPayload(bytes(byte ^ 0x55 for byte in text.encode()), "cryptobox", "json")

    def decode(self, is_originating, uri, encoded_payload):
        text = bytes(byte ^ 0x55 for byte in encoded_payload.payload).decode()
        return tuple(json.loads(text))


class Advanced:
    def __init__(self, session, partner, target, connect):
        self.session = session
        self.partner = partner
        self.target = target
        self.connect = connect  # makes a session that is not going to stay
        self.base = "%s.with.%s" % (session.prefix, target["name"])
        self.count = 0
        self.failures = 0

    def check(self, name, actual, expected):
        self.count += 1
        if actual != expected:
            self.fail(name, "%r instead of %r" % (actual, expected))

    def fail(self, name, text):
        self.failures += 1
        print("FAIL %s: %s: %s" % (self.base, name, text), flush=True)

    async def run(self):
        for check in (self.receivers, self.own_events, self.shared, self.forced, self.concurrency,
                      self.timeout, self.meta, self.meta_events, self.testament, self.kill,
                      self.retained, self.reflection, self.sealed):
            try:
                await asyncio.wait_for(check(), PATIENCE)
            except Exception as error:  # every kind is a finding
                self.fail(check.__name__, "%s: %s" % (type(error).__name__, error))

    async def publish(self, topic, *args, **options):
        await self.session.publish(topic, *args, options=PublishOptions(acknowledge=True, **options))

    async def listen(self, session, topic, **options):
        heard = asyncio.Queue()
        await session.subscribe(heard.put_nowait, topic, options=SubscribeOptions(**options))
        return heard

    async def expect_error(self, name, awaitable, uri):
        try:
            await awaitable
            self.fail(name, "no error")
        except ApplicationError as error:
            self.check(name, error.error, uri)

    async def receivers(self):
        topic = self.base + ".receivers"
        one, two = self.partner, await self.connect()
        heard = [await self.listen(one, topic), await self.listen(two, topic)]
        details = one.joined.result()
        await self.publish(topic, 1, eligible=[details.session])
        await self.publish(topic, 2, exclude=[details.session])
        await self.publish(topic, 3, eligible_authid=[details.authid])
        await self.publish(topic, 4, exclude_authid=[details.authid])
        await self.publish(topic, 5, eligible_authrole=["anonymous"])
        await self.publish(topic, 6, exclude_authrole=["anonymous"])
        await self.publish(topic, 7)
        self.check("receiver", [await heard[0].get() for _ in range(4)], [1, 3, 5, 7])
        self.check("other receiver", [await heard[1].get() for _ in range(4)], [2, 4, 5, 7])
        two.leave()

    async def own_events(self):
        topic = self.base + ".own"
        heard = await self.listen(self.session, topic)
        await self.publish(topic, "excluded")
        await self.publish(topic, "included", exclude_me=False)
        self.check("own event", await heard.get(), "included")

    async def shared(self):
        for policy, expected in (("roundrobin", [1, 2, 1, 2]), ("first", [1, 1, 1, 1]),
                                 ("last", [2, 2, 2, 2]), ("random", None)):
            name = "%s.shared.%s" % (self.base, policy)
            options = RegisterOptions(invoke=policy)
            made = [await self.session.register(lambda: 1, name, options=options),
                    await self.partner.register(lambda: 2, name, options=options)]
            answers = [await self.session.call(name) for _ in range(4)]
            if expected is None:
                self.check(policy, set(answers) <= {1, 2}, True)
            else:
                self.check(policy, answers, expected)
            await self.expect_error(
                policy + " and another",
                self.partner.register(lambda: 3, name, options=RegisterOptions(invoke="single")),
                "wamp.error.procedure_already_exists")
            for registration in made:
                await registration.unregister()

    async def forced(self):
        name = self.base + ".forced"
        await self.partner.register(lambda: "old", name)
        await self.expect_error("taken", self.session.register(lambda: "new", name),
                                "wamp.error.procedure_already_exists")
        await self.session.register(lambda: "new", name,
                                    options=RegisterOptions(force_reregister=True))
        self.check("forced", await self.partner.call(name), "new")

    async def concurrency(self):
        name = self.base + ".one_by_one"
        running, most = 0, 0

        async def work():
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

        await self.session.register(work, name, options=RegisterOptions(concurrency=1))
        await asyncio.gather(*[self.partner.call(name) for _ in range(5)])
        self.check("at once", most, 1)

    async def timeout(self):
        name = self.base + ".forever"

        async def forever():
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                raise ApplicationError("wamp.error.canceled") from None

        await self.partner.register(forever, name)
        await self.expect_error("timeout", self.session.call(name, options=CallOptions(timeout=50)),
                                "wamp.error.timeout")

    async def meta(self):
        call = self.session.call
        target = self.target["session"]
        self.check("count", await call("wamp.session.count") >= 2, True)
        self.check("list", target in await call("wamp.session.list"), True)
        self.check("get", (await call("wamp.session.get", target))["authrole"], "anonymous")
        await self.expect_error("get nobody", call("wamp.session.get", 1),
                                "wamp.error.no_such_session")
        name = self.target["prefix"] + ".echo"
        registration = await call("wamp.registration.lookup", name)
        self.check("match", await call("wamp.registration.match", name), registration)
        self.check("uri", (await call("wamp.registration.get", registration))["uri"], name)
        self.check("callees", await call("wamp.registration.list_callees", registration), [target])
        topic = self.target["prefix"] + ".topic"
        subscription = await call("wamp.subscription.lookup", topic)
        self.check("subscribers", await call("wamp.subscription.count_subscribers", subscription), 1)
        self.check("topics", subscription in await call("wamp.subscription.match", topic), True)

    async def meta_events(self):
        topics = ("wamp.session.on_join", "wamp.session.on_leave")
        heard = [asyncio.Queue(), asyncio.Queue()]
        made = [await self.session.subscribe(lambda *args, q=queue: q.put_nowait(args), topic)
                for queue, topic in zip(heard, topics)]
        brief = await self.connect()
        session = brief.joined.result().session
        brief.leave()
        while (await heard[0].get())[0]["session"] != session:
            pass
        while (await heard[1].get())[0] != session:
            pass
        self.count += 1
        for subscription in made:
            await subscription.unsubscribe()

    async def testament(self):
        topic = self.base + ".testament"
        heard = await self.listen(self.session, topic)
        brief = await self.connect()
        await brief.call("wamp.session.add_testament", topic, ["flushed"], {})
        self.check("flush", await brief.call("wamp.session.flush_testaments"), 1)
        await brief.call("wamp.session.add_testament", topic, ["gone"], {})
        brief.leave()
        self.check("testament", await heard.get(), "gone")

    async def kill(self):
        brief = await self.connect()
        await self.session.call("wamp.session.kill", brief.joined.result().session,
                                reason="com.example.enough", message="go home")
        await brief.left
        self.check("reason", brief.leave_details.reason, "com.example.enough")

    async def retained(self):
        topic = self.base + ".retained"
        await self.publish(topic, "kept", retain=True)
        heard = asyncio.Queue()
        await self.partner.subscribe(lambda text, details: heard.put_nowait((text, details.retained)),
                                     topic, options=SubscribeOptions(get_retained=True, details=True))
        self.check("retained", await heard.get(), ("kept", True))
        await self.publish(topic, "live")
        self.check("live", await heard.get(), ("live", None))

    async def reflection(self):
        name = self.base + ".described"
        schema = {"type": "object", "properties": {"args": {"maxItems": 2}}}
        self.check("define", await self.session.call("wamp.reflect.define", name, schema), True)
        self.check("describe", await self.partner.call("wamp.reflect.describe", name), schema)
        self.check("listed",
                   name in await self.partner.call("wamp.reflection.procedure.list"), True)

    async def sealed(self):
        """Both ends know the codec; a callee and a subscriber of another format as well."""
        name, topic = self.base + ".sealed.procedure", self.base + ".sealed.topic"
        sessions = (self.session, self.partner)
        for session in sessions:
            session.set_payload_codec(SealedCodec())
        heard = asyncio.Queue()
        await self.partner.register(lambda *args, **kwargs: CallResult(*args, **kwargs), name)
        await self.partner.subscribe(lambda *args, **kwargs: heard.put_nowait((args, kwargs)), topic)
        result = await self.session.call(name, 1, "two", three=3)
        self.check("sealed result", (list(result.results), result.kwresults), ([1, "two"], {"three": 3}))
        await self.session.publish(topic, 1, two=2, options=PublishOptions(acknowledge=True))
        self.check("sealed event", await heard.get(), ((1,), {"two": 2}))
        for session in sessions:
            session.set_payload_codec(None)
