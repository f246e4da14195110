#!/usr/bin/env bash
# Open MPI: launch starts mpirun, or is started by it.
. tests/cluster/cluster.sh
need mpirun openmpi-bin

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
make_job mpi.yaml mpi 4 'engine: {name: mpi, lines: [--oversubscribe]}' 'restart: {backoff_seconds: 0.1}'

expect 0 "$stator" launch mpi.yaml
expect_identities 4
says 'engine mpi'
says 'local_tasks=4'

expect 0 mpirun --oversubscribe -n 4 -x STATOR_COORDINATOR=127.0.0.1:23480 "$stator" launch mpi.yaml
expect_identities 4
says 'coordinator=127.0.0.1:23480'

# One rank dies: mpirun takes the others along, launch names the one and starts again.
expect 0 "$stator" launch mpi.yaml -- worker:2@2=signal:9 worker:0@2=hang worker:1@2=hang worker:3@2=hang
says 'mpi: epoch 2 failed: worker:2 was killed by signal 9'
says 'worker:2\] identity .* epoch=3'

# Drained through mpirun.
start_draining 4 mpi.yaml --
expect_drain
finish
