#!/usr/bin/env python3
"""Adds a user to a file of users, or gives one a new password.

    add_user.py FILE AUTHID ROLE METHOD [REALM]

METHOD is one that `nexusd --make-secret` knows, which asks for the password; a pipe on standard input
does as well. With REALM the user exists in that realm only. The file is exchanged as a whole, so a router that
reloads at this moment sees the old or the new one; owner, group and permissions stay as they were, and
a new file is for its owner alone.
"""

import json
import os
import pathlib
import subprocess
import sys


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    file, authid, role, method = pathlib.Path(sys.argv[1]), *sys.argv[2:5]
    made = subprocess.run(["nexusd", "--make-secret", method], stdout=subprocess.PIPE, check=False)
    if made.returncode != 0:
        sys.exit(made.returncode)
    content = json.loads(file.read_text()) if file.exists() else {"users": {}}
    entry = content["users"].setdefault(authid, {})
    entry.update(json.loads(made.stdout), role=role)
    if len(sys.argv) == 6:
        entry["realms"] = [sys.argv[5]]

    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out, indent=2)
        out.write("\n")
        if file.exists():
            known = file.stat()
            os.fchown(out.fileno(), known.st_uid, known.st_gid)
            os.fchmod(out.fileno(), known.st_mode & 0o777)
    new.rename(file)
    print(f"{authid}: role {role}, method {method}")


if __name__ == "__main__":
    main()
