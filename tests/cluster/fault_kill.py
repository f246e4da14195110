#!/usr/bin/env python3
"""kill -9 of random workers at random steps: survivors name the dead task in under a second, the job
goes on by itself and ends with the weights of an undisturbed run."""

import os
import re
import signal
import statistics
import time

from faults import Failure, Test

test = Test(__doc__, extra=["digits"])


def kill_often(name, workers, kills, environment):
    steps = 12 * kills + 20
    job = test.write_job(name, workers, steps, environment={"FAULT_STEP_MS": 20})
    launch = test.launch(job, environment=environment)
    # Each task in turn, in random order; so the chief is among them.
    victims = [f"worker:{i % workers}" for i in range(kills)]
    test.random.shuffle(victims)
    named, resumed = [], []
    since = 0.0
    for number, victim in enumerate(victims):
        epoch = number + 1
        since, _ = launch.await_line(rf"task {victim} pid \d+ epoch {epoch}$", 60, since)
        first = int(launch.await_line(r"\] step (\d+)$", 60, since)[1].group(1))
        at = first + test.random.randrange(1, 15)
        launch.await_line(rf"\[{victim}\] step {at}$", 60, since)
        time.sleep(test.random.uniform(0, 0.03))
        pid = launch.pids().get(victim)
        if pid is None:
            raise Failure(f"{victim} is not there in epoch {epoch}:\n{launch.output()}")
        killed = time.time()
        os.kill(pid, signal.SIGKILL)
        for i in range(workers):
            survivor = f"worker:{i}"
            if survivor == victim:
                continue
            when, _ = launch.await_line(
                rf"^\[{survivor}\] {survivor}: [A-Z_]+: .*\b{victim}\b", 10, killed)
            named.append(when - killed)
        failed, _ = launch.await_line(rf"epoch {epoch} failed: {victim} was killed by signal 9", 20,
                                      killed)
        launch.await_line(rf"task {victim} pid \d+ epoch {epoch + 1}$", 30, killed)
        when, step = launch.await_line(r"\] step (\d+)$", 60, killed + 0.2)
        while not re.search(rf"epoch {epoch + 1}$", _epoch_before(launch, when)):
            when, step = launch.await_line(r"\] step (\d+)$", 60, when + 1e-6)
        resumed.append(when - killed)
        last = _last_step_before(launch, failed)
        if int(step.group(1)) > last + 1:
            raise Failure(f"killed in step {last}, resumed in step {step.group(1)}")
        since = killed
    launch.expect_exit(0, 120)
    test.expect_weights(launch, steps)
    print(f"{name}: {kills} kills of {workers} workers: the survivors' error after "
          f"{statistics.median(named):.3f} s (median), {max(named):.3f} s (most); next step after "
          f"{statistics.median(resumed):.2f} s, {max(resumed):.2f} s")
    if max(named) >= 1:
        raise Failure(f"a survivor needed {max(named):.2f} s to name the dead task")


def _epoch_before(launch, when):
    """The last `task` line before `when`."""
    last = ""
    for at, text in list(launch.lines):
        if at >= when:
            break
        if re.search(r"\] task worker:\d+ pid", text):
            last = text
    return last


def _last_step_before(launch, when):
    """The last step that a task began before `when`."""
    steps = [re.search(r"\] step (\d+)$", text) for at, text in list(launch.lines) if at < when]
    return max(int(step.group(1)) for step in steps if step)


def shared_memory():
    kill_often("kill-memory", 4 if test.full else 2, 10 if test.full else 2, {})


def sockets():
    kill_often("kill-sockets", 2, 10 if test.full else 1, {"STATOR_DATA_TRANSPORT": "tcp"})


def digits():
    """The example: its steps are seen in status.json, which is up to half a second old."""
    kills, workers = 4, 2
    sections = {"program": {"binary": test.extra["digits"], "args": ["--quiet"]},
                "checkpoint": {"every_steps": 20}}
    training = {"steps": 800, "global_batch": 32}
    plain = test.launch(test.write_job("digits", 1, 0, training=training, **sections))
    plain.expect_exit(0, 200)
    launch = test.launch(test.write_job("digits-killed", workers, 0, training=training, **sections))
    named, resumed = [], []

    def await_step(epoch):
        end = time.time() + 60
        while launch.status().get("epoch") != epoch or launch.status().get("step", 0) < 1:
            if time.time() > end or launch.process.poll() is not None:
                raise Failure(f"no step in epoch {epoch}:\n{launch.output()}")
            time.sleep(0.02)
        return time.time()

    for epoch in range(1, kills + 1):
        began = await_step(epoch)
        if epoch > 1:
            resumed.append(began - killed)
        time.sleep(test.random.uniform(0, 1))
        victim = f"worker:{(epoch - 1) % workers}"
        pid = launch.pids()[victim]
        killed = time.time()
        os.kill(pid, signal.SIGKILL)
        survivor = f"worker:{epoch % workers}"
        when, _ = launch.await_line(rf"^\[{survivor}\] {survivor}: [A-Z_]+: .*\b{victim}\b", 10,
                                    killed)
        named.append(when - killed)
    launch.expect_exit(0, 200)
    if launch.weights() != plain.weights():
        raise Failure(f"weights {launch.weights()} instead of {plain.weights()}")
    print(f"digits: {kills} kills of {workers} workers: the survivor's error after "
          f"{statistics.median(named):.3f} s (median), {max(named):.3f} s (most); next step after "
          f"{statistics.median(resumed):.1f} s, {max(resumed):.1f} s")
    if max(named) >= 1:
        raise Failure(f"a survivor needed {max(named):.2f} s to name the dead task")


test.run(*([shared_memory, sockets, digits] if test.full else [shared_memory, sockets]))
