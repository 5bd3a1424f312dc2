#!/bin/sh
# test.sh nexus-plugin-check authenticator-token.so: the plugin with its options filled in.
set -eu
check=$1
plugin=$2

# With tokens it must pass everything, being asked as a client would.
"$check" "$plugin" --options '{"tokens": {"joe": "joes-long-token-1"}}'

# Those that are no tokens it must refuse, and the tool must say so.
for tokens in '{"joe": "short"}' '{"joe": 7}' '{"": "nobodys-long-token"}'; do
  "$check" "$plugin" --options "{\"tokens\": $tokens}" > out.txt && status=0 || status=$?
  cat out.txt
  test "$status" -eq 1
  grep -q 'tokens: ' out.txt
done
