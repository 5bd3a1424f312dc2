#!/bin/sh
# test.sh nexus-plugin-check authenticator-mine.so: the plugin with its options filled in.
set -eu
check=$1
plugin=$2

# With a token it must pass everything, being asked as a client would.
"$check" "$plugin" --options '{"token": "let-me-in"}'

# Without one it must refuse the configuration, and the tool must say so and skip the rest.
"$check" "$plugin" --options '{"token": ""}' > out.txt && status=0 || status=$?
cat out.txt
test "$status" -eq 1
grep -q 'token must not be empty' out.txt
