#!/bin/sh
# Runs every fuzz target for SECONDS each (default 60), beginning with its seeds. Builds them first.
#   tests/fuzz/run.sh [SECONDS] [NAME...]       NAME: only these, for example serializer_json
# Seeds are copied to a temporary folder, so the tree stays as it is. What a target found is left
# there and named; its exit status is then this script's.
set -eu
seconds=${1:-60}
[ $# -eq 0 ] || shift
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz_targets

work=$(mktemp -d "${TMPDIR:-/tmp}/nexus-fuzz.XXXXXX")
if [ $# -eq 0 ]; then
  set -- $(cd build/fuzz/tests/fuzz && ls fuzz_* | sed 's/^fuzz_//')
fi
for name in "$@"; do
  echo "== $name, $seconds s"
  mkdir -p "$work/$name/corpus" "$work/$name/found"
  if [ -d "tests/fuzz/corpus/$name" ]; then
    cp "tests/fuzz/corpus/$name"/* "$work/$name/corpus/"
  fi
  if ! "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 \
      -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
      -artifact_prefix="$work/$name/found/" "$work/$name/corpus" >"$work/$name/log" 2>&1; then
    tail -n 60 "$work/$name/log"
    echo "fuzz_$name failed; the input is in $work/$name/found" >&2
    exit 1
  fi
  grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "$work/$name/log"
done
rm -rf "$work"
