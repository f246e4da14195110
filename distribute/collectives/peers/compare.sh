#!/bin/bash
# Sums of 1 KB to 256 MB over 2 and 4 processes of this host, beside Gloo, an MPI and plain copies.
#
#   distribute/collectives/peers/compare.sh BENCHMARK [ROUNDS [MOST_MB]]
#
# BENCHMARK is the built collectives_benchmark (bazel build -c opt). The programs take turns, ROUNDS
# times (default 5); the table shows medians over the turns. Peers whose packages are absent
# (libgloo-dev; libopenmpi-dev and openmpi-bin) are left out. Put another command, which makes the
# host quiet, in QUIET: it runs around each turn.
set -euo pipefail
benchmark=$(realpath "$1")
rounds=${2:-5}
most_mb=${3:-256}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gloo=no
mpi=no
if [ -e /usr/include/gloo/allreduce.h ]; then
  c++ -std=c++17 -O2 "$here/gloo_sum.cc" -o "$work/gloo_sum" -lgloo -lpthread && gloo=yes
fi
if command -v mpicxx > /dev/null && command -v mpirun > /dev/null; then
  mpicxx -std=c++17 -O2 "$here/mpi_sum.cc" -o "$work/mpi_sum" && mpi=yes
fi

turn() {
  local number=$1 workers=$2
  "$benchmark" --transport shared_memory --workers "$workers" --max-mb "$most_mb"
  if [ $gloo = yes ]; then
    mkdir -p "$work/store.$number.$workers"
    "$work/gloo_sum" "$work/gloo.board" "$work/store.$number.$workers" "$workers" "$most_mb"
  fi
  if [ $mpi = yes ]; then
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
      mpirun $([ "$workers" -le "$(nproc)" ] || echo --oversubscribe) --bind-to none -np "$workers" "$work/mpi_sum" "$work/mpi.board" "$most_mb"
  fi
}
export -f turn
export benchmark most_mb work gloo mpi

for workers in 2 4; do
  for ((number = 1; number <= rounds; ++number)); do
    ${QUIET:-} bash -c "set -e; turn $number $workers" >> "$work/times"
  done
done

# Columns: microseconds, then ratios of times.
grep '^time ' "$work/times" | sort -k2,2 -k3,3n -k4,4n -k5,5g | awk '
  { key = $2 " " $3 " " $4; all[key] = all[key] " " $5; sizes[$3 " " $4] = 1 }
  END {
    print "| processes | bytes | stator us | any memory us | Gloo us | Open MPI us | copies us " \
          "| GB/s | of copies | x Gloo | x Open MPI |"
    print "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for (size in sizes) order[++n] = size
    for (i = 1; i <= n; ++i) for (j = i + 1; j <= n; ++j) {
      split(order[i], a, " "); split(order[j], b, " ")
      if (a[1] * 1e12 + a[2] > b[1] * 1e12 + b[2]) { t = order[i]; order[i] = order[j]; order[j] = t }
    }
    for (i = 1; i <= n; ++i) {
      split(order[i], a, " ")
      ours = median("stator"); any = median("any_memory"); gloo = median("gloo")
      mpi = median("open_mpi"); copies = median("copies")
      printf "| %d | %d | %.1f | %.1f | %s | %s | %.1f | %.2f | %.2f | %s | %s |\n", a[1], a[2],
             ours, any, shown(gloo), shown(mpi), copies, a[2] / ours * 1e-3, copies / ours,
             ratio(gloo, ours), ratio(mpi, ours)
    }
  }
  function median(what,  count, values) {
    count = split(all[what " " order[i]], values, " ")
    return count == 0 ? 0 : values[int(count / 2) + 1 - (count % 2 == 0)]
  }
  function shown(time) { return time > 0 ? sprintf("%.1f", time) : "-" }
  function ratio(time, ours) { return time > 0 ? sprintf("%.1f", time / ours) : "-" }'
