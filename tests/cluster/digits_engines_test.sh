#!/usr/bin/env bash
# The repository's examples/jobs/digits.yaml, as it is, with switches only: the same weights under local
# processes, Slurm, Open MPI, TF_CONFIG and ssh. With --full all of its epoch, on several shapes of job.
. tests/cluster/cluster.sh
here=$OLDPWD
draw_digits=$here/$3
full=${4:-}
[[ -z $full ]] || limit=300
. "$here/tests/cluster/digits.sh"
. "$here/tests/cluster/slurm.sh"
. "$here/tests/cluster/sshd.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# The root of a clone, as the file has it.
job=examples/jobs/digits.yaml
ln -s "$here/examples" examples
ln -s "$here" bazel-bin
short=()
if [[ -z $full ]]; then
  "$draw_digits" "$PWD/digits" 2560 500 || fail "draw_digits"
  short=(--set "data.directory=$PWD/digits" --set training.epochs=0 --set training.steps=20)
fi

# prepare: `command` launches the job in a run directory, and with ports, that no other has.
prepare() {
  first_port=${first_port:-$((21000 + $$ % 400 * 20))}
  command=("$stator" launch "$job" "${short[@]}" --set "run_directory=$PWD/runs/$first_port"
    --set "network.ports=$first_port-$((first_port + 19))")
  first_port=$((first_port + 20))
  started=$EPOCHREALTIME
}

# expect_same WHAT
expect_same() {
  expect_weights "$1"
  awk -v name="$1" -v from="$started" -v to="$EPOCHREALTIME" \
    'BEGIN { printf "%s: %.1f s\n", name, to - from }'
}

# launch WHAT SWITCH...
launch() {
  local what=$1
  shift
  prepare
  expect 0 "${command[@]}" "$@"
  expect_same "$what"
}

# started_by WHAT COMMAND...: a launcher for each task.
started_by() {
  local what=$1
  shift
  prepare
  expect 0 "$@" "${command[@]}"
  expect_same "$what"
}

# has ENGINE PROGRAM...
has() {
  local engine=$1 program
  shift
  for program; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null && continue
    skip_part "$engine" "$program is not installed"
    return 1
  done
}

launch 'the file as it is'
if [[ -n $full ]]; then
  launch 'one worker' --workers 1
  launch 'mirrored on two devices' --workers 1 --set strategy.kind=mirrored --set strategy.devices=2
  launch 'two workers with two devices each' --set strategy.devices=2
  launch 'four workers' --workers 4
  expect 0 "$stator" plan "$job" --workers 4
  says 'worker:3'
  says 'bytes a step'
fi

if has Slurm slurmctld slurmd srun; then
  cleanups+=(stop_slurm)
  if start_slurm $((17800 + $$ % 200 * 5)); then
    launch 'four nodes of Slurm' --workers 4 --engine slurm --set 'engine.lines=[--nodes=4]'
    started_by 'started by srun' srun --nodes=2 --ntasks=2
  else
    fail "Slurm does not start"
  fi
fi

if has 'Open MPI' mpirun; then
  launch 'mpirun' --engine mpi --set 'engine.lines=[--oversubscribe]'
  started_by 'started by mpirun' mpirun --oversubscribe -n 2 -x STATOR_COORDINATOR=127.0.0.1:23490
fi

prepare
for i in 0 1; do
  TF_CONFIG='{"cluster": {"worker": ["127.0.0.1:23450", "127.0.0.1:23451"]},
    "task": {"type": "worker", "index": '$i'}}' timeout "$limit" "${command[@]}" --engine tf_config \
    >"tf$i.log" 2>&1 &
  pids[i]=$!
done
for i in 0 1; do wait "${pids[i]}" || fail "TF_CONFIG, worker $i: $(cat "tf$i.log")"; done
cp tf0.log log
expect_same TF_CONFIG

if has ssh sshd ssh; then
  cleanups+=(stop_sshd)
  if start_sshd "$PWD/sshd" $((20000 + $$ % 900)); then
    launch ssh --engine ssh --set 'hosts=[localhost, 127.0.0.1]' \
      --set "engine.lines=[-F, $PWD/sshd/ssh_config]"
  else
    fail "sshd does not start"
  fi
fi
finish
