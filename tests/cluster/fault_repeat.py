#!/usr/bin/env python3
"""A task that fails twice in the same way stops the job: one clear report, exit code 1."""

import re

from faults import Failure, Test

test = Test(__doc__)


def fails_again(victim):
    name = "repeat-" + victim.replace(":", "-")
    job = test.write_job(name, 2, 60,
                         environment={"FAULT_STEP_MS": 5, "FAULT_FAIL": f"{victim}@25"})
    launch = test.launch(job)
    launch.expect_exit(1, 90)
    text = launch.output()
    report = (rf"{name}: epoch (\d) failed: {victim} ended with exit code 1 in step 25: "
              r"INVALID_ARGUMENT: the examples of step 25 cannot be read: as the test wants it")
    if re.findall(report, text) != ["1", "2"]:
        raise Failure(f"not one report for each of two epochs:\n{text}")
    if text.count("It failed in the same way before") != 1:
        raise Failure(f"not one reason to stop:\n{text}")
    other = "worker:0" if victim == "worker:1" else "worker:1"
    if len(re.findall(rf"ended because of it: {other} \(", text)) != 2:
        raise Failure(f"{other} is not told of as ended because of it:\n{text}")
    steps = [int(step) for step in re.findall(rf"\[{victim}\] step (\d+)$", text, re.MULTILINE)]
    # Inputs are read ahead of the steps: a few after the one that cannot be read may have been.
    second = steps.index(21, 21) if 21 in steps[21:] else len(steps)
    for first, run in ((1, steps[:second]), (21, steps[second:])):
        if run != list(range(first, first + len(run))) or not 25 <= first + len(run) - 1 <= 29:
            raise Failure(f"steps {steps} instead of 1 to 25, and from the checkpoint 21 to 25")


def a_worker():
    fails_again("worker:1")


def the_chief():
    fails_again("worker:0")


test.run(*([a_worker, the_chief] if test.full else [a_worker]))
