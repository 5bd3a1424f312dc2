#!/usr/bin/env python3
"""A WAMP client that proves who it is, does one thing, and leaves. Needs Autobahn (python3-autobahn).

    client.py [--ca FILE] [--user NAME | --ticket NAME] URL ACTION URI [ARGUMENT…]

ACTION is call, subscribe or publish. --user asks for a password and signs with it (WAMP-CRA), --ticket
asks for a ticket and shows it; a pipe on standard input does as well. --ca names the authority that
vouches for the router, where it is none that this machine knows.
"""

import argparse
import asyncio
import getpass
import ssl
import sys

import txaio

txaio.use_asyncio()

from autobahn.asyncio.wamp import ApplicationSession  # noqa: E402
from autobahn.asyncio.websocket import WampWebSocketClientFactory  # noqa: E402
from autobahn.wamp import auth  # noqa: E402
from autobahn.wamp.exception import ApplicationError  # noqa: E402
from autobahn.wamp.types import ComponentConfig, PublishOptions  # noqa: E402


def sign(challenge, password):
    """WAMP-CRA: the answer to a challenge, with the key derived if the router says how."""
    key, extra = password.encode(), challenge.extra
    if "salt" in extra:
        key = auth.derive_key(key, extra["salt"], extra["iterations"], extra["keylen"])
    return auth.compute_wcs(key, extra["challenge"].encode()).decode()


def run(session, url, realm, ca=None, **extra):
    """Connects, and returns when the session has ended."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    txaio.config.loop = loop
    made = session(ComponentConfig(realm, extra))
    factory = WampWebSocketClientFactory(lambda: made, url=url)
    factory.setProtocolOptions(openHandshakeTimeout=30)
    context = ssl.create_default_context(cafile=ca) if factory.isSecure else None
    try:
        _, protocol = loop.run_until_complete(
            loop.create_connection(factory, factory.host, factory.port, ssl=context))
    except OSError as error:  # ssl.SSLError is one
        sys.exit(f"no connection: {error}")
    loop.run_until_complete(protocol.is_closed)
    if not made.opened:
        sys.exit("no connection: the router closed it")
    return made


class Session(ApplicationSession):
    opened = False

    def onConnect(self):
        self.opened = True

    def onLeave(self, details):
        self.disconnect()


class Client(Session):
    def onConnect(self):
        super().onConnect()
        self.options = argparse.Namespace(**self.config.extra)
        self.joined = self.done = False
        user, ticket = self.options.user, self.options.ticket
        method = "wampcra" if user else "ticket" if ticket else "anonymous"
        self.join(self.config.realm, [method], user or ticket)

    def onChallenge(self, challenge):
        ask = "ticket" if challenge.method == "ticket" else "password"
        secret = getpass.getpass(ask + ": ") if sys.stdin.isatty() else sys.stdin.readline().strip("\n")
        return secret if challenge.method == "ticket" else sign(challenge, secret)

    async def onJoin(self, details):
        self.joined = True
        print(f"joined {details.realm} as {details.authid}, role {details.authrole}")
        uri, arguments = self.options.uri, self.options.arguments
        try:
            if self.options.action == "call":
                print("result:", await self.call(uri, *arguments))
            elif self.options.action == "subscribe":
                await self.subscribe(print, uri)
                print("subscribed")
            else:
                await self.publish(uri, *arguments, options=PublishOptions(acknowledge=True))
                print("published")
            self.done = True
        except ApplicationError as error:
            print("error:", error.error)
        self.leave()

    def onLeave(self, details):
        if not self.joined:
            print("refused:", details.reason)
        super().onLeave(details)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--ca")
    parser.add_argument("--realm", default="com.example.main")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--user")
    who.add_argument("--ticket")
    parser.add_argument("url")
    parser.add_argument("action", choices=("call", "subscribe", "publish"))
    parser.add_argument("uri")
    parser.add_argument("arguments", nargs="*")
    sys.exit(not run(Client, **vars(parser.parse_args())).done)


if __name__ == "__main__":
    main()
