#!/bin/sh
# Usage: schema_test.sh KEPT.fbs CURRENT.fbs: old plans must stay readable, so the current schema only adds
# to the kept one of its version. The kept one is replaced only together with kImageVersion.
set -eu
flatc --conform "$1" "$2" || {
  echo "$2 does not evolve from $1: raise kImageVersion and keep new golden bundles" >&2
  exit 1
}
# The check itself works: a schema without its first field is refused.
broken=$(mktemp -d)
trap 'rm -rf "$broken"' EXIT
sed 's/table Buffer {/table Buffer { intruder:long;/' "$2" >"$broken/image.fbs"
if flatc --conform "$1" "$broken/image.fbs" 2>/dev/null; then
  echo "flatc --conform finds nothing" >&2
  exit 1
fi
