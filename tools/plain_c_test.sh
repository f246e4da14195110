#!/usr/bin/env bash
# The public headers compile alone and without warnings, as C99 and C++17, and both libraries link
# into programs that plain cc and c++ build.
set -euo pipefail

header=$1 wrapper=$2 shared=$3 static=$4
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cp "$header" "$wrapper" "$static" "$prefix"
cp "$shared" "$prefix/libstator_runtime.so.0"
ln -s libstator_runtime.so.0 "$prefix/libstator_runtime.so"
cd "$prefix"

cat >program.c <<'END'
#include <stator_runtime.h>
#include <stdio.h>
#include <string.h>
int main(void) {
  stator_error error = STATOR_INIT(stator_error);
  stator_model* model = NULL;
  const stator_code code = stator_model_load_memory("no bundle", 9, NULL, &model, &error);
  printf("%s: %s\n", stator_code_name(code), error.message);
  return code == STATOR_DATA_LOSS && strlen(error.message) > 0 ? 0 : 1;
}
END
sed 's/stator_runtime.h>/stator_runtime.hpp>/' program.c >program.cc
warnings=(-Wall -Wextra -Wpedantic -Werror -I.)

cc -std=c99 "${warnings[@]}" program.c -L. -lstator_runtime -Wl,-rpath,"$prefix" -o shared
readelf --dynamic shared | grep -q 'NEEDED.*libstator_runtime\.so\.0\]'
./shared
cc -std=c99 "${warnings[@]}" program.c libstator_runtime.a -lstdc++ -lm -lpthread -o static
./static
c++ -std=c++17 -fno-exceptions "${warnings[@]}" program.cc -L. -lstator_runtime \
  -Wl,-rpath,"$prefix" -o wrapped
./wrapped
