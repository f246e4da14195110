#!/usr/bin/env bash
# stator launch on this host: who the tasks are, how failures are told, how it ends.
. tests/cluster/cluster.sh

make_job plain.yaml plain 4
expect 0 "$stator" launch plain.yaml
expect_identities 4
says 'local_tasks=4'
[[ -s runs/plain/logs/epoch-1/worker-3.log ]] || fail "no log of worker:3"
[[ $(stat -c %a runs/plain/secret) == 600 ]] || fail "the secret is not private"
# For code that was written for other systems: an address for each worker, the coordinator's first.
says "worker:2\] .* tf_config=\{\"cluster\":\{\"worker\":\[(\"127.0.0.1:[0-9]+\",?){4}\]\},\"task\":\{\"type\":\"worker\",\"index\":2\}\}"
expect 0 "$stator" status plain.yaml
says '^done, epoch 1, launched by pid [0-9]+ on host .*, exit code 0$'
says '^worker:3  done$'

# Another number of workers, arguments of the program, and the hash as the last line.
expect 0 "$stator" launch plain.yaml --workers 2 -- all=sleep:1 'worker:0=print:weights sha256:abc'
expect_identities 2
says 'epoch=2'
[[ $(grep -v '^stator' log | tail -1) == 'weights sha256:abc' ]] || fail "another last line: $(cat log)"

# A worker that is killed: one report, restart, done.
make_job killed.yaml killed 4 'restart: {backoff_seconds: 0.1}'
expect 0 "$stator" launch killed.yaml -- worker:1@1=print:dying worker:1@1=signal:9 \
  worker:0@1=sleep:300 worker:0@1=peer:worker:1 worker:2@1=sleep:300 worker:2@1=peer:worker:1 \
  worker:3@1=sleep:300 worker:3@1=peer:worker:1
says 'killed: epoch 1 failed: worker:1 was killed by signal 9 \(SIGKILL\)$'
says 'ended because of it: worker:0 \(exit code 130\), worker:2 \(exit code 130\), worker:3 \(exit code 130\)'
says '\| dying'
says 'killed: restarting in 100ms'
says 'worker:2\] identity .* epoch=2'
[[ $(grep -c 'failed:' log) == 1 ]] || fail "more than one report: $(cat log)"

# A failure of its own comes again: the task's words, twice, and the end.
make_job wrong.yaml wrong 2 'restart: {backoff_seconds: 0.1}'
expect 1 "$stator" launch wrong.yaml -- worker:1=fail:no-such-column worker:0=hang
says 'epoch 2 failed: worker:1 ended with exit code 1 in step 7: INTERNAL: no-such-column'
says 'worker:0 \(stopped\)'
says 'wrong: It failed in the same way before'
expect 0 "$stator" status wrong.yaml
says '^failed, epoch 2, .* exit code 1$'
says '^failure: worker:1 ended with exit code 1 in step 7: INTERNAL: no-such-column$'
says '^worker:0  stopped$'
says '^worker:1  exit code 1$'

# So does a crash.
make_job crash.yaml crash 2 'restart: {backoff_seconds: 0.1, max_restarts: 9}'
expect 1 "$stator" launch crash.yaml -- worker:1=signal:6 worker:0=hang
says 'crash: It failed in the same way before'
[[ $(grep -c 'crash: epoch [0-9]* failed:' log) == 2 ]] || fail "not two failures: $(cat log)"

# Kills from outside use the budget up; the caller may try again.
make_job budget.yaml budget 2 'restart: {backoff_seconds: 0.1, max_restarts: 1}'
expect 130 "$stator" launch budget.yaml -- worker:1=signal:9 worker:0=hang
says 'All 1 restarts are used up'

# Deaf tasks are killed.
make_job deaf.yaml deaf 2 'restart: {max_restarts: 0}'
expect 1 "$stator" launch deaf.yaml -- worker:0=deaf worker:0=hang worker:1=exit:5
says 'worker:1 ended with exit code 5'

# SIGTERM drains; the run directory has one launcher at a time, and none after it.
make_job drained.yaml drained 1
start_draining 1 drained.yaml -- all=step:42
expect 1 "$stator" launch drained.yaml
says "is in use by pid $launcher on host"
expect 0 "$stator" status drained.yaml
says '^running, epoch 1'
says 'step 42/100  10 steps/s  loss 0.5 .*status.json, .* s old; the coordinator at 127.0.0.1:[0-9]+ did not answer'
says 'worker:0 +training'
expect 0 "$stator" status drained.yaml --json
says '"state": "running".*"step": 42'
expect_drain
grep -q 'drained by signal' drain_log || fail "nobody told the chief: $(cat drain_log)"
expect 0 "$stator" status runs/drained
says '^drained, epoch 1, .* exit code 42$'
says '^worker:0  drained$'
expect 0 "$stator" status drained.yaml --json
says '"state": "drained".*"exit_code": 42.*"source": "file"'
expect 1 "$stator" status drained.yaml --set run_directory=nowhere
says 'no job was launched in run directory .*/nowhere'

# The launcher dies: so do the tasks, and status says so.
"$stator" launch drained.yaml -- all=hang >hang_log 2>&1 &
launcher=$!
for ((i = 0; i < 300; ++i)); do grep -qs identity hang_log && break || sleep 0.1; done
kill -KILL $launcher
wait $launcher 2>/dev/null
for ((i = 0; i < 50; ++i)); do pgrep -f "$task_program all=hang" >/dev/null || break; sleep 0.1; done
pgrep -f "$task_program all=hang" >/dev/null && fail "the task outlives its launcher"
expect 0 "$stator" status drained.yaml
says '^lost, epoch 2'

# Ctrl-C twice.
"$stator" launch drained.yaml -- all=deaf all=hang >hang_log 2>&1 &
launcher=$!
for ((i = 0; i < 300; ++i)); do grep -qs identity hang_log && break || sleep 0.1; done
kill -INT $launcher
sleep 0.3
kill -INT $launcher
wait $launcher
code=$?
[[ $code == 130 ]] || fail "exit code $code instead of 130: $(cat hang_log)"

# The wall time drains.
make_job wall.yaml wall 1 'timeouts: {wall_seconds: 0.5}'
expect 42 "$stator" launch wall.yaml -- all=drain
says 'the wall time is over'

# What would be started.
expect 0 "$stator" launch plain.yaml --dry-run
says 'engine local'
expect 0 "$stator" launch plain.yaml --dry-run --json
python3 - <<'PYTHON' || fail "the dry run is no JSON: $(cat log)"
import json
plan = json.load(open("log"))
assert [p["name"] for p in plan["processes"]] == [f"worker:{i}" for i in range(4)], plan
assert plan["processes"][2]["environment"]["STATOR_TASK"] == "worker:2"
assert plan["files"][1]["mode"] == "0600" and "content" not in plan["files"][1]
PYTHON
secret=$(cat runs/plain/secret)
grep -q "$secret" log && fail "the dry run shows the secret"

# Mistakes.
expect 2 "$stator" launch plain.yaml --set roles.worker=none
expect 2 "$stator" launch plain.yaml --engine tf_config
expect 2 "$stator" launch nowhere.yaml
says '^stator launch: nowhere.yaml: No such file or directory$'
for command in launch plan; do
  expect 2 "$stator" $command plain.yaml --set roles.worker=3 --set strategy.determinism=fixed_size
  says ': roles.worker: sums over replicas need a power of two: expected 2 or 4, found 3$'
done
expect 2 "$stator" launch plain.yaml --workers 0
says '^--workers: Value 0 not in range 1 to 1048576$'
for command in doctor plan status; do
  expect 2 "$stator" $command plain.yaml --set roles.wroker=2
  says "^stator $command: --set roles.wroker=2: roles.wroker: unknown field; did you mean worker\?"
done
expect 2 "$stator" launch plain.yaml --set program.binary=/nowhere/program
says 'cannot execute /nowhere/program in .*: No such file or directory'

# Before it runs.
expect 0 "$stator" doctor plain.yaml
says '^ok +program: '
says '^ok +ports: 5 of the 5 ports'
says '^ok +bandwidth: '
python3 -c "
import socket, time
taken = socket.create_server(('127.0.0.1', $first_port))
time.sleep(60)" &
holder=$!
for ((i = 0; i < 100; ++i)); do (: </dev/tcp/127.0.0.1/$first_port) 2>/dev/null && break || sleep 0.1; done
expect 1 "$stator" doctor plain.yaml --set network.ports=$first_port-$((first_port + 4))
says '^FAILED +ports: 4 of the 5 ports'
expect 0 "$stator" launch plain.yaml --set network.ports=$first_port-$((first_port + 4))
grep -q "coordinator=127.0.0.1:$first_port " log && fail "a port that is taken: $(cat log)"
kill $holder
mkdir empty
(PATH=$PWD/empty "$stator" doctor plain.yaml --set engine.name=slurm >log 2>&1)
says '^FAILED +engine: srun is not in PATH'
expect 1 "$stator" doctor plain.yaml --set program.binary=/nowhere/program
says '^FAILED +program: '
finish
