#!/bin/bash
# Installs what a target of the Makefile needs and this machine does not have, from Debian's packages.
# Asks dpkg first, so it is quick and needs neither network nor root when everything is there. What
# came another way counts as well: a command, a Python module, or a library that CMake finds in the
# version that the build demands (cmake/Dependencies.cmake). Never removes a package.
#
#   tools/install-deps.sh [build] [test] [bench]      (default: build)
#
# Exits 0 when everything is there, 64 when called wrongly, 69 when apt cannot install it, 77 without
# the rights to install.
set -euo pipefail
cd "$(dirname "$0")/.."

# A package, or package=command, or package=python:module. Libraries stand alone.
declare -A tools=(
  [build]="g++=g++ cmake=cmake ninja-build=ninja ccache=ccache mold=mold python3=/usr/bin/python3"
  [test]="clang-14=clang-14 libclang-rt-14-dev clang-format-14=clang-format-14
          python3-autobahn=python:autobahn python3-msgpack=python:msgpack
          python3-cbor2=python:cbor2 python3-ubjson=python:ubjson python3-nacl=python:nacl
          python3-argon2=python:argon2 python3-passlib=python:passlib openssl=openssl
          abigail-tools=abidiff binutils=readelf systemd=systemd-analyze nodejs=node npm=npm"
  [bench]="nats-server=nats-server openssl=openssl"
)
declare -A libraries=(
  [build]="libpoco-dev libmsgpack-cxx-dev libboost-dev libssl-dev libsqlite3-dev libargon2-dev
           libidn-dev zlib1g-dev libxxhash-dev catch2"
  [test]="" [bench]=""
)

installed() { # installed <package>: as dpkg sees it
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true) == installed ]]
}

have_tool() { # have_tool <package>[=<command>|=python:<module>]
  local package=${1%%=*} other=
  [[ $1 == *=* ]] && other=${1#*=}
  installed "$package" && return 0
  case $other in
    "") return 1 ;;
    python:*) /usr/bin/python3 -c "import ${other#python:}" 2>/dev/null ;;
    cmake) # an older one cannot read this project
      local version
      version=$(cmake --version 2>/dev/null | sed -n '1s/.* //p')
      [[ -n $version && $(printf '%s\n' 3.25 "$version" | sort -V | head -n 1) == 3.25 ]] ;;
    *) command -v "$other" >/dev/null ;;
  esac
}

missing_libraries() { # missing_libraries <package...>: those that CMake does not find either
  local folder found
  folder=$(mktemp -d)
  # A configuration that fails says nothing about libraries: then dpkg's word counts.
  if found=$(cmake -S tools/find-deps -B "$folder" 2>&1); then
    for package in "$@"; do
      grep -qx "missing: $package" <<<"$found" && echo "$package"
    done
  else
    printf '%s\n' "$@"
  fi
  rm -rf "$folder"
}

need_root() {
  as_root=()
  [[ $(id -u) -eq 0 ]] && return 0
  if ! command -v sudo >/dev/null; then
    echo "install-deps: needs root or sudo; as root: apt-get install $*" >&2
    exit 77
  fi
  as_root=(sudo)
}

# Names both packages where one of the wanted would have to take another's place: that is for a person
# to decide. Apt either plans the removal, or finds no plan and names who conflicts.
refuse_removals() { # refuse_removals <package...>
  local package plan other
  for package in "$@"; do
    plan=$(LC_ALL=C apt-get -s -q --no-install-recommends install "$package" 2>&1) || true
    other=$(sed -nE 's/^Remv ([^ ]+).*/\1/p; s/^ ([^ ]+) : (Conflicts|Breaks): .*/\1/p' <<<"$plan" |
      while read -r name; do if installed "$name"; then echo "$name"; fi; done | paste -sd' ')
    [[ -n $other ]] || continue
    echo "install-deps: $package cannot be installed beside $other, and nothing is removed here." >&2
    echo "install-deps: remove $other yourself, or install what $package has in another way that" \
      "CMake finds" >&2
    exit 69
  done
}

updated=
install() { # install <package...>
  [[ $# -gt 0 ]] || return 0
  echo "install-deps: installing $*"
  need_root "$@"
  if [[ -z $updated ]]; then
    "${as_root[@]}" apt-get update -q ||
      echo "install-deps: apt-get update failed, trying with the lists that are there" >&2
    updated=1
  fi
  refuse_removals "$@"
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-remove --no-install-recommends "$@"; then
    echo "install-deps: apt could not install $*; what it says stands above" >&2
    exit 69
  fi
}

wanted_tools=() wanted_libraries=()
for group in "${@:-build}"; do
  if [[ -z ${tools[$group]:-} ]]; then
    echo "install-deps: no such group: $group (there are: ${!tools[*]})" >&2
    exit 64
  fi
  read -r -d '' -a entries <<<"${tools[$group]}" || true
  wanted_tools+=("${entries[@]}")
  read -r -d '' -a entries <<<"${libraries[$group]}" || true
  wanted_libraries+=("${entries[@]}")
done

missing=()
for tool in "${wanted_tools[@]}"; do
  have_tool "$tool" || missing+=("${tool%%=*}")
done
install "${missing[@]}"

missing=()
for library in "${wanted_libraries[@]}"; do
  installed "$library" || missing+=("$library")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  mapfile -t missing < <(missing_libraries "${missing[@]}")
  install "${missing[@]}"
fi
