# Sourced: Slurm with four nodes of two CPUs on this host, without MUNGE, cgroups or systemd.
# shellcheck shell=bash

# start_slurm FIRST_PORT: sets SLURM_CONF and waits until all nodes are idle.
start_slurm() {
  local directory port=$1 host user i
  # Its sockets have this path before their names, and 107 bytes for all.
  directory=$(mktemp -d /tmp/stator-slurm.XXXXXX)
  host=$(hostname) user=$(id -un)
  mkdir -p "$directory"/state "$directory"/spool.n{1,2,3,4}
  cat >"$directory/slurm.conf" <<CONFIG
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
StateSaveLocation=$directory/state
SlurmdSpoolDir=$directory/spool.%n
SlurmctldPidFile=$directory/ctld.pid
SlurmdPidFile=$directory/slurmd.%n.pid
SlurmctldLogFile=$directory/ctld.log
SlurmdLogFile=$directory/slurmd.%n.log
NodeName=n[1-4] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 4))] CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONFIG
  export SLURM_CONF=$directory/slurm.conf
  slurm_pids=()
  /usr/sbin/slurmctld -D >"$directory/ctld.out" 2>&1 &
  slurm_pids+=($!)
  for i in 1 2 3 4; do
    /usr/sbin/slurmd -D -N n$i >"$directory/slurmd.n$i.out" 2>&1 &
    slurm_pids+=($!)
  done
  for ((i = 0; i < 300; ++i)); do
    [[ $(sinfo --noheader --Node --format=%T 2>/dev/null | grep -c '^idle$') == 4 ]] && return 0
    sleep 0.1
  done
  tail -5 "$directory"/*.log "$directory"/*.out >&2
  return 1
}

stop_slurm() {
  scancel --user="$(id -un)" 2>/dev/null
  sleep 0.2
  kill "${slurm_pids[@]}" 2>/dev/null
  wait "${slurm_pids[@]}" 2>/dev/null
  [[ -z ${SLURM_CONF:-} ]] || rm -rf "$(dirname "$SLURM_CONF")"
}
