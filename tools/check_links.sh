#!/usr/bin/env bash
# Proves that the runtime library needs the C library only, an old one will do, it shows nothing but
# the C interface, and stays small.
#
#   tools/check_links.sh LIBRARY [MAX_BYTES]
#
# Prints what it found, one line per offence on stderr; the exit status is 0 if there is none.
set -euo pipefail

library=${1:?usage: check_links.sh LIBRARY [MAX_BYTES]}
max_bytes=${2:-1000000}
max_glibc=2.28 # RHEL 8; Ubuntu 20.04 has 2.31
offences=0

offend() {
  echo "$library: $*" >&2
  offences=$((offences + 1))
}

allowed='^(libm\.so\.6|libc\.so\.6|libpthread\.so\.0|ld-linux-.*)$'
needed=$(readelf --dynamic --wide "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for name in $needed; do
  [[ $name =~ $allowed ]] || offend "needs $name"
done
# Before glibc 2.34 threads come from there.
grep -qx 'libpthread\.so\.0' <<<"$needed" || offend "does not need libpthread.so.0"

# Dependencies of dependencies, as the loader finds them.
if ldd "$library" | grep -E 'libLLVM|libMLIR|libprotobuf|libabsl' >&2; then
  offend "the loader brings in a library that a bundle must not need"
fi

versions=$(objdump --dynamic-syms "$library" | grep -o 'GLIBC_[0-9.]*' | sort -Vu)
newest=$(sed 's/GLIBC_//' <<<"$versions" | tail -n 1)
if [[ $(printf '%s\n' "$newest" "$max_glibc" | sort -V | tail -n 1) != "$max_glibc" ]]; then
  symbols=$(objdump --dynamic-syms "$library" | grep -F "GLIBC_$newest" | awk '{print $NF}')
  offend "wants glibc $newest, later than $max_glibc, for:" $symbols
fi

# A static copy would show no NEEDED entry, only its symbols.
foreign=$(nm --demangle "$library" 2>/dev/null | grep -E ' (absl|google::protobuf|llvm|mlir)::' || true)
if [[ -n $foreign ]]; then
  offend "holds or wants foreign symbols, such as: $(head -n 1 <<<"$foreign")"
fi

exported=$(nm --dynamic --defined-only "$library" | awk '$2 != "A" {print $NF}' | sed 's/@.*//')
others=$(grep -v '^stator_' <<<"$exported" || true)
if [[ -n $others ]]; then
  offend "exports more than the C interface, such as $(head -n 1 <<<"$others")"
fi
# The checks would pass on an empty file.
grep -qx 'stator_context_run' <<<"$exported" || offend "does not hold the runtime"
# Such symbols keep a library in memory for good.
if readelf --dyn-syms --wide "$library" | grep -q ' UNIQUE '; then
  offend "has unique symbols: dlclose would not unload it"
fi

stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip --strip-unneeded -o "$stripped" "$library"
bytes=$(stat --format=%s "$stripped")
((bytes <= max_bytes)) || offend "$bytes bytes when stripped, more than $max_bytes"

echo "$(basename "$library"): $bytes bytes when stripped; glibc $newest; needs" $needed
exit $((offences > 0))
