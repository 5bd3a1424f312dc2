#!/usr/bin/env python3
"""A file that never stops growing is where a code base starts to hurt.

Above 500 lines a file says why near its top, in a line with "Long because:"; above 800 it is split.
"""

import tree

REASON_ABOVE, LIMIT, TOP = 500, 800, 20


def main():
    root = tree.arguments(__doc__).parse_args().root.resolve()
    paths = tree.files(root, tree.C_ENDINGS + (".py", ".js", ".cmake"))
    problems = []
    for path in paths:
        lines = (root / path).read_text(encoding="utf-8", errors="replace").splitlines()
        if len(lines) > LIMIT:
            problems.append(f"{path}:{LIMIT}: {len(lines)} lines; split it, {LIMIT} is the limit")
        elif len(lines) > REASON_ABOVE and not any("Long because:" in line for line in lines[:TOP]):
            problems.append(f'{path}:1: {len(lines)} lines; split it, or say "Long because: …" in '
                            f"one of its first {TOP} lines")
    tree.finish(problems, len(paths), "files")


if __name__ == "__main__":
    main()
