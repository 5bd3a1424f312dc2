#!/usr/bin/env python3
"""Every header of the SDK compiles alone, pedantically, in every language and compiler promised.

C headers: C11, C17, C++17 and C++20. The C++ layer: C++17 and C++20. With GCC, and with clang where
it is installed (--require-clang makes its absence a failure). The whole matrix for the C headers and
for the two headers that include all of the layer; each other one of the layer with GCC as C++17 and
with clang as C++20, because these take half a second each.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]


def jobs(include, gcc, gxx, clang, clangxx):
    """(header, compiler, standard), the whole matrix."""
    c_headers = sorted(include.glob("nexus/*.h")) + sorted(include.glob("nexus/draft/*.h"))
    layer = sorted(include.glob("nexus/cpp/*.hpp"))
    for header in c_headers:
        for compiler in filter(None, (gcc, clang)):
            for standard in ("c11", "c17"):
                yield header, compiler, standard
    for header in c_headers + layer:
        whole = header.suffix == ".h" or header.name in ("nexus.hpp", "fake_host.hpp")
        for compiler in filter(None, (gxx, clangxx)):
            for standard in ("c++17", "c++20"):
                if whole or (compiler == gxx) == (standard == "c++17"):
                    yield header, compiler, standard


def compile_one(include, job):
    header, compiler, standard = job
    name = header.relative_to(include).as_posix()
    language = "c++" if standard.startswith("c++") else "c"
    # Twice: include guards have to work.
    source = f'#include "{name}"\n#include "{name}"\nint alone;\n'
    result = subprocess.run([compiler, f"-std={standard}", "-x", language, *WARNINGS, "-I", include,
                             "-fsyntax-only", "-"], input=source, capture_output=True, text=True,
                            check=False)
    return "" if result.returncode == 0 else f"{name} {compiler} {standard}:\n{result.stderr}"


def find(*names):
    return next(filter(None, map(shutil.which, names)), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("include", type=pathlib.Path)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cxx", default="g++")
    parser.add_argument("--require-clang", action="store_true")
    options = parser.parse_args()
    include = options.include.resolve()
    clang, clangxx = find("clang-14", "clang"), find("clang++-14", "clang++")
    if options.require_clang and not (clang and clangxx):
        sys.exit("clang is missing")
    matrix = list(jobs(include, options.cc, options.cxx, clang, clangxx))
    if len(matrix) < 50:
        sys.exit(f"only {len(matrix)} compilations: is {include} the SDK?")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = list(filter(None, pool.map(lambda job: compile_one(include, job), matrix)))
    print("\n".join(failures) if failures else
          f"{len(matrix)} compilations" + ("" if clang else ", none with clang: not installed"))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
