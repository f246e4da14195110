#!/usr/bin/env bash
# Proves that the runtime library needs nothing but libc and libstdc++, and stays small.
#
#   tools/check_links.sh LIBRARY [MAX_BYTES]
#
# Prints what it found, one line per offence on stderr; the exit status is 0 if there is none.
set -euo pipefail

library=${1:?usage: check_links.sh LIBRARY [MAX_BYTES]}
max_bytes=${2:-1000000}
offences=0

offend() {
  echo "$library: $1" >&2
  offences=$((offences + 1))
}

allowed='^(libstdc\+\+\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libc\.so\.6|libpthread\.so\.0|ld-linux-.*)$'
needed=$(readelf --dynamic --wide "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for name in $needed; do
  [[ $name =~ $allowed ]] || offend "needs $name"
done

# Dependencies of dependencies, as the loader finds them.
if ldd "$library" | grep -E 'libLLVM|libMLIR|libprotobuf|libabsl' >&2; then
  offend "the loader brings in a library that a bundle must not need"
fi

# A static copy would show no NEEDED entry, only its symbols.
foreign=$(nm --demangle --dynamic "$library" | grep -E ' (absl|google::protobuf|llvm|mlir)::' || true)
if [[ -n $foreign ]]; then
  offend "holds or wants foreign symbols, such as: $(head -n 1 <<<"$foreign")"
fi

# The check would pass on an empty file.
symbols=$(nm --demangle --dynamic --defined-only "$library" | grep -c 'stator::runtime::Runner::Run' || true)
((symbols > 0)) || offend "does not hold the runtime"

stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip --strip-unneeded -o "$stripped" "$library"
bytes=$(stat --format=%s "$stripped")
((bytes <= max_bytes)) || offend "$bytes bytes when stripped, more than $max_bytes"

echo "$(basename "$library"): $bytes bytes when stripped; needs" $needed
exit $((offences > 0))
