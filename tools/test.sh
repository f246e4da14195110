#!/usr/bin/env bash
# Builds everything and runs the tests that CI runs.
#
#   tools/test.sh          the tests that a change must pass
#   tools/test.sh --all    the slow ones (tag "slow") too
#
# Installs missing packages first. The last line is `N passed, N failed`, with `, N skipped` if some
# were; it counts the cases inside the test programs. The exit status is 0 only if all is well.
set -uo pipefail

cd "$(dirname "$(readlink -f "$0")")/.." || exit 1

# Not "long": Bazel takes that for the timeout of large tests and would leave those out as well.
filter=(--test_tag_filters=-slow)
case "${1:-}" in
  '') ;;
  --all) filter=() ;;
  -h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    exit 0
    ;;
  *)
    echo "tools/test.sh: unknown argument '$1' (there is only --all)" >&2
    exit 2
    ;;
esac

tools/install_packages.sh || exit 1
. tools/environment.sh

events=$(mktemp)
trap 'rm -f "$events"' EXIT
bazel test //... "${filter[@]}" --keep_going --noshow_progress --color=no \
  --build_event_json_file="$events" </dev/null
status=$?

# 3: built, but tests failed; 4: nothing to test. Anything else nonzero means the build broke.
python3 tools/count_tests.py "$events" "$status"
