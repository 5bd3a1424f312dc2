#!/usr/bin/env python3
"""A dynamic authenticator: the router asks this program who may come in. Needs Autobahn.

    authenticator.py URL CA PASSWORD_FILE TICKETS

It joins the realm com.example.auth as the user "decider", and registers the procedure that the router
calls for each client that shows a ticket. TICKETS is a JSON file from authid to the SHA-256 of its
ticket; ask a database or a directory there instead, whatever you have.
"""

import hashlib
import hmac
import json
import pathlib
import sys

from client import Session, run, sign
from autobahn.wamp.exception import ApplicationError


class Authenticator(Session):
    def onConnect(self):
        super().onConnect()
        self.join(self.config.realm, ["wampcra"], "decider")

    def onChallenge(self, challenge):
        return sign(challenge, self.config.extra["password"])

    async def onJoin(self, details):
        await self.register(self.authenticate, "com.example.auth.authenticate")
        print("deciding", flush=True)

    async def authenticate(self, realm, authid, details):
        """Returns the role; an error is a denial."""
        tickets = json.loads(pathlib.Path(self.config.extra["tickets"]).read_text())
        shown = hashlib.sha256(details["ticket"].encode()).hexdigest()
        # Unknown names take as long as known ones, and get the same answer.
        right = hmac.compare_digest(tickets.get(authid, "0" * 64), shown)
        if not right or realm != "com.example.main":
            raise ApplicationError("com.example.auth.denied", "no such partner")
        return {"role": "partner"}

    def onLeave(self, details):
        print("left:", details.reason, flush=True)
        super().onLeave(details)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    url, ca, password_file, tickets = sys.argv[1:]
    run(Authenticator, url, "com.example.auth", ca, tickets=tickets,
        password=pathlib.Path(password_file).read_text().strip())
    sys.exit("the router is gone")  # whoever supervises this starts it anew
