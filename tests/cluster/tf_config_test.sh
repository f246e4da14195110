#!/usr/bin/env bash
# Tasks that a platform starts with TF_CONFIG, RANK or JOB_COMPLETION_INDEX join the job.
. tests/cluster/cluster.sh

# join_all WORKERS: runs `start INDEX` for each, all output in `log`.
join_all() {
  local i pids=() code=0
  : >log
  for ((i = 0; i < $1; ++i)); do
    start "$i" >"log$i" 2>&1 &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || code=$?; done
  for ((i = 0; i < $1; ++i)); do cat "log$i" >>log; done
  return $code
}

make_job tf.yaml tf 4
start() {
  TF_CONFIG='{"cluster": {"worker": ["127.0.0.1:23450", "127.0.0.1:23451", "127.0.0.1:23452",
    "127.0.0.1:23453"]}, "task": {"type": "worker", "index": '"$1"'}}' "$stator" launch tf.yaml
}
join_all 4 || fail "TF_CONFIG: exit code $?: $(cat log)"
expect_identities 4
says 'coordinator=127.0.0.1:23450'
says 'TF_CONFIG'

make_job rank.yaml rank 2
start() { RANK=$1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=23460 "$stator" launch rank.yaml; }
join_all 2 || fail "RANK: exit code $?: $(cat log)"
expect_identities 2
says 'coordinator=127.0.0.1:23460'

make_job pods.yaml pods 2
start() {
  JOB_COMPLETION_INDEX=$1 STATOR_COORDINATOR=127.0.0.1:23470 "$stator" launch pods.yaml \
    --engine indexed_job
}
join_all 2 || fail "JOB_COMPLETION_INDEX: exit code $?: $(cat log)"
expect_identities 2

# The task's end is the launcher's, in the platform's words.
start() { RANK=0 WORLD_SIZE=1 "$stator" launch rank.yaml --workers 1 -- "all=$1"; }
for case in exit:3=3 exit:42=42 signal:9=137 exit:130=130; do
  start "${case%=*}" >log 2>&1
  code=$?
  [[ $code == "${case#*=}" ]] || fail "exit code $code for $case: $(cat log)"
done
finish
