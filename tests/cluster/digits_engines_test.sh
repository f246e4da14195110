#!/usr/bin/env bash
# The same job under Slurm, Open MPI, TF_CONFIG and ssh ends in the weights of local processes.
. tests/cluster/cluster.sh
here=$OLDPWD
draw_digits=$here/$3
. "$here/tests/cluster/digits.sh"
. "$here/tests/cluster/slurm.sh"
. "$here/tests/cluster/sshd.sh"

digits_job local.yaml local 2
expect 0 "$stator" launch local.yaml
expect_weights 'two local processes'

# has PROGRAM ENGINE
has() {
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null && return 0
  echo "not tried: $2 ($1 is not installed)"
  return 1
}

if has slurmctld Slurm && has slurmd Slurm && has srun Slurm; then
  cleanups+=(stop_slurm)
  if start_slurm $((17800 + $$ % 200 * 5)); then
    digits_job slurm.yaml slurm 4 'engine: {name: slurm, lines: [--nodes=4]}'
    expect 0 "$stator" launch slurm.yaml
    expect_weights 'four nodes of Slurm'
  else
    fail "Slurm does not start"
  fi
fi

if has mpirun 'Open MPI'; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  digits_job mpi.yaml mpi 2 'engine: {name: mpi, lines: [--oversubscribe]}'
  expect 0 "$stator" launch mpi.yaml
  expect_weights 'mpirun'
  digits_job under_mpi.yaml under_mpi 2
  expect 0 mpirun --oversubscribe -n 2 -x STATOR_COORDINATOR=127.0.0.1:23490 "$stator" launch \
    under_mpi.yaml
  expect_weights 'started by mpirun'
fi

digits_job tf.yaml tf 2
for i in 0 1; do
  TF_CONFIG='{"cluster": {"worker": ["127.0.0.1:23450", "127.0.0.1:23451"]},
    "task": {"type": "worker", "index": '$i'}}' timeout 100 "$stator" launch tf.yaml >"tf$i.log" 2>&1 &
  pids[i]=$!
done
for i in 0 1; do wait "${pids[i]}" || fail "TF_CONFIG, worker $i: $(cat "tf$i.log")"; done
cp tf0.log log
expect_weights TF_CONFIG

if has sshd ssh && has ssh ssh; then
  cleanups+=(stop_sshd)
  if start_sshd "$PWD/sshd" $((20000 + $$ % 900)); then
    digits_job ssh.yaml ssh 2 'hosts: [localhost, 127.0.0.1]' \
      "engine: {name: ssh, lines: [-F, $PWD/sshd/ssh_config]}"
    expect 0 "$stator" launch ssh.yaml
    expect_weights ssh
  else
    fail "sshd does not start"
  fi
fi
finish
