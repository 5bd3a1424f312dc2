#!/bin/bash
# What `make bench` runs: every default scenario against the release build, with nats-server beside
# it if that is installed. Arguments go to nexus-bench; BUILD names another build folder.
#
#   bench/run.sh --scenario rpc,pubsub --transport raw-msgpack --seconds 5
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build/release}
if [[ ! -x $build/bench/nexus-bench ]]; then
  echo "run.sh: $build/bench/nexus-bench is not there; make build first" >&2
  exit 1
fi
exec "$build/bench/nexus-bench" --json "$build/bench/results.json" "$@"
