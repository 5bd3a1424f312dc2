#!/usr/bin/env python3
"""Who may include whom. A lower layer that includes a higher one is a mistake, however handy."""

import re

import tree

# The ISO C headers that the C half of the SDK may use.
C_HEADERS = {"assert.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdarg.h",
             "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "time.h"}

SDK = "sdk/include/"
BASE, LOOP, MESSAGE = "kernel/base/", "kernel/loop/", "kernel/message/"
PLUGIN, SESSION, ROUTING = "kernel/plugin/", "kernel/session/", "kernel/routing/"
KERNEL = (BASE, LOOP, MESSAGE, PLUGIN, SESSION, ROUTING)

# Folder -> the folders and files it may include besides itself. The first match counts.
RULES = [
    ("sdk/check/", (SDK,)),
    ("sdk/template/", (SDK,)),
    ("sdk/", (SDK,)),
    ("plugins/", (SDK, "plugins/support/")),
    ("examples/plugins/", (SDK,)),
    (BASE, (SDK,)),
    (LOOP, (SDK, BASE)),
    (MESSAGE, (SDK, BASE)),
    (PLUGIN, (SDK, BASE, LOOP, MESSAGE)),
    (SESSION, (SDK, BASE, LOOP, MESSAGE, PLUGIN)),
    (ROUTING, (SDK, BASE, LOOP, MESSAGE, PLUGIN, SESSION, "kernel/nexus.hpp")),
    ("kernel/", (SDK,) + KERNEL),
    ("client/", (SDK, BASE, LOOP, MESSAGE)),
    # --make-secret writes what the authenticators read, with the same cryptography.
    ("nexusd/", (SDK, "kernel/nexus.hpp", "client/", "plugins/support/auth/make_secret.hpp")),
    ("cli/", (SDK, "kernel/nexus.hpp", "client/")),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def own_folders(path, folder):
    """What counts as "itself": for a built-in plugin its own folder and what its kind shares, not
    its neighbours'."""
    if folder != "plugins/":
        return (folder,)
    kind = "/".join(path.parts[:2])
    return ("/".join(path.parts[:3]) + "/", kind + "/common/")


def resolve(root, path, name):
    """The included file relative to root, or None when it is not one of ours."""
    for base in (path.parent, root.__class__("."), root.__class__("sdk/include")):
        candidate = root / base / name
        if candidate.is_file():
            return candidate.resolve().relative_to(root.resolve()).as_posix()
    return None


def check(root, path):
    name = path.as_posix()
    rule = next((rule for rule in RULES if name.startswith(rule[0])), None)
    if rule is None:
        return
    folder, allowed = rule
    allowed += own_folders(path, folder)
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, target = match.groups()
        here = f"{name}:{number}"
        found = resolve(root, path, target)
        if found is not None:
            if not found.startswith(allowed):
                yield f"{here}: {folder} may not include {found}"
        elif kind == '"':
            yield f'{here}: "{target}" is no file of this tree; use <> for other people\'s headers'
        elif name.startswith(SDK) and name.endswith(".h") and target not in C_HEADERS:
            yield f"{here}: a C header of the SDK may include ISO C headers only, not <{target}>"


def main():
    root = tree.arguments(__doc__).parse_args().root.resolve()
    paths = tree.files(root, tree.C_ENDINGS)
    problems = [problem for path in paths for problem in check(root, path)]
    tree.finish(problems, len(paths), "files")


if __name__ == "__main__":
    main()
