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
expect 2 "$stator" launch manifest.yaml --emit jobset
says 'a JobSet needs a container image'
finish
