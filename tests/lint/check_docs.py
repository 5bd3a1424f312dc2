#!/usr/bin/env python3
"""Documentation that lies is worse than none.

Every local link of every Markdown file leads to a file and, after a #, to a heading that exists.
With --nexusd, docs/configuration.md is what the daemon prints about its own option tables.
"""

import difflib
import pathlib
import re
import subprocess

import tree

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")


def prose(text):
    """(number, line) outside of code fences, without `code spans`."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(text):
    found = set()
    for _, line in prose(text):
        match = HEADING.match(line)
        if match:
            slug = re.sub(r"[^\w\- ]", "", match.group(1).replace("`", "").lower())
            slug = slug.replace(" ", "-")
            twin, count = slug, 1
            while twin in found:
                twin, count = f"{slug}-{count}", count + 1
            found.add(twin)
    return found


def check_links(root, path):
    text = (root / path).read_text(encoding="utf-8")
    for number, line in prose(text):
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = target.partition("#")
            there = (root / path).parent / name if name else root / path
            if not there.exists():
                yield f"{path}:{number}: {target} leads nowhere"
            elif anchor and there.suffix == ".md":
                if anchor not in anchors(there.read_text(encoding="utf-8")):
                    yield f"{path}:{number}: {name or path} has no heading #{anchor}"


def check_reference(root, nexusd, plugins):
    reference = root / "docs/configuration.md"
    printed = subprocess.run([nexusd, "--describe-config", "--plugin-dir", plugins], check=False,
                             capture_output=True, text=True, timeout=60)
    if printed.returncode != 0:
        yield f"nexusd --describe-config failed: {printed.stderr.strip()}"
        return
    written = reference.read_text(encoding="utf-8") if reference.exists() else ""
    if written != printed.stdout:
        yield "docs/configuration.md:1: differs from the option tables; `make docs` writes it anew"
        yield from list(difflib.unified_diff(
            written.splitlines(), printed.stdout.splitlines(), "docs/configuration.md",
            "nexusd --describe-config", lineterm="", n=0))[:20]


def main():
    parser = tree.arguments(__doc__)
    parser.add_argument("--nexusd", type=pathlib.Path)
    parser.add_argument("--plugins", type=pathlib.Path)
    options = parser.parse_args()
    root = options.root.resolve()
    if options.nexusd:
        tree.finish(list(check_reference(root, options.nexusd, options.plugins)), 1, "reference")
    paths = tree.files(root, (".md",))
    tree.finish([problem for path in paths for problem in check_links(root, path)], len(paths),
                "files")


if __name__ == "__main__":
    main()
