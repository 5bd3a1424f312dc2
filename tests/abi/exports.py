#!/usr/bin/env python3
"""Each plugin exports nexus_plugin_entry_v1() and no other dynamic symbol, as nm sees it."""

import argparse
import subprocess
import sys


def exported(path):
    out = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True,
                         check=True).stdout
    return sorted(line.split()[-1] for line in out.splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plugin", nargs="+")
    problems = []
    for path in parser.parse_args().plugin:
        names = exported(path)
        if names != ["nexus_plugin_entry_v1"]:
            problems.append(f"{path} exports {', '.join(names) or 'nothing'}")
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
