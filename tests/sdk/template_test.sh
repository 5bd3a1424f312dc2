#!/bin/sh
# template_test.sh <cmake> <build> <cc> <c++> <examples>: installs the SDK into an empty folder, copies the
# template out of it, and builds and tests it there with find_package() as an author would; the
# examples too. Fails if anything of the source tree is needed for it.
set -eu
cmake=$1
build=$2
cc=$3
cxx=$4
examples=$5

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --component sdk --prefix "$folder/prefix" > "$folder/install.txt"

for file in include/nexus/nexus.h include/nexus/cpp/nexus.hpp bin/nexus-plugin-check \
  share/nexus/template/plugin.c share/nexus/examples/authenticator-token/plugin.c; do
  test -e "$folder/prefix/$file" || { echo "not installed: $file"; exit 1; }
done
if grep -rlF "$build" "$folder/prefix" --include='*.cmake' --include='*.h' --include='*.hpp'; then
  echo "these files know the build tree"
  exit 1
fi

cp -r "$folder/prefix/share/nexus/template" "$folder/mine"
cp -r "$folder/prefix/share/nexus/examples/authenticator-token" "$folder/token"
cp -r "$examples" "$folder/examples"
for project in mine token examples; do
  cd "$folder/$project"
  "$cmake" -S . -B build -DCMAKE_PREFIX_PATH="$folder/prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror ${CFLAGS:-}" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Werror ${CXXFLAGS:-}" --no-warn-unused-cli
  "$cmake" --build build
  ctest --test-dir build --output-on-failure --no-tests=error
done
