#!/usr/bin/env python3
"""Writes the documentation as it is installed: install-docs.py --root ROOT --out FOLDER --map FROM=TO...
                [--markdown FROM...]

The Markdown files link to each other, to samples, headers and sources as they lie in the repository.
Where they are installed other things lie elsewhere, and most sources are not there. So each link to
something that --map names is rewritten to where that is installed, and each other link becomes its
plain text. Called by `cmake --install`; tests/nexusd/install_test.py follows every link of the
result.

FROM is a file or folder of the repository, TO where it is installed, relative to the folder of the
documentation; the longest FROM that fits decides. Markdown files that --map puts into that folder are
written to FOLDER, at TO. --markdown FROM is a folder of which the Markdown files are installed and
nothing else, below the same path.
"""
import argparse
import os
import pathlib
import posixpath
import re

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)((?:\s+\"[^\"]*\")?)\)")
FENCE = re.compile(r"^\s*(```|~~~)")


class Places:
    def __init__(self, root, pairs, markdown):
        self.root = root
        self.places = {**pairs, **{name: name for name in markdown}}
        self.markdown = markdown

    def of(self, path):
        """Where a path of the repository is installed, or None."""
        there = self.root / path
        best = max((name for name in self.places if path == name or path.startswith(name + "/")),
                   key=len, default=None)
        if best is None or not there.exists():
            return None
        if best in self.markdown and there.suffix != ".md" and not (there / "README.md").exists():
            return None
        return posixpath.normpath(self.places[best] + path[len(best):])


def rewritten(text, here, there, places):
    """`text` of the file `here` for its place `there`."""
    folder = posixpath.dirname(there)

    def replace(match):
        label, target, title = match.groups()
        if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
            return match.group(0)
        name, mark, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), name))
        place = places.of(path)
        if place is None:
            return label
        return f"[{label}]({posixpath.relpath(place, folder or '.')}{mark}{anchor}{title})"

    lines, fenced = [], False
    for line in text.split("\n"):
        if FENCE.match(line):
            fenced = not fenced
        lines.append(line if fenced else LINK.sub(replace, line))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--map", action="append", default=[], metavar="FROM=TO")
    parser.add_argument("--markdown", action="append", default=[], metavar="FROM")
    options = parser.parse_args()
    pairs = dict(entry.split("=", 1) for entry in options.map)
    places = Places(options.root, pairs, options.markdown)
    for name in places.places:
        top = options.root / name
        for file in sorted(top.rglob("*.md") if top.is_dir() else [top]):
            here = file.relative_to(options.root).as_posix()
            there = places.of(here)
            if file.suffix != ".md" or there is None or there.startswith(".."):
                continue
            target = options.out / there
            os.makedirs(target.parent, exist_ok=True)
            target.write_text(rewritten(file.read_text(encoding="utf-8"), here, there, places),
                              encoding="utf-8")


if __name__ == "__main__":
    main()
