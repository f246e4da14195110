#!/usr/bin/env bash
# A bundle of digits for two machines and a C program (examples/bundle_run): built for aarch64 with
# that machine's shared library and run under the emulator, it prints exactly what it prints here.
#
#   runtime_library_test.sh LIBRARY LIBRARY_FOR_AARCH64 STATOR DIGITS
set -uo pipefail

root=$PWD
here=$root/$1 there=$root/$2 digits=$root/$4
shift 2
. "$root/tools/expect.sh"

# Needs the C library only.
readelf --file-header "$there" | grep -q 'Machine: *AArch64' || fail "not for aarch64"
needed=$(readelf --dynamic --wide "$there" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if grep -vE '^(lib(m|c)\.so\.6|libpthread\.so\.0|ld-linux-aarch64\.so\.1)$' <<<"$needed"; then
  fail "the library needs something else"
fi

expect 0 '' "$digits" --epochs 0 --quiet --export . --export-training .
expect 0 '' "$stator" compile digits.pb \
  --entry 'read feed=images fetch=digit,probabilities' --target x86-64-v3,aarch64 -o digits.stb

# build COMPILER LIBRARY FOLDER
build() {
  mkdir "$3"
  cp "$2" "$3/libstator_runtime.so.0"
  "$1" -std=c99 -O2 -I"$root/runtime/core" "$root/examples/bundle_run/bundle_run.c" \
    "$3/libstator_runtime.so.0" -Wl,-rpath,"$PWD/$3" -o "$3/bundle_run" || fail "$1 does not build it"
}
build cc "$here" here
build aarch64-linux-gnu-gcc "$there" there
for images in 1 3 32; do
  expect 0 '' here/bundle_run digits.stb test.bin "$images"
  mv out expected
  expect 0 '' qemu-aarch64 -L /usr/aarch64-linux-gnu there/bundle_run digits.stb test.bin "$images"
  cmp expected out || fail "$images images read differently"
done

finish
