#!/usr/bin/env bash
# The digits given as a graph with files instead of a program: the program's weights.
. tests/cluster/cluster.sh
draw_digits=$OLDPWD/$3
. "$OLDPWD/tests/cluster/digits.sh"

digits_job binary.yaml binary 2
expect 0 "$stator" launch binary.yaml
expect_weights 'a program'
loss=$(grep -o 'step 20  test loss.*' log)

mkdir -p graph bare
expect 0 "$task_program" --data digits --export-job graph

# The same arrays as NumPy writes them.
python3 - <<'PYTHON' || fail "cannot write .npy files"
import struct
for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
    data = open(f"digits/{name}-ubyte", "rb").read()
    dims = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
    shape = "(" + ", ".join(map(str, dims)) + ",)"
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    with open(f"digits/{name}.npy", "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        out.write(data[4 + 4 * data[3]:])
PYTHON

# graph_job FILE NAME WORKERS ENDING
graph_job() {
  digits_job "$1" "$2" "$3"
  sed -i "s|^program:.*|program: {graph: $PWD/graph}|; /^data:/d" "$1"
  cat >>"$1" <<YAML
data:
  directory: $PWD/digits
  train: {images: train-images-idx3$4, labels: train-labels-idx1$4}
  evaluate: {images: t10k-images-idx3$4, labels: t10k-labels-idx1$4}
YAML
}

graph_job one.yaml one 1 .npy
expect 0 "$(dirname "$stator")/stator" train one.yaml
expect_weights 'a graph and .npy files in one process'
for workers in 1 2; do
  graph_job workers.yaml "graph$workers" $workers -ubyte
  expect 0 "$stator" launch workers.yaml
  expect_weights "a graph and IDX files on $workers workers"
  says 'step 20  test loss'
  grep -qF "$loss" log || fail "the program said '$loss': $(cat log)"
done

expect 0 "$stator" plan workers.yaml
says 'computes  shards 2 to 3 of 4, 32 examples each'
expect 0 "$stator" doctor workers.yaml
says '^ok +graph: .*, 20 steps an epoch'

# Mistakes.
expect 2 "$stator" launch workers.yaml --set program.binary=p
says 'program.graph: expected a binary or a graph, found both'
expect 1 "$stator" launch workers.yaml --set program.signatures.train=fit
says "there is no signature 'fit'; there are: evaluate, initialize, train"
expect 1 "$stator" doctor workers.yaml --set data.train.labels=train-images-idx3-ubyte
says '^FAILED +graph: data.train.labels: .*train-images-idx3-ubyte: expected int32\[\?\], .* found uint8\[2560, 28, 28\]'
cp -L "$stator" bare/stator_launch
expect 1 bare/stator_launch launch workers.yaml
says 'tasks run `stator train`, but there is no program .*bare/stator'
finish
