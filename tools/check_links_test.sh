#!/usr/bin/env bash
# check_links.sh accepts the runtime library and finds what it is there to find.
set -euo pipefail

check=$1
runtime=$2
foreign=$3

"$check" "$runtime"

fail() {
  echo "$1" >&2
  exit 1
}

if "$check" "$foreign" 2>offences; then fail "a library with protobuf and Abseil was accepted"; fi
grep -q 'foreign symbols\|needs libprotobuf' offences || fail "wrong reason: $(cat offences)"
if "$check" "$runtime" 1000 2>offences; then fail "any size was accepted"; fi
grep -q 'more than 1000' offences || fail "wrong reason: $(cat offences)"
