# Sourced by the scripts of this folder, from the root of the clone: settings that both a developer's
# machine and a bare container need.

# Bazel and its disk cache (.bazelrc: ~/.cache/stator-bazel) want a home.
export HOME="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"

# Recorded graphs, checkpoints and images that tests compare with; tests say so when they lack it.
if [ -z "${STATOR_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
  STATOR_TEST_DATA=$(cd ../shared/data && pwd)
  export STATOR_TEST_DATA
fi
