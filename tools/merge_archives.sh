#!/usr/bin/env bash
# Usage: merge_archives.sh OUT FILE...: one static library with the objects of the .a and .lo FILEs.
set -euo pipefail

out=$(readlink -f "$(dirname "$1")")/$(basename "$1")
shift
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT

for file in "$@"; do
  case $file in
    *.a | *.lo)
      part=$(mktemp -d -p "$parts")
      (cd "$part" && ar x "$OLDPWD/$file")
      ;;
  esac
done
rm -f "$out"
find "$parts" -name '*.o' -printf '%f %p\n' | LC_ALL=C sort | cut -d ' ' -f 2 | xargs ar qcsD "$out"
