#!/usr/bin/env python3
"""Every rule that has an id has a test that carries it.

tests/lint/ids.txt lists the ids ("R: 1-7 10" is R-01 … R-07 and R-10); each must be in the name of a
test case. tests/regress/README.md says for each defect of another router which test would notice it
here: a test case of the row's own name, or one that is named with its file.
Every option that a client may send is in the test that sends it with wrong types.
"""

import re

import tree
from check_tests import CASE

LINE = re.compile(r"^([A-Z]):((?:\s+\d+(?:-\d+)?)+)$")
ID = re.compile(r"\b([A-Z])-(\d+)\b")
ROW = re.compile(r"^\|\s*(GO-17\.\w+)\s*\|[^|]*\|(.*)\|\s*$")
NAMED = re.compile(r"`([\w/.]+): ([^`]+)`")
KEY = re.compile(r'\{"(\w+)",\s*(k[A-Z][\w\s|]*),\s*Kind::')
CLIENT = re.compile(r"k(?:Publish|Subscribe|Call|Register|Cancel|Yield|Error)\b")


def wanted_ids(text, path, problems):
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            problems.append(f"{path}:{number}: must read like \"R: 1-7 10\"")
            continue
        for span in match.group(2).split():
            first, _, last = span.partition("-")
            for value in range(int(first), int(last or first) + 1):
                yield match.group(1), value, number


def main():
    root = tree.arguments(__doc__).parse_args().root.resolve()
    problems, count = [], 0
    names = []
    for path in tree.files(root, ("_test.cpp",)):
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        names += [match.group(1) for match in CASE.finditer(text)]
    carried = {(letter, int(value)) for name in names for letter, value in ID.findall(name)}

    ids = root / "tests/lint/ids.txt"
    if ids.exists():
        for letter, value, number in wanted_ids(ids.read_text(encoding="utf-8"),
                                                "tests/lint/ids.txt", problems):
            count += 1
            if (letter, value) not in carried:
                problems.append(f"tests/lint/ids.txt:{number}: no test case is named after "
                                f"{letter}-{value:02}")

    defects = root / "tests/regress/README.md"
    text = defects.read_text(encoding="utf-8") if defects.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        match = ROW.match(line)
        if not match:
            continue
        count += 1
        where = f"tests/regress/README.md:{number}: {match.group(1)}"
        if not any(name.startswith(match.group(1) + ":") for name in names):
            others = NAMED.findall(match.group(2))
            if not others:
                problems.append(f"{where} has no test case of its name, and names no other test")
            for path, name in others:
                there = root / path
                if not there.exists() or name not in there.read_text(encoding="utf-8"):
                    problems.append(f"{where}: there is no {name} in {path}")
    keys = root / "kernel/message/options.cpp"
    tried = root / "tests/protocol/bad_options_test.cpp"
    if keys.exists():
        told = tried.read_text(encoding="utf-8") if tried.exists() else ""
        for name, messages in KEY.findall(keys.read_text(encoding="utf-8")):
            count += 1
            if CLIENT.search(messages) and f'"{name}"' not in told:
                problems.append(f"tests/protocol/bad_options_test.cpp:1: does not try the option {name}")
    tree.finish(problems, count, "ids")


if __name__ == "__main__":
    main()
