#!/usr/bin/env bash
# The digit classifier's loss curve is the same to the bit for 1 and 2 threads, and after kill -9 at
# random moments, in the middle of a save included, and resume.
#
#   tests/digits_resume_test.sh PATH_OF_digits [flags for it, instead of --epochs 1]
set -euo pipefail

digits=$(readlink -f "$1")
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(($# > 0)) || set -- --epochs 1
flags=(--quiet "$@")

echo "one thread"
"$digits" "${flags[@]}" --threads 1 --loss-log "$folder/one" >"$folder/one.out"
echo "two threads"
"$digits" "${flags[@]}" --threads 2 --loss-log "$folder/two" >"$folder/two.out"
cmp "$folder/one" "$folder/two"
cmp "$folder/one.out" "$folder/two.out"
steps=$(wc -l <"$folder/one")
echo "$steps steps: equal"

# Each round is killed at a random step of what is left; every second one while it saves.
RANDOM=$$
echo "seed of the kills: $$"
touch "$folder/killed"
for round in 1 2 3 4 5; do
  done_steps=$(wc -l <"$folder/killed")
  "$digits" "${flags[@]}" --threads 1 --checkpoint "$folder/run" --resume --save-every 3 \
    --loss-log "$folder/killed" >"$folder/killed.out" &
  pid=$!
  goal=$((done_steps + 1 + RANDOM % 40))
  while kill -0 "$pid" 2>/dev/null && (($(wc -l <"$folder/killed") < goal)); do :; done
  if ((round % 2 == 0)); then # until a file is being written
    while kill -0 "$pid" 2>/dev/null && ! compgen -G "$folder/run/"*.tmp-"$pid"-* >/dev/null; do :; done
  fi
  kill -9 "$pid" 2>/dev/null || { echo "ended before it was killed"; exit 1; }
  wait "$pid" 2>/dev/null || true
  echo "killed after $(tail -n 1 "$folder/killed" | cut -d' ' -f1) steps," \
    "$(ls "$folder/run" | wc -l) files"
done
"$digits" "${flags[@]}" --threads 1 --checkpoint "$folder/run" --resume --save-every 50 \
  --loss-log "$folder/killed" >"$folder/killed.out"

# Steps that were repeated after a kill must have given the same loss again.
sort -u "$folder/killed" | sort -n >"$folder/resumed"
cmp "$folder/one" "$folder/resumed"
cmp "$folder/one.out" "$folder/killed.out"
cat "$folder/one.out"
echo "killed and resumed five times: equal"
