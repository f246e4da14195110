#!/usr/bin/env bash
# Builds Stator and installs what programs that use bundles need.
#
#   tools/install.sh PREFIX              for example ~/.local, or /usr/local as root
#   tools/install.sh --from DIR PREFIX   does not build: DIR has what Bazel built (bazel-bin)
#
#   PREFIX/bin/stator                                 compiles graphs into bundles
#   PREFIX/include/stator_runtime.h, .hpp             the runtime's interface for C and C++17
#   PREFIX/lib/libstator_runtime.so, .a               the runtime
#   PREFIX/lib/pkgconfig/stator_runtime.pc            for pkg-config
#   PREFIX/lib/cmake/StatorRuntime/                   for CMake's find_package(StatorRuntime)
#   PREFIX/lib/python3/dist-packages/stator_runtime.py
#
# The prefix may be moved afterwards: nothing in it names its place. With DESTDIR set, everything goes
# to $DESTDIR/PREFIX, as packagers want it. Files are replaced by renaming, so programs that have the
# old ones open go on. `stator` needs the Debian packages of tools/packages.txt, the rest nothing.
set -euo pipefail

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
}

built=
case ${1:-} in
  -h | --help)
    usage
    exit 0
    ;;
  --from)
    built=$(cd "${2:?--from needs a folder}" && pwd)
    shift 2
    ;;
esac
if [ $# -ne 1 ] || [[ $1 == -* ]]; then
  usage >&2
  exit 2
fi
prefix=${DESTDIR:+$DESTDIR/}$1
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
cd "$(dirname "$0")/.."

if [ -z "$built" ]; then
  tools/install_packages.sh
  . tools/environment.sh
  echo "Building (some minutes the first time)" >&2
  bazel build //tools:stator //:libstator_runtime.so //:libstator_runtime.a \
    --noshow_progress --color=no </dev/null >&2
  built=$PWD/bazel-bin
fi

parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT

# put MODE FILE PATH: copies FILE to PATH below the prefix, aside first.
put() {
  local mode=$1 file=$2 to=$prefix/$3
  mkdir -p "$(dirname "$to")"
  install -m "$mode" "$file" "$to.new"
  mv -f "$to.new" "$to"
}

# fill TEMPLATE PATH: the same for a file of tools/install, with the version put in.
fill() {
  sed "s/@VERSION@/$version/g" "tools/install/$1" >"$parts/$1"
  put 644 "$parts/$1" "$2"
}

# link TARGET PATH: a symbolic link below the prefix.
link() {
  ln -sfn "$1" "$prefix/$2.new"
  mv -fT "$prefix/$2.new" "$prefix/$2"
}

version=$("$built/tools/stator" --version | awk '{print $2}')
soname=$(readelf --dynamic "$built/libstator_runtime.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
strip --strip-unneeded -o "$parts/runtime" "$built/libstator_runtime.so"
strip --strip-unneeded -o "$parts/stator" "$built/tools/stator"

put 755 "$parts/stator" bin/stator
put 644 runtime/core/stator_runtime.h include/stator_runtime.h
put 644 runtime/core/stator_runtime.hpp include/stator_runtime.hpp
put 644 "$parts/runtime" "lib/libstator_runtime.so.$version"
link "libstator_runtime.so.$version" "lib/$soname"
link "$soname" lib/libstator_runtime.so
put 644 "$built/libstator_runtime.a" lib/libstator_runtime.a
put 644 runtime/python/stator_runtime.py lib/python3/dist-packages/stator_runtime.py
fill stator_runtime.pc lib/pkgconfig/stator_runtime.pc
fill StatorRuntimeConfig.cmake lib/cmake/StatorRuntime/StatorRuntimeConfig.cmake
fill StatorRuntimeConfigVersion.cmake lib/cmake/StatorRuntime/StatorRuntimeConfigVersion.cmake
echo "installed stator $version in $prefix"
