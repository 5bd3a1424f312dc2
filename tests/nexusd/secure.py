"""The router of etc/nexus-secure.json or .ini in a folder of its own, and clients for it.

Everything that the sample wants beside it is made as docs/security.md says: certificates by openssl,
users by `nexusd --make-secret`. The only things a test changes are the addresses, on the command line.
Standard library and openssl only. Clients may come from any 127.0.0.x, so that an attacker's address is
not a user's.
"""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile

import harness

ETC = harness.SOURCES / "etc"
MAIN, AUTH = "com.example.main", "com.example.auth"
HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE, ERROR = 1, 2, 3, 4, 5, 8
ROLES = {"caller": {}, "publisher": {}, "subscriber": {},
         "callee": {"features": {"caller_identification": True}}}
PASSWORDS = {"alice": ("user", "alice's password"), "max": ("user", "max's password"),
             "olga": ("operator", "olga's password"),
             **{f"crowd{number}": ("user", f"password {number}") for number in range(3)}}
MACHINES = {"machine7": ("backend", MAIN), "decider": ("authenticator", AUTH)}


def openssl(folder, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True,
                   timeout=harness.DEADLINE)


def make_authority(folder, name, issuer=None):
    """NAME.pem and NAME.key: an authority, signed by another one or by itself."""
    make_certificate(folder, name, issuer, "basicConstraints=critical,CA:TRUE")


def make_certificate(folder, name, issuer, extension="basicConstraints=CA:FALSE"):
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
               f"{name}.key", "-subj", f"/CN={name}"]
    if issuer is None:
        openssl(folder, "req", "-x509", *new_key, "-out", f"{name}.pem", "-addext", extension)
        return
    openssl(folder, "req", *new_key, "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(extension + "\n", encoding="ascii")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey",
            f"{issuer}.key", "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def make_secret(method, text):
    """What --make-secret says: the entry, and for cryptosign the private key that it made."""
    done = subprocess.run([harness.NEXUSD, "--make-secret", method], input=text + "\n", check=True,
                          capture_output=True, text=True, timeout=harness.DEADLINE)
    return json.loads(done.stdout), done.stderr.split()[-1:]


def sign_ed25519(folder, seed, message):
    """Python's own library cannot, openssl can: from PKCS 8 around the 32 octets."""
    key, data = folder / "sign.der", folder / "sign.in"
    key.write_bytes(bytes.fromhex("302e020100300506032b657004220420") + seed)
    data.write_bytes(message)
    openssl(folder, "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key, "-in", data,
            "-out", "sign.out")
    return (folder / "sign.out").read_bytes()


class Client(harness.RawClient):
    """A WAMP client over RawSocket or WebSocket, with or without TLS, as rude as it is told to be."""

    def __init__(self, connection, websocket=None):
        # Not the base's: the connection is there already.
        self.socket = connection  # pylint: disable=super-init-not-called
        self.websocket = websocket is not None
        if self.websocket:
            self.open_websocket(**websocket)
        else:
            self.socket.sendall(b"\x7f\xf1\0\0")
            answer = self.read(4)
            if answer[0] != 0x7F or answer[1] & 15 != 1:
                raise ConnectionError(answer)

    def open_websocket(self, path="/ws", headers=""):
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n{headers}"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.read(1)
        status = head.split(b"\r\n")[0].decode()
        if " 101 " not in status:
            raise ConnectionError(status)

    def send(self, message):
        text = json.dumps(message).encode()
        if not self.websocket:
            self.socket.sendall(struct.pack(">I", len(text)) + text)
            return
        size = (struct.pack(">B", 0x80 | len(text)) if len(text) < 126 else
                struct.pack(">BH", 0x80 | 126, len(text)))
        self.socket.sendall(b"\x81" + size + b"\0\0\0\0" + text)

    def receive(self):
        if not self.websocket:
            return super().receive()
        kind, size = self.read(2)
        if size == 126:
            size = int.from_bytes(self.read(2), "big")
        elif size == 127:
            size = int.from_bytes(self.read(8), "big")
        text = self.read(size)
        if kind & 15 == 8:
            raise EOFError("WebSocket close")
        return json.loads(text)

    def hello(self, realm=MAIN, **details):
        self.send([HELLO, realm, {"roles": ROLES, **details}])
        return self.receive()

    def join_wampcra(self, authid, password, realm=MAIN):
        """Returns the router's last word, and the signature, for those who want to steal it."""
        answer = self.hello(realm, authmethods=["wampcra"], authid=authid)
        if answer[0] != CHALLENGE:
            return answer, None
        extra = answer[2]
        key = base64.b64encode(hashlib.pbkdf2_hmac("sha256", password.encode(),
                                                   extra["salt"].encode(), extra["iterations"],
                                                   extra["keylen"]))
        signature = base64.b64encode(hmac.digest(key, extra["challenge"].encode(),
                                                 "sha256")).decode()
        self.send([AUTHENTICATE, signature, {}])
        return self.receive(), signature

    def ask(self, *message):
        """Sends a request, and returns the answer to it: [type, …] or ERROR's URI."""
        self.send(list(message))
        answer = self.receive()
        return answer[4] if answer[0] == ERROR else answer


class SecuredRouter:
    """Everything that one of the two files needs, and the router that runs with it."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nexusd-", dir="/tmp"))
        self.config = self.folder / name
        for path in ETC.glob("nexus-secure*"):
            shutil.copyfile(path, self.folder / path.name)
        self.tls = self.folder / "tls"
        self.tls.mkdir()
        self.make_certificates()
        self.make_users()
        self.addresses = ["--ws", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--unix",
                          self.folder / "n.sock"]
        self.daemon = None

    def make_certificates(self):
        for name, issuer in (("root", None), ("intermediate", "root"), ("clients", None),
                             ("strangers", None)):
            make_authority(self.tls, name, issuer)
        self.make_server_certificate()
        make_certificate(self.tls, "machine7", "clients")
        make_certificate(self.tls, "stranger", "strangers")
        make_certificate(self.tls, "alone", None)

    def make_server_certificate(self):
        """Or another one in its place. And one for a second name."""
        names = self.tls / "names"
        names.mkdir(exist_ok=True)
        for file, name in ((self.tls / "server.pem", "localhost"),
                           (names / "second.pem", "second.example")):
            make_certificate(self.tls, file.stem, "intermediate", f"subjectAltName=DNS:{name}")
            # The chain is in the file: clients know the root only.
            chain = [(self.tls / made).read_text(encoding="ascii")
                     for made in (f"{file.stem}.pem", "intermediate.pem")]
            file.write_text("".join(chain), encoding="ascii")
        (self.tls / "second.key").replace(names / "second.key")

    def make_users(self):
        users, self.seeds = {}, {}
        for authid, (role, password) in PASSWORDS.items():
            users[authid] = {"role": role, **make_secret("wampcra", password)[0]}
        for authid, (role, realm) in MACHINES.items():
            entry, private = make_secret("cryptosign", "")
            users[authid] = {"role": role, "realms": [realm], **entry}
            self.seeds[authid] = bytes.fromhex(private[0])
        self.users = self.folder / "users.json"
        self.users.touch(mode=0o600)
        self.users.write_text(json.dumps({"users": users}), encoding="utf-8")

    def start(self, program=None):
        self.daemon = harness.Daemon("-c", self.config, *self.addresses, program=program)
        urls = self.daemon.wait_until_ready()
        ports = [int(url.rstrip("/").split("/")[2].rpartition(":")[2]) for url in urls[:2]]
        self.browsers, self.machines = ports

    def close(self):
        if self.daemon is not None:
            self.daemon.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, port, source="127.0.0.1"):
        """A TCP connection, with nothing said yet."""
        return socket.create_connection(("127.0.0.1", port), harness.DEADLINE, (source, 0))

    def context(self, certificate=None):
        context = ssl.create_default_context(cafile=self.tls / "root.pem")
        if certificate:
            context.load_cert_chain(self.tls / f"{certificate}.pem",
                                    self.tls / f"{certificate}.key")
        return context

    def secure(self, port, certificate=None, source="127.0.0.1", name="localhost"):
        """The same with TLS, checking the router's certificate."""
        return self.context(certificate).wrap_socket(self.connect(port, source),
                                                     server_hostname=name)

    def browser(self, source="127.0.0.1", **websocket):
        return Client(self.secure(self.browsers, None, source), websocket)

    def machine(self, certificate="machine7", source="127.0.0.1"):
        return Client(self.secure(self.machines, certificate, source))

    def local(self):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(harness.DEADLINE)
        plain.connect(str(self.folder / "n.sock"))
        return Client(plain)

    def join_cryptosign(self, client, authid, realm=MAIN, seed=None):
        """Returns the router's last word, and the signature."""
        entry = json.loads(self.users.read_text(encoding="utf-8"))["users"][authid]
        answer = client.hello(realm, authmethods=["cryptosign"], authid=authid,
                              authextra={"pubkey": entry["cryptosign"][0]})
        if answer[0] != CHALLENGE:
            return answer, None
        challenge = answer[2]["challenge"]
        signature = sign_ed25519(self.folder, seed or self.seeds[authid],
                                 bytes.fromhex(challenge)).hex() + challenge
        client.send([AUTHENTICATE, signature, {}])
        return client.receive(), signature
