#!/usr/bin/env python3
"""SIGTERM to the launcher or to a worker: all tasks stop after the same step, with a checkpoint of
it; the job goes on from there and ends with the weights of an undisturbed run."""

import os
import re
import signal

from faults import Failure, Test

test = Test(__doc__)
STEPS = 60
# The program says a step when its inputs are read, which goes ahead of the steps.
AHEAD = 4


def last_steps(launch, epoch):
    """The last step whose inputs each task read in an epoch."""
    current, last = {}, {}
    for _, text in list(launch.lines):
        found = re.search(r"\] task (\S+) pid \d+ epoch (\d+)$", text)
        if found:
            current[found.group(1)] = int(found.group(2))
        found = re.search(r"^\[(\S+)\] step (\d+)$", text)
        if found and current.get(found.group(1)) == epoch:
            last[found.group(1)] = int(found.group(2))
    return last


def expect_aligned(launch, workers, epoch):
    chosen = [re.search(r"draining: step (\d+) is the last$", text) for _, text in launch.lines]
    chosen = [int(found.group(1)) for found in chosen if found]
    if len(chosen) != 1:
        raise Failure(f"no last step was chosen, or several, {chosen}:\n{launch.output()}")
    step = chosen[0]
    last = last_steps(launch, epoch)
    if len(last) != workers or any(not step <= read <= step + AHEAD for read in last.values()):
        raise Failure(f"the tasks stopped elsewhere than after step {step}, {last}:\n"
                      f"{launch.output()}")
    place = os.path.join(launch.directory, "checkpoints", f"step-{step}.epoch-{epoch}", "MANIFEST")
    if not os.path.exists(place):
        raise Failure(f"there is no {place}:\n{launch.output()}")
    return step


def drained_by_launcher(workers, number):
    job = test.write_job(f"launcher-{workers}-{number.name}", workers, STEPS,
                         environment={"FAULT_STEP_MS": 20},
                         checkpoint={"every_steps": 10, "keep": 100})
    launch = test.launch(job)
    launch.await_line(rf"\[worker:0\] step {test.random.randrange(3, 45)}$", 60)
    launch.process.send_signal(number)
    launch.expect_exit(42, 60)
    step = expect_aligned(launch, workers, 1)
    again = test.launch(job)
    again.expect_exit(0, 60)
    if last_steps(again, 2).get("worker:0") != STEPS or not again.find(rf"\] step {step + 1}$"):
        raise Failure(f"it did not go on after step {step}:\n{again.output()}")
    if again.find(rf"\] step {step}$"):
        raise Failure(f"step {step} was done again:\n{again.output()}")
    test.expect_weights(again, STEPS)
    print(f"{number.name} to the launcher of {workers}: aligned at step {step}")


def drained_by_task(workers, victim, number):
    """As a platform does that takes one host away: the launcher starts all again at once."""
    name = f"task-{workers}-{victim.replace(':', '-')}-{number.name}"
    job = test.write_job(name, workers, STEPS, environment={"FAULT_STEP_MS": 20},
                         checkpoint={"every_steps": 10, "keep": 100})
    launch = test.launch(job)
    launch.await_line(rf"\[{victim}\] step {test.random.randrange(3, 45)}$", 60)
    os.kill(launch.pids()[victim], number)
    launch.expect_exit(0, 90)
    step = expect_aligned(launch, workers, 1)
    test.expect_weights(launch, STEPS)
    if last_steps(launch, 2).get("worker:0") != STEPS:
        raise Failure(f"there was no second epoch:\n{launch.output()}")
    print(f"{number.name} to {victim} of {workers}: aligned at step {step}")


def launcher():
    drained_by_launcher(2, signal.SIGTERM)


def launcher_usr1():
    drained_by_launcher(4, signal.SIGUSR1)


def worker():
    drained_by_task(2, "worker:1", signal.SIGTERM)


def chief():
    drained_by_task(2, "worker:0", signal.SIGTERM)


def worker_of_four():
    drained_by_task(4, "worker:2", signal.SIGUSR1)


test.run(*([launcher, launcher_usr1, worker, chief, worker_of_four] if test.full
           else [launcher, worker]))
