#!/usr/bin/python3
"""Other people's clients prove who they are: auth.py NEXUSD [--plugin-dir DIR] [--no-js]

Starts the daemon with every authenticator that has users, whose entries `nexusd --make-secret` made,
and lets Autobahn for Python (here) and for JavaScript (auth_peer.js) join by each method that they
know, over WebSocket and RawSocket and TLS of both, with the right secret and with a wrong one. Over
TLS the clients check the router's certificate; Python binds cryptosign to the connection too, and
both show certificates of their own. Autobahn for JavaScript has no RawSocket over TLS. wampy.js
(wampy_auth.mjs) joins with each of its serializers. In a second
realm a procedure of a Python session knows the same users.
"""
import argparse
import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time

import txaio

txaio.use_asyncio()

from autobahn.asyncio.rawsocket import (  # noqa: E402
    WampRawSocketClientFactory, WampRawSocketClientProtocol)
from autobahn.asyncio.wamp import ApplicationSession  # noqa: E402
from autobahn.asyncio.websocket import WampWebSocketClientFactory  # noqa: E402
from autobahn.wamp import auth, serializer  # noqa: E402
from autobahn.wamp.types import ComponentConfig  # noqa: E402

from certificates import Authority  # noqa: E402
from run import Child, Failed, LIMIT, install_javascript  # noqa: E402

# See peer.py.
if not hasattr(WampRawSocketClientProtocol, "transport_details"):
    WampRawSocketClientProtocol.transport_details = property(lambda self: self._transport_details)

PASSWORD = "pa\u00dfword \u20ac"
PLAIN = "correct horse"  # scram: this client does not normalize passwords
SEED = "20aceb90dd281a85b167e65d0b51ba7b634c9ec29afbf0067c7842f4d7a5fbfa"
OTHER_SEED = SEED[::-1]
PATIENCE = 60  # seconds


class Session(ApplicationSession):
    """Joins by one method; `done` is the details of the session, or the reason of the refusal."""

    def __init__(self, config):
        super().__init__(config)
        self.done = config.extra["done"]
        self.proof = config.extra["proof"]

    def onConnect(self):
        self.join(self.config.realm, authmethods=[self.proof.name], authid=self.config.extra["authid"],
                  authextra=self.proof.authextra)

    def onChallenge(self, challenge):
        answer = self.proof.on_challenge(self, challenge)
        return answer.decode() if isinstance(answer, bytes) else answer

    def onWelcome(self, welcome):
        return self.proof.on_welcome(self, welcome.authextra)

    def onJoin(self, details):
        self.done.set_result(details)
        self.leave()

    def onLeave(self, details):
        if not self.done.done():
            self.done.set_result(details.reason)
        self.disconnect()


class Certificate:
    """The proof was shown to TLS already. Shaped as those of Autobahn, which has none for this."""
    name = "tls"
    authextra = None

    def on_welcome(self, _session, _authextra):
        return None


class Backend(ApplicationSession):
    """Has the procedure that knows the users; `done` when it is there."""

    async def onJoin(self, details):
        await self.register(self.user, "com.example.user")
        self.config.extra["done"].set_result(details)

    async def user(self, realm, authid, details):
        users = self.config.extra["users"]
        if realm != "realm2":
            return None
        if authid:
            return users.get(authid)
        for name, user in users.items():  # cryptosign without an authid
            if details["authextra"]["pubkey"] in user.get("cryptosign", ()):
                return {**user, "authid": name}
        return None


async def connect(url, make, tls=None):
    loop = asyncio.get_running_loop()
    host, port = url.split("//", 1)[1].rstrip("/").rsplit(":", 1)
    if url.startswith("ws"):
        factory = WampWebSocketClientFactory(make, url=url, serializers=[serializer.JsonSerializer()])
    else:
        factory = WampRawSocketClientFactory(make, serializer=serializer.CBORSerializer())
    await loop.create_connection(factory, host, int(port), ssl=tls,
                                 server_hostname="localhost" if tls else None)


async def join(url, authid, proof, tls=None, realm="realm1"):
    done = asyncio.get_running_loop().create_future()

    def make():
        return Session(ComponentConfig(realm, {"done": done, "proof": proof, "authid": authid}))

    await connect(url, make, tls)
    return await asyncio.wait_for(done, PATIENCE)


def proofs(right, secure=False):
    """(authid, proof) by each method, with the right secret or with a wrong one."""
    secret = PASSWORD if right else "wrong"
    yield "joe", auth.AuthTicket(ticket=secret)
    yield "joe", auth.AuthWampCra(authid="joe", secret=secret)
    yield "plain", auth.AuthWampCra(authid="plain", secret=secret)
    # With pbkdf2 this client fails over its own types: it does not decode the salt.
    yield "argon", auth.AuthScram(authid="argon", password=PLAIN if right else "wrong")
    # Without an authid too: the key says who it is.
    seed = SEED if right else OTHER_SEED
    for authid in ("joe", None):
        yield authid, auth.AuthCryptoSign(privkey=seed)
    if secure:
        yield "joe", auth.AuthCryptoSign(privkey=seed, authextra={"channel_binding": "tls-unique"})
        yield "joe", Certificate()


def tls_context(folder, name):
    """As a client that trusts the test's authority only, and is `name`."""
    context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
    context.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
    # The one type of channel binding that this client knows is not there in TLS 1.3.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def check_python(urls, folder, users):
    ready = asyncio.get_running_loop().create_future()
    await connect(urls[0], lambda: Backend(ComponentConfig("backend",
                                                           {"done": ready, "users": users})))
    await asyncio.wait_for(ready, PATIENCE)
    checks = await check_realm(urls, folder, "realm1")
    return checks + await check_realm(urls[:2], folder, "realm2")


async def check_realm(urls, folder, realm):
    checks = 0
    for url in urls:
        secure = url.startswith(("wss:", "rss:"))
        for right in (True, False):
            tls = tls_context(folder, "joe" if right else "mallory") if secure else None
            for authid, proof in proofs(right, secure):
                checks += 1
                outcome = await join(url, authid, proof, tls, realm)
                what = "%s as %s at %s in %s" % (proof.name, authid, url, realm)
                if right:
                    if isinstance(outcome, str):
                        raise Failed("%s: %s" % (what, outcome))
                    got = (outcome.authid, outcome.authrole, outcome.authmethod)
                    if got != (authid or "joe", "user", proof.name):
                        raise Failed("%s: joined as %s" % (what, got))
                elif outcome != "wamp.error.authentication_denied":
                    raise Failed("%s with a wrong secret: %s" % (what, outcome))
    return checks


def make_secret(nexusd, text, *arguments):
    done = subprocess.run([nexusd, "--make-secret", *arguments], input=text + "\n", text=True,
                          capture_output=True, timeout=LIMIT, check=True)
    return json.loads(done.stdout)


def make_users(nexusd):
    users = {"joe": {}, "plain": {"wampcra": PASSWORD}}
    users["joe"].update(make_secret(nexusd, PASSWORD, "ticket", "--iterations", "1000"))
    users["joe"].update(make_secret(nexusd, PASSWORD, "wampcra", "--iterations", "1000"))
    users["joe"].update(make_secret(nexusd, SEED, "cryptosign"))
    users["argon"] = make_secret(nexusd, PLAIN, "scram", "--kdf", "argon2id-13", "--iterations", "2",
                                 "--memory", "64")
    for user in users.values():
        user["role"] = "user"
    return users


def configuration(folder, authority, users):
    path = os.path.join(folder, "users.json")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        json.dump({"users": users}, file)
    authenticators = {kind: {"type": kind, "file": "users.json", "failures_per_authid": 0,
                             "failures_per_address": 0}
                      for kind in ("ticket", "wampcra", "scram", "cryptosign")}
    authenticators["scram"]["autobahn"] = True
    asking = {kind: {**section, "procedure": "com.example.user", "procedure_realm": "backend"}
              for kind, section in authenticators.items()}
    for section in asking.values():
        del section["file"]
    authenticators["tls"] = {"type": "tls", "users": {"joe": {"role": "user",
                                                              "common_name": "joe"}}}
    certificate, key = authority.issue("localhost")
    tls = {"certificate": certificate, "key": key, "client_ca": authority.certificate}
    path = os.path.join(folder, "nexus.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"log": {"level": "warning"},
                   "transports": {"ws": {"type": "websocket", "listen": "127.0.0.1:0"},
                                  "tcp": {"type": "rawsocket", "listen": "127.0.0.1:0"},
                                  "wss": {"type": "websocket", "listen": "127.0.0.1:0", "tls": tls},
                                  "tls": {"type": "rawsocket", "listen": "127.0.0.1:0", "tls": tls}},
                   "realms": {"main": {"uri": "realm1", "authenticators": authenticators},
                              "asking": {"uri": "realm2", "authenticators": asking},
                              "backend": {"uri": "backend", "authenticators": {
                                  "services": {"type": "anonymous"}}}}}, file)
    return path


def run(arguments):
    if not arguments.no_js:
        install_javascript()
    deadline = time.monotonic() + LIMIT
    nexusd = os.path.abspath(arguments.nexusd)
    children = []
    with tempfile.TemporaryDirectory(prefix="nexus-interop-") as folder:
        try:
            authority = Authority(folder)
            for name in ("joe", "mallory"):
                authority.issue(name)
            users = make_users(nexusd)
            command = [nexusd, "-c", configuration(folder, authority, users)]
            if arguments.plugin_dir:
                command += ["--plugin-dir", os.path.abspath(arguments.plugin_dir)]
            daemon = Child("nexusd", command, deadline)
            children.append(daemon)
            urls = [daemon.until("listening on") for _ in range(4)]
            checks = asyncio.run(check_python(urls, folder, users))
            if not arguments.no_js:
                config = {"urls": [url for url in urls if not url.startswith("rss:")],
                          "folder": folder, "password": PASSWORD, "seed": SEED,
                          "otherSeed": OTHER_SEED}
                for script in ("auth_peer.js", "wampy_auth.mjs"):
                    peer = Child(script, ["node", "--no-deprecation", script, json.dumps(config)],
                                 deadline)
                    children.append(peer)
                    checks += int(peer.until("done"))
                    if peer.wait() != 0:
                        raise Failed("%s failed" % script)
            print("%d clients joined or were turned away" % checks)
            return 0
        finally:
            for child in children:
                child.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("nexusd")
    parser.add_argument("--plugin-dir")
    parser.add_argument("--no-js", action="store_true", help="Python only")
    try:
        return run(parser.parse_args())
    except (Failed, subprocess.SubprocessError) as error:
        print("auth.py: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
