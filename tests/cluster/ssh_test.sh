#!/usr/bin/env bash
# Tasks on other hosts by ssh: localhost and 127.0.0.1 play two.
. tests/cluster/cluster.sh
here=$OLDPWD
need sshd openssh-server
need ssh openssh-client
. "$here/tests/cluster/sshd.sh"

cleanups+=(stop_sshd)
port=$((20000 + $$ % 900))
start_sshd "$PWD/sshd" "$port" || skip "sshd does not start here: $(tail -1 sshd/sshd.log)"
make_job ssh.yaml ssh 4 'hosts: [localhost, 127.0.0.1]' 'restart: {backoff_seconds: 0.1}' \
  "engine: {name: ssh, lines: [-F, $PWD/sshd/ssh_config]}"

expect 0 "$stator" doctor ssh.yaml
says '^ok +host localhost: reached by ssh'
says '^ok +host 127.0.0.1: run directory: shared'
says '^ok +host 127.0.0.1: bandwidth: '

expect 0 "$stator" launch ssh.yaml -- "worker:3=print:it's quoted"
expect_identities 4
says 'local_tasks=2'
says "it's quoted"

# Exit codes and signals come through.
expect 0 "$stator" launch ssh.yaml -- worker:1@2=signal:9 worker:0@2=hang worker:2@2=hang worker:3@2=hang
says 'ssh: epoch 2 failed: worker:1 ended with exit code 137'
says 'worker:1\] identity .* epoch=3'

# Nothing is left on the hosts.
for ((i = 0; i < 50; ++i)); do pgrep -f "$task_program worker:1@2" >/dev/null || break; sleep 0.1; done
pgrep -f "$task_program worker:1@2" >/dev/null && fail "tasks of epoch 2 still run"

start_draining 4 ssh.yaml --
kill -KILL $launcher # the connections end with it, and so do the tasks
wait $launcher 2>/dev/null
for ((i = 0; i < 50; ++i)); do pgrep -f "$task_program all=drain" >/dev/null || break; sleep 0.1; done
pgrep -f "$task_program all=drain" >/dev/null && fail "tasks outlive the launcher"

start_draining 1 ssh.yaml --workers 1 --
expect_drain

# A host that does not share the folders: what a task needs comes along, its own key among it.
mkdir -p apart/runs
apart=(unshare --mount sh -c "mount -t tmpfs none '$PWD/apart/runs' && exec \"\$@\"" apart)
if "${apart[@]}" true 2>/dev/null && stop_sshd && start_sshd "$PWD/sshd2" $((port + 1)) "${apart[@]}"; then
  make_job apart.yaml apart 2 'hosts: [127.0.0.1]' 'checkpoint: {gather: chief}' \
    'security: {mode: mtls}' "engine: {name: ssh, lines: [-F, $PWD/sshd2/ssh_config]}"
  sed -i "s|^run_directory:.*|run_directory: $PWD/apart/runs/here|" apart.yaml
  expect 0 "$stator" launch apart.yaml -- all=files
  expect_identities 2
  for i in 0 1; do says "worker:$i\] files secret=600 job=644 authority=644 key=600"; done
  expect 0 "$stator" doctor apart.yaml
  says '^ok +host 127.0.0.1: run directory: another folder there'
  expect 1 "$stator" doctor apart.yaml --set checkpoint.gather=shared
  says '^FAILED +host 127.0.0.1: run directory'
  expect 1 "$stator" doctor apart.yaml --set hosts=[127.0.0.1,127.0.0.2]
  says '^FAILED +host 127.0.0.2: '
else
  skip_part 'a host that shares no folder' 'needs root'
fi
finish
