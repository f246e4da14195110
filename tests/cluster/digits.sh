# Sourced after cluster.sh by tests of whole trainings; the third argument draws digits.
# shellcheck shell=bash

# digits_job FILE NAME WORKERS [YAML...]: a short training on few digits, always the same.
digits_job() {
  local file=$1 name=$2 workers=$3
  shift 3
  [[ -d digits ]] || "$draw_digits" "$PWD/digits" 2560 500 || fail "draw_digits"
  make_job "$file" "$name" "$workers" "data: {directory: $PWD/digits}" "$@"
  grep -q '^training:' "$file" || echo 'training: {global_batch: 128, steps: 20}' >>"$file"
  grep -q '^strategy:' "$file" || echo 'strategy: {virtual_replicas: 4}' >>"$file"
}

# The hash in the log's last line that has one.
weights() { grep -oE 'weights sha256:[0-9a-f]{64}' log | tail -1; }

# expect_weights WHAT: those of the first training that was asked about.
expect_weights() {
  local found
  found=$(weights)
  expected_weights=${expected_weights:-$found}
  [[ -n $found && $found == "$expected_weights" ]] ||
    fail "$1: '$found' instead of '$expected_weights': $(cat log)"
  echo "$1: $found"
}
