#!/usr/bin/env python3
"""Two WAMP clients that say hello to each other through a router, without any library.

    python3 hello.py ws://127.0.0.1:8080/ realm1

One offers a procedure and subscribes to a topic, the other calls and publishes. What goes over the
wire is printed, because there is no better way to see how little WAMP is. A real client uses a
library; https://wamp-proto.org lists them.
"""

import base64
import json
import os
import socket
import struct
import sys
import urllib.parse

HELLO, WELCOME, GOODBYE = 1, 2, 6
PUBLISH, SUBSCRIBE, CALL, REGISTER, INVOCATION, YIELD = 16, 32, 48, 64, 68, 70


class Wire:
    """Whole JSON messages over a stream socket."""

    def __init__(self, connection):
        self.file = connection.makefile("rwb")

    def read(self, size):
        data = self.file.read(size)
        if len(data) < size:
            sys.exit("the router closed the connection")
        return data


class RawSocket(Wire):
    def __init__(self, connection):
        super().__init__(connection)
        self.file.write(b"\x7f\xf1\0\0")  # messages up to 16 MiB, JSON
        self.file.flush()
        answer = self.read(4)
        if answer[0] != 0x7F or answer[1] & 15 != 1:
            sys.exit(f"the router refused the RawSocket handshake: {answer.hex()}")

    def send(self, text):
        self.file.write(struct.pack(">I", len(text)) + text)
        self.file.flush()

    def receive(self):
        while True:
            kind, *length = self.read(4)
            text = self.read(int.from_bytes(bytes(length), "big"))
            if kind == 0:
                return text


class WebSocket(Wire):
    def __init__(self, connection, host, path):
        super().__init__(connection)
        key = base64.b64encode(os.urandom(16)).decode()
        self.file.write((f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                         f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n").encode())
        self.file.flush()
        status = self.file.readline().decode(errors="replace").strip()
        if " 101 " not in status + " ":
            sys.exit(f"the router refused the WebSocket handshake: {status}")
        while self.file.readline().strip():
            pass

    def send(self, text, opcode=1):
        mask = os.urandom(4)
        size = len(text)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
        self.file.write(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
        self.file.flush()

    def receive(self):
        message = b""
        while True:
            first, second = self.read(2)
            size = second & 127
            if size == 126:
                size = struct.unpack(">H", self.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.read(8))[0]
            data = self.read(size)
            opcode = first & 15
            if opcode == 8:
                sys.exit("the router closed the connection")
            if opcode == 9:
                self.send(data, opcode=10)
            if opcode in (0, 1):
                message += data
                if first & 0x80:
                    return message


def connect(url):
    """ws://host:port/path, rs://host:port; ws+unix:/path, rs+unix:/path."""
    parts = urllib.parse.urlsplit(url)
    framing, _, carrier = parts.scheme.partition("+")
    if carrier == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(parts.path)
    else:
        connection = socket.create_connection((parts.hostname, parts.port or 80), timeout=10)
    if framing == "ws":
        return WebSocket(connection, parts.netloc or "localhost", parts.path or "/")
    return RawSocket(connection)


class Session:
    def __init__(self, name, url, realm):
        self.name = name
        self.wire = connect(url)
        roles = {role: {} for role in ("publisher", "subscriber", "caller", "callee")}
        self.send([HELLO, realm, {"roles": roles}])
        if self.receive()[0] != WELCOME:
            sys.exit("the router did not let us in")

    def send(self, message):
        print(f"{self.name} -> {json.dumps(message)}")
        self.wire.send(json.dumps(message).encode())

    def receive(self):
        message = json.loads(self.wire.receive())
        print(f"{self.name} <- {json.dumps(message)}")
        return message

    def leave(self):
        self.send([GOODBYE, {}, "wamp.close.close_realm"])
        self.receive()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    url, realm = sys.argv[1:]
    alice = Session("alice", url, realm)
    bob = Session("bob", url, realm)

    alice.send([SUBSCRIBE, 1, {}, "com.example.greetings"])
    alice.receive()
    alice.send([REGISTER, 2, {}, "com.example.add"])
    alice.receive()

    bob.send([PUBLISH, 1, {"acknowledge": True}, "com.example.greetings", ["hello, world"]])
    bob.receive()
    greeting = alice.receive()[4][0]

    bob.send([CALL, 2, {}, "com.example.add", [2, 3]])
    invocation = alice.receive()
    assert invocation[0] == INVOCATION
    alice.send([YIELD, invocation[1], {}, [sum(invocation[4])]])
    total = bob.receive()[3][0]

    alice.leave()
    bob.leave()
    print(f"\nalice heard: {greeting}\nbob asked for 2 + 3 and got: {total}")


if __name__ == "__main__":
    main()
