#!/usr/bin/env bash
# Slurm: launch starts srun, inside an allocation or without one, or is started by it.
. tests/cluster/cluster.sh
here=$OLDPWD
need slurmctld slurmctld
need slurmd slurmd
need srun slurm-client
[[ -x /usr/sbin/slurmstepd ]] || skip "no slurmstepd: package slurmd is not installed"
. "$here/tests/cluster/slurm.sh"

cleanups+=(stop_slurm)
start_slurm $((17800 + $$ % 200 * 5)) || skip "Slurm does not start here"
make_job slurm.yaml slurm 4 'engine: {name: slurm, lines: [--nodes=4]}' 'restart: {backoff_seconds: 0.1}'

# Without an allocation.
expect 0 "$stator" launch slurm.yaml
expect_identities 4
says 'engine slurm'
says 'local_tasks=1'
says 'coordinator=127.0.0.1:'

# One rank dies: the others tell, launch starts again.
expect 0 "$stator" launch slurm.yaml -- worker:1@2=signal:9 worker:0@2=sleep:200 \
  worker:0@2=peer:worker:1 worker:2@2=sleep:200 worker:2@2=peer:worker:1 worker:3@2=sleep:200 \
  worker:3@2=peer:worker:1
says 'slurm: epoch 2 failed: worker:1 was killed by signal 9'
says 'ended because of it: worker:0 \(exit code 130\), worker:2'
says 'worker:3\] identity .* epoch=3'

# Started by srun: each task joins, with no launcher above.
make_job step.yaml step 8
expect 0 srun --nodes=4 --ntasks=8 "$stator" launch step.yaml
expect_identities 8
says 'a Slurm step'
says 'local_tasks=2'

# In a batch script, made from the job: it drives, although it sees SLURM_PROCID.
make_job batch.yaml batch 4 'engine: {lines: [--nodes=4]}'
expect 0 "$stator" launch batch.yaml --emit sbatch
sed -i "s#^exec stator#exec $stator#; s#launch batch.yaml#launch $PWD/batch.yaml#" log
cp log batch.sh
expect 0 sbatch --wait --output="$PWD/batch.log" batch.sh
cp batch.log log
expect_identities 4
says 'engine slurm'

# A drain goes through srun.
start_draining 4 slurm.yaml --
expect_drain
finish
