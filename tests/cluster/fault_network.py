#!/usr/bin/env python3
"""Two hosts, made of network namespaces with a link between them: TLS over TCP. The link is slow, or
down for a while, or for long: the weights of an undisturbed run, if need be after a restart."""

import atexit
import itertools
import os
import stat
import subprocess
import time

from faults import Failure, Skipped, Test, skip

test = Test(__doc__)
STEPS = 60
numbers = itertools.count()
TIMEOUT = 3.0
TAG = f"sf{os.getpid() % 100000}"
HOSTS = TAG + "a", TAG + "b"
NETWORK = f"10.213.{os.getpid() % 250}"


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
    return done


def link(state):
    run("ip", "-n", HOSTS[0], "link", "set", HOSTS[0], state)


def make_hosts():
    if os.geteuid() != 0:
        skip("network namespaces need root")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in "ip", "tc", "nsenter":
        if run("which", program, check=False).returncode != 0:
            skip(f"no {program}: package iproute2 or util-linux is not installed")
    made = run("ip", "netns", "add", HOSTS[0], check=False)
    if made.returncode != 0:
        skip(f"no network namespaces: {made.stderr.strip()}")
    atexit.register(lambda: [run("ip", "netns", "del", host, check=False) for host in HOSTS])
    run("ip", "netns", "add", HOSTS[1])
    made = run("ip", "-n", HOSTS[0], "link", "add", HOSTS[0], "type", "veth", "peer", "name",
               HOSTS[1], "netns", HOSTS[1], check=False)
    if made.returncode != 0:
        skip(f"no links between network namespaces: {made.stderr.strip()}")
    for i, host in enumerate(HOSTS):
        run("ip", "-n", host, "address", "add", f"{NETWORK}.{i + 1}/24", "dev", host)
        run("ip", "-n", host, "link", "set", host, "up")
        run("ip", "-n", host, "link", "set", "lo", "up")


def program():
    """worker:1 runs on the second host, the rest where the launcher is."""
    path = os.path.join(test.folder, "on_its_host")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n[ \"$STATOR_TASK\" = worker:1 ] && "
                   f"exec nsenter --net=/run/netns/{HOSTS[1]} {test.program} \"$@\"\n"
                   f"exec {test.program} \"$@\"\n")
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return path


def launch(name, step_ms):
    name = f"{name}-{next(numbers)}"  # a case may run again
    job = test.write_job(name, 2, STEPS, program={"binary": program()},
                         network={"cidr": f"{NETWORK}.0/24"},
                         timeouts={"failure_seconds": TIMEOUT},
                         environment={"FAULT_STEP_MS": step_ms})
    return test.launch(job, command=["ip", "netns", "exec", HOSTS[0]])


def expect_undisturbed(started):
    started.expect_exit(0, 120)
    if started.find(r"epoch \d+ failed"):
        raise Failure(f"it failed:\n{started.output()}")
    test.expect_weights(started, STEPS)


def healthy():
    expect_undisturbed(launch("healthy", 0))


def short_outage():
    started = launch("short-outage", 30)
    started.await_line(rf"\[worker:1\] step {test.random.randrange(5, 30)}$", 60)
    link("down")
    time.sleep(1)
    link("up")
    expect_undisturbed(started)


def long_outage():
    started = launch("long-outage", 30)
    started.await_line(rf"\[worker:1\] step {test.random.randrange(5, 30)}$", 60)
    down = time.time()
    link("down")
    for task, peer in ("worker:0", "worker:1"), ("worker:1", "worker:0"):
        when, _ = started.await_line(rf"^\[{task}\] {task}: UNAVAILABLE: .*{peer}", 20, down)
        print(f"link down: {task} names {peer} after {when - down:.2f} s")
        if when - down > TIMEOUT + 1.5:
            raise Failure(f"{task} took {when - down:.2f} s to name {peer}")
    started.await_line(r"task worker:1 pid \d+ epoch 2$", 30, down)
    time.sleep(1)
    link("up")
    up = time.time()
    when, _ = started.await_line(r"\[worker:1\] step \d+$", 60, up)
    print(f"link up again: the next step after {when - up:.2f} s")
    started.expect_exit(0, 120)
    test.expect_weights(started, STEPS)


def slow_link():
    limit = ("tbf", "rate", "512kbit", "burst", "4kb", "latency", "500ms")
    limited = run("tc", "-n", HOSTS[0], "qdisc", "add", "dev", HOSTS[0], "root", *limit,
                  check=False)
    if limited.returncode != 0:
        raise Skipped(limited.stderr.strip())
    run("tc", "-n", HOSTS[1], "qdisc", "add", "dev", HOSTS[1], "root", *limit)
    try:
        expect_undisturbed(launch("slow-link", 0))
    finally:
        for host in HOSTS:
            run("tc", "-n", host, "qdisc", "del", "dev", host, "root", check=False)


make_hosts()
cases = [healthy, long_outage, short_outage, slow_link]
test.run(*(cases + cases[1:] * 2 if test.full else cases))
