#!/bin/sh
# check_program.sh FOLDER PROGRAM CALLS: how a user builds with emitted objects. FOLDER holds headers
# and objects. Compiles PROGRAM (a source file) with plain compilers, links it with all objects and
# runs it there; then asserts that CALLS, linked with the objects, needs memcpy and memset only.
set -e
folder=$1
program=$2
calls=$3
flags="-std=c++17 -Wall -Wextra -Wshadow=local -Werror -pedantic -fno-exceptions -fno-rtti -I$folder"

for object in "$folder"/*.o; do
  found=$(nm -u "$object")
  if [ -n "$found" ] || readelf -r "$object" | grep -q R_; then
    echo "$object needs something:" "$found" >&2
    exit 1
  fi
  readelf -S "$object" | grep -q '.note.GNU-stack' || { echo "$object: no stack note" >&2; exit 1; }
done

compilers=c++
if command -v clang++ >/dev/null; then compilers="c++ clang++"; fi
for compiler in $compilers; do
  case $compiler in clang++) warnings=$(echo "$flags" | sed 's/-Wshadow=local//') ;; *) warnings=$flags ;; esac
  for level in -O0 -O2; do
    $compiler $warnings $level "$program" "$folder"/*.o -o "$folder/program"
    (cd "$folder" && ./program) || { echo "$compiler $level: the program failed" >&2; exit 1; }
  done
  $compiler $warnings -O2 -c "$calls" -o "$folder/calls.obj"
  ld -r "$folder/calls.obj" "$folder"/*.o -o "$folder/whole.obj"
  # _GLOBAL_OFFSET_TABLE_ is the linker's own.
  found=$(nm -u "$folder/whole.obj" | awk '{print $2}' |
    grep -v -x -e memcpy -e memset -e _GLOBAL_OFFSET_TABLE_ || true)
  if [ -n "$found" ]; then
    echo "$compiler: emitted code needs more than memcpy and memset:" $found >&2
    exit 1
  fi
done
