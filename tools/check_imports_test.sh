#!/usr/bin/env bash
# The tree obeys tools/check_imports.py, and the checker sees the offences that it is there to see.
set -euo pipefail

checker=$(readlink -f "$(dirname "$0")/check_imports.py")
python3 "$checker"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
plant() {  # plant FILE LINE PATTERN: a tree with this one file must be refused, for this reason.
  rm -rf "${tree:?}"/*
  mkdir -p "$tree/$(dirname "$1")"
  printf '%s\n' "$2" >"$tree/$1"
  printf '// keeps the tree from being empty\n' >"$tree/root.cc"
  local out
  if out=$(python3 "$checker" "$tree"); then
    echo "planted in $1 but not found: $2"
    exit 1
  fi
  if ! grep -q "$3" <<<"$out"; then
    printf 'wrong reason for %s: %s\n' "$1" "$out"
    exit 1
  fi
}
plant compiler/a.cc '#include "runtime/core/executor.h"' 'compiler/ must not include'
plant runtime/session/a.cc '#include "compiler/compile.h"' 'runtime/session/ must not include'
plant runtime/core/a.cc '#include "runtime/session/session.h"' 'runtime/core/ must not include'
plant runtime/core/a.cc '#include "absl/status/status.h"' 'runtime/core/ must not include absl'
plant executable/a.cc '#include <google/protobuf/message.h>' 'executable/ must not include google'
plant graph/a.cc '#include "mlir/IR/Value.h"' 'graph/ must not include mlir'
plant formats/a.cc '#include "ops/math/add.h"' 'formats/ must not include ops'
plant graph/a.h '#ifndef WRONG_GUARD_H_' 'STATOR_GRAPH_A_H_'
plant elsewhere/a.cc 'int a;' 'not in the table'
plant docs/a.md 'See `docs/missing.md`.' 'does not exist'
plant docs/a.md 'See [this](missing.md).' 'does not exist'
