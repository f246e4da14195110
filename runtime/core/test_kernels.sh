#!/bin/sh
# Usage: test_kernels.sh SOURCE OUTPUT: compiles SOURCE and writes each function's bytes as C++.
set -e
object=$(mktemp)
bytes=$(mktemp)
trap 'rm -f "$object" "$bytes"' EXIT
gcc -O1 -fPIC -I. -ffunction-sections -fno-asynchronous-unwind-tables -fno-stack-protector \
  -fcf-protection=none -fno-tree-loop-distribute-patterns -fno-jump-tables -c "$1" -o "$object"
if objdump -r "$object" | grep -q R_X86_64; then
  echo "a test kernel needs a relocation:" >&2
  objdump -r "$object" >&2
  exit 1
fi
{
  for name in $(sed -n 's/^KERNEL(\([a-z0-9_]*\)).*/\1/p' "$1"); do
    objcopy -O binary -j ".text.$name" "$object" "$bytes"
    printf '{"%s", {' "$name"
    od -An -v -tu1 "$bytes" | tr -s ' \n' ',,' | sed 's/^,//; s/,$//'
    printf '}},\n'
  done
} >"$2"
