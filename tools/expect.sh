# Sourced by tests of the stator binary, whose path is their first argument, before anything else:
# goes to the test's folder and counts failures.
# shellcheck shell=bash

stator=$PWD/$1
cd "$TEST_TMPDIR" || exit 1
failures=0

fail() {
  echo "FAILED: $1" >&2
  failures=$((failures + 1))
}

# expect EXIT_CODE PATTERN COMMAND...: stdout and stderr go to files out and err; PATTERN, if not
# empty, must be in out when the exit code is 0, else in err.
expect() {
  local code=$1 pattern=$2 where=out
  shift 2
  "$@" >out 2>err
  local got=$?
  ((code == 0)) || where=err
  [[ $got == "$code" ]] || fail "exit code $got instead of $code: $* ($(cat err))"
  [[ -z $pattern ]] || grep -q -e "$pattern" $where || fail "no '$pattern' from: $* ($(cat out err))"
}

# The end of a test.
finish() {
  ((failures == 0)) && echo "all as expected"
  exit $((failures > 0))
}
