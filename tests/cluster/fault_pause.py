#!/usr/bin/env python3
"""A paused task (SIGSTOP) is reported after two heartbeats and fatal after the failure timeout; the
job goes on without it. If it wakes afterwards it writes nothing and ends."""

import itertools
import os
import signal
import socket
import time

from faults import Failure, Test, fingerprint

test = Test(__doc__)
TIMEOUT = 2.0
STEPS = 60
numbers = itertools.count()


def make_job(name, workers, **sections):
    return test.write_job(name, workers, STEPS, timeouts={"failure_seconds": TIMEOUT},
                          environment={"FAULT_STEP_MS": 30}, **sections)


def paused(victim):
    launch = test.launch(make_job("paused-" + victim.replace(":", "-"), 2))
    launch.await_line(rf"\[{victim}\] step {test.random.randrange(3, 30)}$", 60)
    pid = launch.pids()[victim]
    stopped = time.time()
    os.kill(pid, signal.SIGSTOP)
    other = "worker:0" if victim == "worker:1" else "worker:1"
    if victim != "worker:0":  # whose coordinator would tell
        told, _ = launch.await_line(rf"^\[{other}\] .*{victim} has been silent for [01]\.\d s", 5,
                                    stopped)
        # Two heartbeats of 0.25 s after the last one, which was up to one before the stop.
        if not 0.2 < told - stopped < 1.5:
            raise Failure(f"its silence was reported after {told - stopped:.2f} s")
        print(f"{victim}: silence reported after {told - stopped:.2f} s")
    fatal, _ = launch.await_line(rf"^\[{other}\] {other}: UNAVAILABLE: .*{victim}.* silent", 15,
                                 stopped)
    if not TIMEOUT - 0.3 < fatal - stopped < TIMEOUT + 1.5:
        raise Failure(f"its silence was fatal after {fatal - stopped:.2f} s")
    launch.await_line(rf"epoch 1 failed: {victim} ", 20, stopped)
    again, _ = launch.await_line(r"task worker:0 pid \d+ epoch 2$", 30, stopped)
    print(f"{victim}: fatal after {fatal - stopped:.2f} s, started again after "
          f"{again - stopped:.2f} s")
    launch.expect_exit(0, 120)
    test.expect_weights(launch, STEPS)


def paused_worker():
    paused("worker:1")


def paused_chief():
    paused("worker:0")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_by_platform(job, workers, epoch):
    """Each task by a launcher of its own that joins: nobody stops what is left of an epoch."""
    port = free_port()
    return [
        test.launch(job, environment={
            "RANK": str(rank), "WORLD_SIZE": str(workers), "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port), "STATOR_EPOCH": str(epoch)})
        for rank in range(workers)]


def woken(workers, wake_during_training):
    """The chief is paused; the platform starts epoch 2 beside it."""
    name = f"woken-{workers}-{wake_during_training}-{next(numbers)}"
    job = make_job(name, workers)
    old = start_by_platform(job, workers, 1)
    # In the middle of steps and, with luck, of a checkpoint.
    old[0].await_line(rf"step {test.random.randrange(20, 24)}$", 60)
    time.sleep(test.random.uniform(0, 0.03))
    chief = old[0].pids()["worker:0"]
    os.kill(chief, signal.SIGSTOP)
    for launch in old[1:]:
        launch.expect_exit(130, 20)
    new = start_by_platform(job, workers, 2)
    if wake_during_training:
        new[0].await_line(r"step 35$", 60)
    else:
        for launch in new:
            launch.expect_exit(0, 60)
    directory = test.directory(name)
    state = os.path.join(directory, "checkpoints"), os.path.join(directory, "status.json")
    before = fingerprint(state[0]), _read(state[1])
    os.kill(chief, signal.SIGCONT)
    woke = time.time()
    while old[0].process.poll() is None:
        epoch = new[0].status().get("epoch")
        if epoch != 2:
            raise Failure(f"status.json is of epoch {epoch} after the paused chief woke")
        if time.time() - woke > 20:
            raise Failure(f"the woken chief still runs:\n{old[0].output()}")
        time.sleep(0.002)
    if old[0].process.returncode == 0:
        raise Failure(f"the woken chief says that all is well:\n{old[0].output()}")
    print(f"{name}: ended {time.time() - woke:.2f} s after it woke, with exit code "
          f"{old[0].process.returncode}")
    for launch in new:
        launch.expect_exit(0, 60)
    if not wake_during_training and before != (fingerprint(state[0]), _read(state[1])):
        raise Failure("the woken chief changed the checkpoints or the status")
    left = [f for f in os.listdir(state[0]) if f.endswith("epoch-1") and
            int(f.split(".")[0].split("-")[-1]) > 20]
    if left:
        raise Failure(f"checkpoints of the old epoch: {left}")
    test.expect_weights(new[0], STEPS)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def woken_after_the_end():
    woken(2, False)


def woken_alone_after_the_end():
    woken(1, False)


def woken_during_training():
    woken(2, True)


def woken_alone_during_training():
    woken(1, True)


cases = [paused_worker, woken_after_the_end, woken_alone_during_training]
if test.full:
    cases += [paused_chief, woken_during_training, woken_alone_after_the_end] + cases[1:] * 3
test.run(*cases)
