#!/usr/bin/env python3
"""All C and C++ is formatted by clang-format 14; --fix rewrites what is not."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

import tree

BATCH = 20


def main():
    parser = tree.arguments(__doc__)
    parser.add_argument("--fix", action="store_true")
    options = parser.parse_args()
    root = options.root.resolve()
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool is None:
        sys.exit("clang-format is missing: tools/install-deps.sh test")
    paths = [str(path) for path in tree.files(root, tree.C_ENDINGS)]
    mode = ["-i"] if options.fix else ["--dry-run", "-Werror"]
    batches = [paths[start:start + BATCH] for start in range(0, len(paths), BATCH)]

    def run(batch):
        return subprocess.run([tool, "--style=file", *mode, *batch], cwd=root,
                              capture_output=True, text=True, check=False)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(run, batches))
    # One line for each file: the first place that differs.
    problems = {}
    for result in results:
        for line in result.stderr.splitlines() if result.returncode != 0 else ():
            if ": error:" in line or ": warning:" in line:
                problems.setdefault(line.split(":")[0], line + "; `make format` does it")
        if result.returncode != 0 and not problems:
            problems[""] = "clang-format failed: " + result.stderr
    tree.finish(list(problems.values()), len(paths), "files")


if __name__ == "__main__":
    main()
