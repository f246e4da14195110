#!/usr/bin/env bash
# Installs into a folder, moves it, and builds the examples against it with plain cc, c++ and cmake.
# What they compute has the bits of `stator run` on the graph, and of the session that trained.
#
#   install_test.sh STATOR DIGITS
set -uo pipefail

root=$PWD
digits=$PWD/$2
. "$(dirname "$0")/expect.sh"

# Ten kinds of images, told apart by where a bright square is.
mkdir data
python3 - <<'EOF'
import struct

def pixels(image, label):
    return bytes(min(255, 200 * (x // 6 == label % 4 and y // 8 == label // 4) + (image * 31 + x * y) % 25)
                 for y in range(28) for x in range(28))

for name, count in (('train', 640), ('t10k', 200)):
    labels = [(7 * i + i // 10) % 10 for i in range(count)]
    with open('data/%s-images-idx3-ubyte' % name, 'wb') as f:
        f.write(struct.pack('>4I', 0x803, count, 28, 28))
        for i, label in enumerate(labels):
            f.write(pixels(i, label))
    with open('data/%s-labels-idx1-ubyte' % name, 'wb') as f:
        f.write(struct.pack('>2I', 0x801, count) + bytes(labels))
EOF

# What a session makes of them: two epochs of five steps.
expect 0 'test accuracy: ' "$digits" --data data --epochs 2 --quiet --loss-log session.log \
  --export . --export-training .
accuracy=$(tail -n 1 out)

# Installing twice is like installing once; DESTDIR; no file names the prefix, so it can be moved.
expect 0 'tools/install.sh PREFIX' "$root/tools/install.sh" --help
expect 2 '' "$root/tools/install.sh"
expect 0 'installed stator 0' "$root/tools/install.sh" --from "$root" first
cp -a first once
expect 0 '' "$root/tools/install.sh" --from "$root" first
diff -r --no-dereference once first || fail "the second install differs"
DESTDIR=$PWD/stage expect 0 '' "$root/tools/install.sh" --from "$root" /usr
diff -r --no-dereference stage/usr first || fail "DESTDIR differs"
if grep -rlF "$PWD" first; then fail "a file names the prefix"; fi
mkdir elsewhere
mv first elsewhere/prefix
prefix=$PWD/elsewhere/prefix
stator=$prefix/bin/stator
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

# Bundles, made by the installed command.
expect 0 'entry read: 1 inputs, 2 outputs' "$stator" compile digits.pb \
  --entry 'read feed=images fetch=digit,probabilities' -o digits.stb
expect 0 'entry train: 5 inputs, 1 outputs, 27 variables' "$stator" compile training.pb \
  --entry 'init run=init' --entry 'schedule feed=step fetch=learning_rate' \
  --entry 'train feed=images,labels,learning_rate,step,seed fetch=loss run=train' \
  --entry 'predict feed=images fetch=digit' --target native -o training.stb

# build EXAMPLE FLAG...: a program in C.
build() {
  local name=$1 lines
  shift
  lines=$(wc -l <"$root/examples/$name/$name.c")
  ((lines <= 60)) || fail "$name.c has $lines lines, more than 60"
  cc -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror "$root/examples/$name/$name.c" "$@" ||
    fail "$name does not build"
}
read -ra shared <<<"$(pkg-config --cflags --libs stator_runtime) -Wl,-rpath,$prefix/lib"
read -ra static <<<"-static $(pkg-config --static --cflags --libs stator_runtime)"
build bundle_run "${shared[@]}" -o bundle_run
build bundle_run "${static[@]}" -o bundle_run_static
build bundle_train "${shared[@]}" -o bundle_train
expect 0 'libstator_runtime.so.0' ldd ./bundle_run

# Reading: each program prints, for seven images, the digit and the exact probability.
python3 - <<'EOF'
import struct

records = open('test.bin', 'rb').read()
scale = struct.unpack('<f', struct.pack('<f', 1 / 255))[0]
pixels = [p for i in range(7) for p in records[785 * i + 1:785 * (i + 1)]]
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (7, 28, 28, 1), }"
header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
with open('images.npy', 'wb') as f:
    f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
    f.write(struct.pack('<%df' % len(pixels), *[p * scale for p in pixels]))
EOF
expect 0 '' "$stator" run digits.pb --feed images=images.npy --fetch digit=digit.npy \
  --fetch probabilities=probabilities.npy
reads_like_the_graph() {
  expect 0 '' "$@"
  python3 - <<'EOF' || fail "$1 reads differently: $(cat out)"
import struct

digits = struct.unpack('<7q', open('digit.npy', 'rb').read()[-56:])
probabilities = struct.unpack('<70f', open('probabilities.npy', 'rb').read()[-280:])
found = [line.split() for line in open('out')]
assert [int(digit) for digit, _ in found] == list(digits)
assert [float.fromhex(p) for _, p in found] == [probabilities[10 * i + d] for i, d in enumerate(digits)]
EOF
}
reads_like_the_graph ./bundle_run digits.stb test.bin 7
reads_like_the_graph ./bundle_run_static digits.stb test.bin 7
expect 1 'no.stb' ./bundle_run no.stb test.bin 7

# Training: the losses and the accuracy of the session.
expect 0 '10 steps' ./bundle_train training.stb train.bin test.bin
diff session.log <(head -n 10 out) || fail "the losses differ"
grep -qF "$accuracy" out || fail "$(tail -n 1 out); the session: $accuracy"

# A class that needs no library, by CMake.
cmake_builds() {
  expect 0 '' cmake -S "$1" -B build "-DCMAKE_PREFIX_PATH=$prefix" "${@:2}"
  expect 0 '' cmake --build build
}
cmake_builds "$root/examples/cmake_object" "-DGRAPH=$PWD/digits.pb"
reads_like_the_graph build/read_digits test.bin 7
if ldd build/read_digits | grep stator; then fail "the class needs a library"; fi

# The libraries, by CMake.
mkdir project
cat >project/CMakeLists.txt <<EOF
cmake_minimum_required(VERSION 3.16)
project(both C)
find_package(StatorRuntime 0.1 REQUIRED)
add_executable(with_shared $root/examples/bundle_run/bundle_run.c)
target_link_libraries(with_shared Stator::runtime)
add_executable(with_static $root/examples/bundle_run/bundle_run.c)
target_link_libraries(with_static Stator::runtime_static)
EOF
rm -rf build
cmake_builds project
reads_like_the_graph build/with_shared digits.stb test.bin 7
reads_like_the_graph build/with_static digits.stb test.bin 7
sed -i 's/0.1 REQUIRED/0.2 REQUIRED/' project/CMakeLists.txt
expect 1 'compatible with requested version "0.2"' cmake -S project -B other \
  "-DCMAKE_PREFIX_PATH=$prefix"

# The Python loader, by the interpreter that has the system's NumPy; what a training step takes; state
# by name.
PYTHONPATH=$prefix/lib/python3/dist-packages /usr/bin/python3 - <<'EOF' || fail "the Python loader"
import numpy as np
import stator_runtime

results = stator_runtime.Model('digits.stb').run({'images': np.load('images.npy')})
assert np.array_equal(results['digit:0'], np.load('digit.npy'))
assert np.array_equal(results['probabilities:0'], np.load('probabilities.npy'))

model = stator_runtime.Model('training.stb')
model.state['dense/bias'] = np.ones(128)  # before anything has initialized it
assert model.state['dense/bias'][0] == 1
model.run(entry='init')
first = {name: model.state[name] for name in model.state}
assert len(first) == 27 and first['dense/kernel'].shape == (1568, 128)

def train(**inputs):
    """Loss and kernel after one step from the first values."""
    model.state.update(first)
    feeds = {'images': np.load('images.npy'), 'labels': np.arange(7, dtype=np.int32),
             'learning_rate': np.float32(1e-3), 'step': np.int64(0), 'seed': np.int64(0)}
    loss = model.run({**feeds, **inputs}, entry='train')['loss:0']
    assert model.state['global_step'] == 1
    return loss, model.state['dense/kernel']

loss, kernel = train()
again, same = train()
assert loss == again and np.array_equal(kernel, same) and not np.array_equal(kernel, first['dense/kernel'])
assert np.array_equal(train(learning_rate=np.float32(0))[1], first['dense/kernel'])
assert train(seed=np.int64(1))[0] != loss and train(step=np.int64(1))[0] != loss
EOF

finish
