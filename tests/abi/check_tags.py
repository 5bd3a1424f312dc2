#!/usr/bin/env python3
"""Every function pointer of the SDK says on which thread it is called: [main], [loop] or [any].

The tag stands in the comment before or behind the function, in that of the group it belongs to
(functions that follow each other without a comment between), or in that of its whole struct.
"""

import argparse
import pathlib
import re
import sys

TAG = re.compile(r"\[(main|loop|any)\]")
# What a header is made of, as far as it matters here, in order.
TOKEN = re.compile(r"(?P<comment>/\*.*?\*/)|(?P<open>struct \w+ \{)|(?P<close>^\}.*?;)"
                   r"|(?P<function>\(\*(?P<name>\w+)\)\()|(?P<end>;)|(?P<blank>\n[ \t]*\n)", re.S | re.M)


def untagged(text):
    """(line, name) of each function pointer without a tag."""
    comment = ""        # the last one, that the next declaration belongs to
    before_struct = ""  # the last one since the last struct, whatever stands between
    struct_comment = ""
    in_struct = in_declaration = False
    waiting = None      # a function of this declaration that has no tag so far
    behind = None       # the same, behind its ';', where a comment may still follow
    for token in TOKEN.finditer(text):
        if behind is not None:
            same_line = text.count("\n", behind[2], token.start()) == 0
            if token["comment"] and same_line and TAG.search(token["comment"]):
                behind = None
                continue
            yield behind[:2]
            behind = None
        if token["comment"]:
            comment = before_struct = token["comment"]
        elif token["blank"] and not in_struct:
            comment = ""
        elif token["open"]:
            in_struct, struct_comment, comment = True, before_struct, ""
        elif token["close"]:
            in_struct, struct_comment, comment, before_struct = False, "", "", ""
        elif token["function"] and not in_declaration:
            in_declaration = True  # function pointers among its parameters are callbacks
            if not TAG.search(comment) and not (in_struct and TAG.search(struct_comment)):
                waiting = (text.count("\n", 0, token.start()) + 1, token["name"])
        elif token["end"]:
            if waiting:
                behind = (*waiting, token.end())
            waiting, in_declaration = None, False
            if not in_struct:
                before_struct = ""
    if behind is not None:
        yield behind[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("include", type=pathlib.Path)
    folder = parser.parse_args().include
    problems, count = [], 0
    for path in sorted(folder.glob("**/*.h")):
        text = path.read_text(encoding="utf-8")
        count += len(re.findall(r"\(\*\w+\)\(", text))
        problems += [f"{path}:{line}: {name}() has no [main], [loop] or [any] in its comment"
                     for line, name in untagged(text)]
    if count < 80:
        problems.append(f"only {count} function pointers found in {folder}: is it the SDK?")
    print("\n".join(problems) if problems else f"{count} function pointers say where they run")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
