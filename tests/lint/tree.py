"""What all lint checks share: which files there are, and how a check ends.

A check prints one line per problem, "file:line: what, and what to do", and exits 1 if there was one.
"""

import argparse
import pathlib
import subprocess
import sys

SKIP = {".git", "build", "node_modules", "__pycache__"}
C_ENDINGS = (".c", ".h", ".cpp", ".hpp")


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2])
    return parser


def files(root, endings):
    """Paths relative to root, sorted; what git knows and what it would add, or a plain walk."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
             "--exclude-standard", "."],
            check=True, capture_output=True, text=True).stdout.split("\0")
        found = {pathlib.Path(name) for name in listed if name}
    except (OSError, subprocess.CalledProcessError):
        found = {path.relative_to(root) for path in root.rglob("*")}
    return sorted(path for path in found
                  if path.name.endswith(endings) and not SKIP.intersection(path.parts)
                  and (root / path).is_file())


def finish(problems, checked, what):
    for problem in problems:
        print(problem)
    print(f"{checked} {what} checked, {len(problems)} problem{'s' * (len(problems) != 1)}")
    if checked == 0:
        print("nothing was checked, which cannot be right")
    sys.exit(1 if problems or checked == 0 else 0)
