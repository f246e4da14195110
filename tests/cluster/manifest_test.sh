#!/usr/bin/env bash
# What launch --emit prints, against files.
. tests/cluster/cluster.sh
here=$OLDPWD/tests/cluster
cp "$here/manifest.yaml" .
expect 0 "$stator" launch manifest.yaml --emit sbatch --set 'engine.lines=[--partition=x, --nodes=2]'
diff log "$here/digits.sbatch" || fail "another script"
expect 0 "$stator" launch manifest.yaml --emit jobset \
  --set 'engine.lines=[image=registry.example/digits:1]'
diff log "$here/digits.jobset.yaml" || fail "another manifest"
# What else launch was given is for the launchers there.
expect 0 "$stator" launch manifest.yaml --emit sbatch --workers 8 --set training.seed=7 -- --slow 'a b'
says '^#SBATCH --ntasks=9$'
says "^exec stator launch manifest.yaml --engine slurm --set=training.seed=7 --workers=8 -- --slow 'a b'$"
expect 0 "$stator" launch manifest.yaml --emit jobset --workers 8 \
  --set 'engine.lines=[image=registry.example/digits:1]' --set training.seed=7 -- --slow
says '"manifest.yaml", --engine, indexed_job, "--set=training.seed=7", "--workers=8", --, "--slow"\]$'
says 'name: STATOR_WORKERS, value: "8"'
expect 2 "$stator" launch manifest.yaml --emit jobset --set network.cidr= --set network.interface=lo \
  --set 'engine.lines=[image=registry.example/digits:1]'
says 'network.interface: the tasks of a JobSet talk between pods'
expect 2 "$stator" launch manifest.yaml --emit jobset
says 'a JobSet needs a container image'
finish
