#!/usr/bin/env python3
"""The plugin ABI as libabigail sees it, in the debug information of a compiled library.

  abidiff.py dump  --cc CC --include DIR > FILE        writes the ABI of the headers
  abidiff.py check --cc CC --include DIR --frozen FILE compares it with a release's

layout.py asks the compiler about what a list of ours says; this is a second judge that shares no line
with it, and sees what a list cannot: the types behind pointers, however deep. A struct may have grown
at its end, and functions may have come; anything else is named. Ends with 77 (skipped) where
abidw and abidiff (Debian: abigail-tools) are not installed.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import layout

# Lines of abidiff's report that a plugin of an older minor cannot live with. What is left are
# added members with the sizes that they change.
BROKEN = re.compile(r"(offset changed from|deleted|removed|type name changed|return type changed"
                    r"|type of '.*' changed|entity changed|enumerator|is not anymore|now becomes"
                    r"|parameter \d+ of type .* (?:changed|was)|name of '.*' changed)")
# Headlines that say only that something below them has changed.
HARMLESS = re.compile(r"(has some indirect sub-type changes|Functions changes summary"
                      r"|Variables changes summary|parameter \d+ of type '\w+\*' has sub-type"
                      r"|in pointed to type|as reported earlier|has sub-type changes)")


def run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                          **options)


def write_abi(options, folder, out):
    """Compiles a library that takes every struct of the headers, and dumps its ABI."""
    structs, _ = layout.parse(options.include)
    source = ['#include "nexus/nexus.h"']
    for name in structs:
        source.append(f"NX_EXPORT void take_{name}(struct {name} *it);\n"
                      f"void take_{name}(struct {name} *it) {{ (void)it; }}")
    pathlib.Path(folder, "abi.c").write_text("\n".join(source) + "\n", encoding="utf-8")
    library = pathlib.Path(folder, "libnexus-abi.so")
    made = run(options.cc, "-std=c11", "-g", "-O0", "-fPIC", "-shared",
               f"-fdebug-prefix-map={folder}=.", "-I", options.include.resolve(), "abi.c",
               "-o", library, cwd=folder)
    if made.returncode != 0:
        sys.exit(made.stderr)
    made = run("abidw", "--no-show-locs", "--no-comp-dir-path", "--no-corpus-path",
               "--out-file", out, library)
    if made.returncode != 0:
        sys.exit(made.stdout + made.stderr)


def problems_in(report):
    """The lines that break something, with what they are about."""
    found, about = [], ""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    for text, following in zip(lines, [*lines[1:], ""]):
        # What a pointer points at may have grown; the lines that follow say what has become of it.
        if following.startswith("in pointed to type"):
            continue
        if "sub-type change" in text or text.startswith("'struct"):
            about = text
        if BROKEN.search(text) and not HARMLESS.search(text):
            # "0 data member deletions", "0 Removed"
            if re.search(r"\b0 (?:\w+ )*(?:deletions?|Removed|removed)", text):
                continue
            found.append(f"{text}   ({about})")
    return found


def check(options):
    with tempfile.TemporaryDirectory() as folder:
        now = pathlib.Path(folder, "now.abi")
        write_abi(options, folder, now)
        result = run("abidiff", "--no-show-locs", options.frozen, now)
    # Bits: 1 error, 2 usage, 4 something changed, 8 incompatible for certain.
    if result.returncode & 3:
        sys.exit(f"abidiff failed:\n{result.stdout}{result.stderr}")
    problems = problems_in(result.stdout)
    if result.returncode & 8 and not problems:
        problems = [result.stdout]
    if problems:
        sys.exit("\n".join(problems[:20]) +
                 f"\nPlugins compiled for {options.frozen} would break. While that version is not "
                 "released: tests/abi/abidiff.py dump --include sdk/include > that file")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["dump", "check"])
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--include", required=True, type=pathlib.Path)
    parser.add_argument("--frozen", type=pathlib.Path)
    options = parser.parse_args()
    if not shutil.which("abidw") or not shutil.which("abidiff"):
        print("abidw or abidiff is missing; install abigail-tools")
        sys.exit(77)
    if options.task == "check":
        return check(options)
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "dump.abi")
        write_abi(options, folder, out)
        print(out.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
