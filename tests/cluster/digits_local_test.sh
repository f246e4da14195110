#!/usr/bin/env bash
# One job file, one result: as one process, on two devices, with one, two and four workers.
. tests/cluster/cluster.sh
draw_digits=$OLDPWD/$3
. "$OLDPWD/tests/cluster/digits.sh"

digits_job one.yaml one 1
expect 0 "$task_program" --job one.yaml
expect_weights 'one process'

digits_job two_devices.yaml two_devices 1 'strategy: {devices: 2, virtual_replicas: 4}'
expect 0 "$stator" launch two_devices.yaml
expect_weights 'mirrored on two devices'

for workers in 1 2 4; do
  digits_job workers.yaml "workers$workers" $workers
  expect 0 "$stator" launch workers.yaml
  expect_weights "$workers workers"
  says 'step 20  test loss'
  [[ $(tail -1 log) == weights* ]] || fail "the last line is not the weights: $(tail -1 log)"
done

expect 0 "$stator" status workers.yaml
says '^done, epoch 1, .* exit code 0$'
says '^step 20/20 '
says '^worker:3  done$'
expect 0 "$stator" plan workers.yaml
says 'worker:3'
says 'computes  shard 3 of 4, 32 examples'
says 'bytes a step'

# Buckets of any size; other devices per task; TCP instead of shared memory.
digits_job small.yaml small 2 'strategy: {virtual_replicas: 4, bucket_bytes: 10000}'
expect 0 "$stator" launch small.yaml
expect_weights 'small buckets'
digits_job grid.yaml grid 2 'strategy: {devices: 2, virtual_replicas: 4}'
STATOR_DATA_TRANSPORT=tcp expect 0 "$stator" launch grid.yaml
expect_weights 'two workers with two devices each, over TCP'

# A metric that the program does not have is the chief's error, before the first step.
digits_job best.yaml best 2 'checkpoint: {best: max:test acuracy}' 'restart: {backoff_seconds: 0.1}'
for command in launch plan; do
  expect 1 "$stator" $command best.yaml
  says 'checkpoint.best: expected one of loss, accuracy, test loss, test accuracy, or max: before it'
  says 'found "max:test acuracy"'
  grep -q 'step [1-9]' log && fail "a step was made: $(cat log)"
done
digits_job best.yaml best 2 'checkpoint: {best: max:test accuracy}'
expect 0 "$stator" launch best.yaml
expect_weights 'the best checkpoint kept'

# Beside the training, on what it saves.
digits_job watched.yaml watched 1 'checkpoint: {every_steps: 10}'
sed -i 's/^roles:.*/roles: {worker: 1, evaluator: 1}/' watched.yaml
expect 0 "$stator" launch watched.yaml
expect_weights 'with an evaluator'
says '^\[evaluator:0\] step 20  test loss'
# While it runs, the coordinator answers, whether or not the run directory is here.
digits_job live.yaml live 2
sed -i 's/steps: 20/steps: 1000000/' live.yaml
"$stator" launch live.yaml >live_log 2>&1 &
launcher=$!
for ((i = 0; i < 300; ++i)); do
  rm -f runs/live/status.json
  timeout 10 "$stator" status live.yaml >log 2>&1
  grep -qE 'worker:1 +train +[1-9]' log && break
  sleep 0.2
done
says '^running, epoch 1'
says '^step [0-9]+/1000000 .*asked the coordinator at 127.0.0.1:[0-9]+'
says '^worker:1 +train +[1-9]'
kill -TERM $launcher
wait $launcher
code=$?
[[ $code == 42 ]] || fail "exit code $code instead of 42: $(cat live_log)"
expect 0 "$stator" status live.yaml
says '^drained, epoch 1, .* exit code 42$'
last=$(grep -oE 'step [0-9]+ is the last' live_log | grep -oE '[0-9]+')
says "^step $last/1000000 .*checkpoint $last "
says '^worker:1  drained$'
finish
