#!/usr/bin/env python3
"""Names of test cases that CTest can hand to Catch.

A name with a ";" becomes two names on the way, quotes are taken off, and one that begins with "-",
"~" or "*" is taken for something else. Then Catch finds no such test, runs none, and reports
success: a test that is never run.
"""

import re

import tree

CASE = re.compile(r'\b(?:TEMPLATE_)?TEST_CASE(?:_METHOD)?\s*\(\s*(?:\w+\s*,\s*)?"((?:[^"\\]|\\.)*)"')


def main():
    root = tree.arguments(__doc__).parse_args().root.resolve()
    problems, count, seen = [], 0, {}
    for path in tree.files(root, ("_test.cpp",)):
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        for match in CASE.finditer(text):
            count += 1
            name = match.group(1)
            here = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            if re.search(r';|\\"', name) or re.match(r"[-~*\s]", name) or name.endswith(" "):
                problems.append(f'{here}: "{name}" would never be run: no ; and no quotes, and it '
                                "begins with a letter or a digit")
            twin = seen.setdefault((path.parent, name), here)
            if twin != here:
                problems.append(f'{here}: "{name}" is the name of the test in {twin} too')
    tree.finish(problems, count, "test cases")


if __name__ == "__main__":
    main()
