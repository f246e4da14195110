#!/usr/bin/env bash
# From a fresh clone to a trained digit classifier and its prediction.
#
#   tools/quickstart.sh                 on digits that the program draws itself
#   tools/quickstart.sh --data DIR      on MNIST's IDX files (plain or .gz) in DIR
#   tools/quickstart.sh --workers 2     as a job of two processes (examples/jobs/digits.yaml)
#
# Installs missing packages, builds, trains, and runs the trained graph with `stator run` on one test
# image. The last line is `test accuracy: NN.NN %`. Other flags go to the training program:
# --epochs N, --threads N, --seed N, --checkpoint DIR, --resume (and more: --help); with --workers, to
# `stator launch`.
set -euo pipefail

caller=$PWD
cd "$(dirname "$(readlink -f "$0")")/.."
tools/install_packages.sh
. tools/environment.sh

echo "Building (some minutes the first time)" >&2
bazel build //examples/digits //tools:stator --noshow_progress --color=no </dev/null >&2
bin=$PWD/bazel-bin
if [[ ${1:-} == --workers ]]; then
  exec "$bin/tools/stator" launch examples/jobs/digits.yaml "$@"
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Folders that the flags name are the caller's.
cd "$caller"
"$bin/examples/digits/digits" --export "$out" "$@" | tee "$out/log"
accuracy=$(grep '^test accuracy: ' "$out/log" | tail -n 1) || exit 0 # --help trains nothing

echo
echo "One test image, a $(cat "$out/label.txt"), through the trained graph:"
echo "  stator run digits.pb --feed images=image.npy --fetch digit --fetch probabilities"
"$bin/tools/stator" run "$out/digits.pb" --feed "images=$out/image.npy" --fetch digit \
  --fetch probabilities
echo
echo "$accuracy"
