#!/usr/bin/env python3
"""Every test in several copies at once, several times over: stress.py [BUILD] [options]

A test that fails once in a hundred runs on a quiet machine fails more often when others take its
cores, so eight copies of the same test run beside each other, three times. What fails is printed as
it happens and again at the end with how often it did; the first output of each is kept in
BUILD/stress. Exits 0 when nothing failed, 1 when something did, 64 when it was called wrongly.

Tests are those that CTest knows, with its labels, environment and time limits; a limit is stretched
as far as the copies share the cores.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("build", nargs="?", default="build/dev", help="the build folder")
    parser.add_argument("--copies", type=int, default=8, help="of a test at once (8)")
    parser.add_argument("--rounds", type=int, default=3, help="times over (3)")
    parser.add_argument("-R", "--tests", default="", help="only tests whose name matches")
    parser.add_argument("-E", "--exclude", default="", help="no tests whose name matches")
    parser.add_argument("-LE", "--label-exclude", default="", help="no tests with such a label")
    return parser.parse_args()


class Test:
    def __init__(self, entry):
        self.name = entry["name"]
        self.command = entry.get("command", [])
        values = {p["name"]: p["value"] for p in entry.get("properties", [])}
        self.folder = values.get("WORKING_DIRECTORY")
        self.labels = values.get("LABELS", [])
        self.limit = values.get("TIMEOUT", 600)
        self.skipped_with = values.get("SKIP_RETURN_CODE")
        self.disabled = values.get("DISABLED", False)
        pairs = (pair.partition("=") for pair in values.get("ENVIRONMENT", []))
        self.environment = {name: value for name, _, value in pairs}

    def run(self, seconds):
        """None if it passed, else why not, with its output."""
        environment = {**os.environ, **self.environment}
        try:
            done = subprocess.run(self.command, cwd=self.folder, env=environment, timeout=seconds,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
        except subprocess.TimeoutExpired as late:
            return f"no end after {seconds:.0f} s", late.stdout or b""
        if done.returncode in (0, self.skipped_with):
            return None
        return f"exit status {done.returncode}", done.stdout


def tests_of(options):
    listing = subprocess.run(["ctest", "--test-dir", options.build, "--show-only=json-v1"],
                             capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        sys.exit(f"stress: ctest finds no tests in {options.build}: {listing.stderr.strip()}")
    for entry in json.loads(listing.stdout)["tests"]:
        test = Test(entry)
        if not test.command or test.disabled or not re.search(options.tests, test.name):
            continue
        if options.exclude and re.search(options.exclude, test.name):
            continue
        labels = options.label_exclude
        if labels and any(re.search(labels, label) for label in test.labels):
            continue
        yield test


def main():
    options = arguments()
    if options.copies < 1 or options.rounds < 1:
        print("stress: --copies and --rounds are at least 1", file=sys.stderr)
        return 64
    tests = list(tests_of(options))
    if not tests:
        print("stress: no test matches", file=sys.stderr)
        return 64
    kept = pathlib.Path(options.build) / "stress"
    kept.mkdir(parents=True, exist_ok=True)
    for old in kept.glob("*.log"):
        old.unlink()
    stretch = max(1.0, options.copies / (os.cpu_count() or 1))
    failures = {}
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.copies) as pool:
        for turn in range(options.rounds):
            for number, test in enumerate(tests, 1):
                runs = [pool.submit(test.run, test.limit * stretch) for _ in range(options.copies)]
                bad = [end for end in (run.result() for run in runs) if end is not None]
                if bad and test.name not in failures:
                    file = kept / (re.sub(r"[^A-Za-z0-9.-]+", "_", test.name)[:120] + ".log")
                    file.write_bytes(bad[0][0].encode() + b"\n" + bad[0][1])
                if bad:
                    failures[test.name] = failures.get(test.name, 0) + len(bad)
                    print(f"{test.name}: {len(bad)} of {options.copies} failed ({bad[0][0]})",
                          flush=True)
                if number % 100 == 0 or number == len(tests):
                    print(f"round {turn + 1} of {options.rounds}: {number} of {len(tests)} tests, "
                          f"{time.monotonic() - begin:.0f} s", flush=True)
    for name, count in sorted(failures.items(), key=lambda item: -item[1]):
        print(f"{count:4d} of {options.copies * options.rounds}  {name}")
    print(f"{len(tests) - len(failures)} passed, {len(failures)} failed")
    if failures:
        print(f"the first output of each: {kept}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
