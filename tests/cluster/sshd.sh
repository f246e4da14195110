# Sourced: an ssh server on loopback with keys of its own.
# shellcheck shell=bash

# start_sshd DIRECTORY PORT [COMMAND...]: writes DIRECTORY/ssh_config, with which `ssh -F` needs no
# question. The server is started by COMMAND, if there is one.
start_sshd() {
  local directory=$1 port=$2 i
  shift 2
  mkdir -p "$directory" && chmod 700 "$directory"
  ssh-keygen -q -t ed25519 -N '' -f "$directory/host_key"
  ssh-keygen -q -t ed25519 -N '' -f "$directory/user_key"
  cp "$directory/user_key.pub" "$directory/authorized_keys"
  [[ $(id -u) != 0 ]] || mkdir -p /run/sshd  # where Debian's server wants to lock itself in
  cat >"$directory/sshd_config" <<CONFIG
Port $port
ListenAddress 127.0.0.1
HostKey $directory/host_key
AuthorizedKeysFile $directory/authorized_keys
PidFile $directory/sshd.pid
PasswordAuthentication no
UsePAM no
StrictModes no
PermitRootLogin yes
CONFIG
  cat >"$directory/ssh_config" <<CONFIG
Host *
  Port $port
  IdentityFile $directory/user_key
  IdentitiesOnly yes
  UserKnownHostsFile $directory/known_hosts
  LogLevel ERROR
CONFIG
  echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$directory/host_key.pub")" >"$directory/known_hosts"
  echo "[localhost]:$port $(cut -d' ' -f1,2 "$directory/host_key.pub")" >>"$directory/known_hosts"
  "$@" /usr/sbin/sshd -f "$directory/sshd_config" -E "$directory/sshd.log" || return 1
  sshd_pid_file=$directory/sshd.pid
  for ((i = 0; i < 50; ++i)); do [[ -s $sshd_pid_file ]] && return 0 || sleep 0.1; done
  cat "$directory/sshd.log" >&2
  return 1
}

stop_sshd() { [[ ! -s ${sshd_pid_file:-} ]] || kill "$(cat "$sshd_pid_file")"; }
