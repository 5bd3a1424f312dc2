#!/bin/bash
# Installs the Debian packages that a target of the Makefile needs. Asks dpkg first, so it is quick
# and needs neither network nor root when everything is there.
#
#   tools/install-deps.sh [build] [test] [bench]      (default: build)
set -euo pipefail

declare -A groups=(
  [build]="g++ cmake ninja-build ccache mold libpoco-dev libmsgpack-cxx-dev libboost-dev
           libboost-filesystem-dev catch2 libssl-dev libsqlite3-dev libargon2-dev libidn-dev
           zlib1g-dev libxxhash-dev python3"
  [test]="clang-14 libclang-rt-14-dev clang-format-14 python3-autobahn python3-msgpack
          python3-cbor2 python3-ubjson python3-nacl python3-argon2 python3-passlib openssl
          abigail-tools binutils systemd"
  [bench]="nats-server openssl"
)

wanted=()
for group in "${@:-build}"; do
  if [[ -z ${groups[$group]:-} ]]; then
    echo "install-deps: no such group: $group (there are: ${!groups[*]})" >&2
    exit 64
  fi
  read -r -d '' -a packages <<<"${groups[$group]}" || true
  wanted+=("${packages[@]}")
  # A Node.js that did not come from Debian is as good, and Debian's would fight with it.
  if [[ $group == test ]]; then
    command -v node >/dev/null || wanted+=(nodejs)
    command -v npm >/dev/null || wanted+=(npm)
  fi
done

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "install-deps: installing ${missing[*]}"
as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps: needs root or sudo; as root: apt-get install ${missing[*]}" >&2
    exit 77
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q ||
  echo "install-deps: apt-get update failed, trying with the lists that are there" >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}"
