#!/bin/sh
# plugin_check_test.sh <nexus-plugin-check> <folder of test plugins>: the tool's exit status and what
# it says about good plugins, bad ones, and wrong usage.
set -u
check=$1
plugins=$2
failures=0

# expect <status> <text> <arguments...>
expect() {
  wanted=$1 text=$2
  shift 2
  output=$("$check" "$@" 2>&1)
  status=$?
  if [ "$status" -ne "$wanted" ] || ! printf '%s\n' "$output" | grep -qF -- "$text"; then
    printf 'nexus-plugin-check %s\n  exit %s instead of %s, or without "%s":\n%s\n' \
      "$*" "$status" "$wanted" "$text" "$output"
    failures=$((failures + 1))
  fi
}

expect 2 'usage: nexus-plugin-check FILE.so'
expect 2 'usage: nexus-plugin-check FILE.so' --no-such-option "$plugins/good_minimal.so"
expect 2 'No such file' "$plugins/absent.so"
expect 2 "no component 'other'" "$plugins/good_minimal.so" --component other
expect 2 '--options is not JSON' "$plugins/good_minimal.so" --options '{'
expect 0 'usage: nexus-plugin-check FILE.so' --help

expect 0 'ok    exports nexus_plugin_entry_v1() and nothing else' "$plugins/good_minimal.so"
expect 0 'ok    serves nexus.authenticator/1, whole' "$plugins/good_minimal.so"
expect 0 'options: 3' "$plugins/good_wide_options.so"
for mode in now thread late twice never throw challenge dropped error; do
  expect 0 ' 0 failed' "$plugins/auth_async.so" --options "{\"mode\": \"$mode\"}"
done
expect 0 'lets nobody in with a signature of nonsense' "$plugins/auth_async.so" \
  --options '{"mode": "challenge"}'
expect 0 'answers every question legally' "$plugins/authz_async.so"
expect 0 'reads back 28 values' "$plugins/tlv_serializer.so"
expect 0 'survives 20000 mutants' "$plugins/tlv_serializer.so"

fails() {
  expect 1 "FAIL  $2" "$plugins/$1.so"
}
fails bad_no_symbol "exports 'some_other_function', which is nobody's business"
fails bad_no_symbol 'does not export nexus_plugin_entry_v1()'
fails bad_undefined_symbol 'cannot be loaded'
fails bad_null_entry 'the entry point returned NULL'
fails bad_entry_throws 'something that is not a std::exception came out of the plugin'
fails bad_magic 'the magic number is wrong'
fails bad_major 'targets ABI 2.0, which this tool (1.0) does not know'
fails bad_newer_minor 'targets ABI 1.7, which this tool (1.0) does not know'
fails bad_short_struct 'the struct_size of the entry is wrong'
fails bad_no_name 'name is missing'
fails bad_no_components 'there are no components'
fails bad_null_component 'component 0 is null or too short'
fails bad_unknown_kind 'its kind is unknown: 99'
fails bad_component_name 'its name may have'
fails bad_missing_destroy 'the function is missing: destroy'
fails bad_short_option 'option 1 has a wrong struct_size'
fails bad_option_twice "option 'one' is there twice"
fails bad_choice "option 'one': a choice without choices"
fails bad_missing_service "needs the service 'acme.database/1'"
fails bad_twice_in_one "component 'twice' is there twice"
fails bad_no_interface 'does not serve nexus.authenticator/1'
fails bad_short_vtable 'nexus.authenticator/1 is shorter than it must be'
fails bad_missing_slot 'nexus.authenticator/1 has an empty slot'
fails bad_init_fails 'init() failed (-3): the licence has expired'
fails bad_lifecycle 'create() answered -8'
fails bad_auth_careless 'authenticate() accepts a signature of nonsense'
# A sanitizer in the tool must not take the signal for itself.
ASAN_OPTIONS="handle_segv=0:${ASAN_OPTIONS:-}"
TSAN_OPTIONS="handle_segv=0:${TSAN_OPTIONS:-}"
export ASAN_OPTIONS TSAN_OPTIONS
fails bad_auth_crash 'crashed: Segmentation fault'
fails bad_configure_effects 'configure() left files open'

exit "$failures"
