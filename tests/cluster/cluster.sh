# Sourced by the tests of this folder, whose arguments are the launcher and the task program: goes to
# the test's folder, writes jobs, counts failures and ends what was started.
# shellcheck shell=bash

stator=$PWD/$1
task_program=$PWD/$2
cd "$TEST_TMPDIR" || exit 1
failures=0
limit=100
skipped=()  # cases of the summary
cleanups=()

fail() {
  echo "FAILED: $1" >&2
  failures=$((failures + 1))
}

# write_summary CASE...: XML elements, instead of the one case that Bazel sees in a script.
write_summary() {
  [[ -z ${XML_OUTPUT_FILE:-} ]] || cat >"$XML_OUTPUT_FILE" <<XML
<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="$(basename "$0")" tests="$#">
$(printf '%s\n' "$@")
</testsuite></testsuites>
XML
}

# skipped_case NAME REASON
skipped_case() {
  echo "<testcase name=\"$1\" result=\"skipped\"><skipped message=\"$2\"/></testcase>"
}

# The test's only case, skipped; the reason goes to the summary.
skip() {
  echo "skipped: $1"
  write_summary "$(skipped_case "$(basename "$0")" "$1")"
  exit 0
}

# skip_part NAME REASON: the test goes on.
skip_part() {
  echo "skipped: $1: $2"
  skipped+=("$(skipped_case "$1" "$2")")
}

# need PROGRAM PACKAGE
need() {
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || skip "no $1: package $2 is not installed"
}

clean_up() {
  local i
  for ((i = ${#cleanups[@]} - 1; i >= 0; --i)); do ${cleanups[i]}; done
}
trap clean_up EXIT

# make_job FILE NAME WORKERS [YAML...]: a job of the task program, with a range of ports that other
# tests do not use.
make_job() {
  local file=$1 name=$2 workers=$3 line
  shift 3
  first_port=${first_port:-$((21000 + $$ % 400 * 20))}
  {
    echo "name: $name"
    echo "program: {binary: $task_program}"
    echo "roles: {worker: $workers}"
    echo "run_directory: $PWD/runs/$name"
    echo "network: {ports: $first_port-$((first_port + 19))}"
    for line in "$@"; do echo "$line"; done
  } >"$file"
  first_port=$((first_port + 20))
}

# expect EXIT_CODE COMMAND...: within `limit` seconds; output goes to the file `log`.
expect() {
  local code=$1 got
  shift
  timeout "$limit" "$@" >log 2>&1
  got=$?
  [[ $got == "$code" ]] || fail "exit code $got instead of $code: $* ($(cat log))"
}

# says PATTERN: the last command's output has it.
says() {
  grep -qE -e "$1" log || fail "no '$1' in: $(cat log)"
}

# start_draining WORKERS LAUNCH...: starts the launcher `$launcher` whose tasks wait for a drain, and
# waits until all do.
start_draining() {
  local workers=$1 i
  shift
  "$stator" launch "$@" all=drain >drain_log 2>&1 &
  launcher=$!
  for ((i = 0; i < 300; ++i)); do
    [[ $(grep -cs waiting drain_log) == "$workers" ]] && return
    sleep 0.1
  done
}

# Told to end, the launcher drains its tasks and says so by its exit code.
expect_drain() {
  local code
  kill -TERM $launcher
  wait $launcher
  code=$?
  [[ $code == 42 ]] || fail "exit code $code instead of 42: $(cat drain_log)"
}

# Each rank of WORKERS said once who it is, and all named one coordinator.
expect_identities() {
  local workers=$1 i
  for ((i = 0; i < workers; ++i)); do
    says "^\[worker:$i\] identity task=worker:$i workers=$workers .* rank=$i/$workers"
  done
  local coordinators
  coordinators=$(grep -oE 'coordinator=[^ ]+' log | sort -u | wc -l)
  [[ $coordinators == 1 ]] || fail "$coordinators coordinators instead of one: $(cat log)"
}

finish() {
  if ((failures == 0)); then
    echo "all as expected"
    ((${#skipped[@]} == 0)) || write_summary "<testcase name=\"$(basename "$0")\"/>" "${skipped[@]}"
  fi
  exit $((failures > 0))
}
