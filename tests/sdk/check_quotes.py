#!/usr/bin/env python3
"""Code that the SDK's documents show is code that is built.

Each fenced block of C, C++ or CMake in them stands under a comment that names a file of the tree,
<!-- sdk/template/plugin.c -->, and is a run of lines of that file, word for word.
"""

import pathlib
import re
import sys
import textwrap

DOCUMENTS = ["docs/plugin-author-guide.md", "docs/abi-policy.md", "sdk/template/README.md",
             "examples/plugins/README.md", "docs/decisions/0001-plugin-abi.md"]
LANGUAGES = {"c", "cpp", "cmake", "sh"}
FENCE = re.compile(r"^```(\w*)$")
SOURCE = re.compile(r"^<!-- (\S+) -->$")


def blocks(text):
    """(line number, language, named file or None, code) of each fenced block."""
    named, language, start, code = None, None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if language is None and fence:
            language, start, code = fence.group(1), number, []
        elif language is not None and line == "```":
            yield start, language, named, "\n".join(code)
            language = named = None
        elif language is not None:
            code.append(line)
        elif line.strip():
            source = SOURCE.match(line)
            named = source.group(1) if source else None


def has_run(lines, wanted):
    """Whether the lines occur one after the other, but for a common indentation."""
    code = textwrap.dedent("\n".join(wanted)).rstrip()
    for start in range(len(lines) - len(wanted) + 1):
        part = textwrap.dedent("\n".join(lines[start:start + len(wanted)]))
        if part.rstrip() == code:
            return True
    return False


def check(root, document):
    text = (root / document).read_text(encoding="utf-8")
    for number, language, named, code in blocks(text):
        if language not in LANGUAGES or (language == "sh" and named is None):
            continue
        here = f"{document}:{number}"
        if named is None:
            yield f"{here}: code without <!-- file --> above it"
        elif not (root / named).is_file():
            yield f"{here}: there is no {named}"
        elif not has_run((root / named).read_text(encoding="utf-8").splitlines(),
                         code.splitlines()):
            yield f"{here}: these lines are not in {named}"


def main():
    root = pathlib.Path(sys.argv[1])
    problems = [problem for document in DOCUMENTS for problem in check(root, document)]
    quotes = sum(1 for document in DOCUMENTS
                 for block in blocks((root / document).read_text(encoding="utf-8")) if block[2])
    if quotes < 5:
        problems.append(f"only {quotes} quotes found in {', '.join(DOCUMENTS)}")
    print("\n".join(problems) if problems else f"{quotes} quotes are right")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
