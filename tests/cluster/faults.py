"""Jobs that something happens to: started with `stator launch`, watched line by line.

Tests are programs of the arguments LAUNCHER TASK_PROGRAM [FILES] [--full]; see Test.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET


class Failure(Exception):
    """What a test found."""


class Skipped(Exception):
    """Why a case cannot run here."""


class Launch:
    """A running `stator launch`, or one task of a job that is started by hand."""

    def __init__(self, command, directory, environment=None):
        self.directory = directory  # the run directory
        self.lines = []  # (time.time(), text)
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append((time.time(), line.rstrip("\n")))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def output(self):
        return "\n".join(text for _, text in list(self.lines))

    def find(self, pattern, after=0.0):
        """The first line like `pattern` since time `after`: (time, match) or None."""
        for when, text in list(self.lines):
            if when >= after:
                found = re.search(pattern, text)
                if found:
                    return when, found
        return None

    def await_line(self, pattern, timeout, after=0.0):
        end = time.time() + timeout
        with self._changed:
            while True:
                found = self.find(pattern, after)
                if found:
                    return found
                left = end - time.time()
                if left <= 0 or not self._reader.is_alive():
                    raise Failure(f"no line '{pattern}' within {timeout} s in:\n{self.output()}")
                self._changed.wait(min(left, 0.5))

    def wait(self, timeout):
        """The exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"it still runs after {timeout} s:\n{self.output()}") from None
        self._reader.join(5)
        return code

    def expect_exit(self, code, timeout):
        got = self.wait(timeout)
        if got != code:
            raise Failure(f"exit code {got} instead of {code}:\n{self.output()}")

    def weights(self):
        found = None
        for _, text in list(self.lines):
            found = re.search(r"weights (sha256:[0-9a-f]{64})", text) or found
        if found is None:
            raise Failure(f"no weights in:\n{self.output()}")
        return found.group(1)

    def pids(self):
        """Task to pid, of the processes that run now."""
        tasks = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                if parent != self.process.pid:
                    continue
                with open(f"/proc/{entry}/environ", "rb") as file:
                    variables = file.read().split(b"\0")
            except (OSError, IndexError, ValueError):
                continue
            for variable in variables:
                if variable.startswith(b"STATOR_TASK="):
                    tasks[variable[12:].decode()] = int(entry)
        return tasks

    def status(self):
        """The run directory's status.json; {} if there is none."""
        try:
            with open(os.path.join(self.directory, "status.json"), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def kill(self):
        if self.process.poll() is None:
            for pid in self.pids().values():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.kill()
        self.process.wait()


def fingerprint(folder):
    """Of the names and bytes below a folder."""
    digest = hashlib.sha256()
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            with open(os.path.join(path, name), "rb") as file:
                digest.update(f"{os.path.join(path, name)}\0".encode() + file.read())
    return digest.hexdigest()


class Test:
    """One test program: its arguments, a folder of its own, and the jobs in it."""

    def __init__(self, description, extra=()):
        """`extra`: names of more files that the test needs."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("launcher")
        parser.add_argument("program")
        for name in extra:
            parser.add_argument(name)
        parser.add_argument("--full", action="store_true", help="as often and as long as it takes")
        parser.add_argument("--seed", type=int, default=int(time.time()), help="of what is random")
        arguments = parser.parse_args()
        self.launcher = os.path.abspath(arguments.launcher)
        self.program = os.path.abspath(arguments.program)
        self.extra = {name: os.path.abspath(getattr(arguments, name)) for name in extra}
        self.full = arguments.full
        self.random = random.Random(arguments.seed)
        print(f"seed {arguments.seed}", flush=True)
        base = os.environ.get("TEST_TMPDIR")
        self.folder = tempfile.mkdtemp(prefix="stator-faults-", dir=base)
        self._port = 22000 + os.getpid() % 300 * 30
        self._launches = []
        self._reference = {}

    def write_job(self, name, workers, steps, **sections):
        """The job's file; `sections` replace or add fields: training={"seed": 2}."""
        job = {
            "name": name,
            "program": {"binary": self.program},
            "strategy": {"virtual_replicas": 4},
            "roles": {"worker": workers},
            "training": {"steps": steps, "verify_every_steps": 10},
            "checkpoint": {"every_steps": 10},
            "run_directory": os.path.join(self.folder, "runs", name),
            "network": {"ports": f"{self._port}-{self._port + 29}"},
            "restart": {"max_restarts": 100, "backoff_seconds": 0.05, "max_backoff_seconds": 0.1},
            "environment": {},
        }
        for section, fields in sections.items():
            if isinstance(fields, dict) and isinstance(job.get(section), dict):
                job[section].update(fields)
            else:
                job[section] = fields
        job["environment"] = {k: str(v) for k, v in job["environment"].items()}
        path = os.path.join(self.folder, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)  # which is YAML too
        return path

    def directory(self, name):
        return os.path.join(self.folder, "runs", name)

    def launch(self, job_file, arguments=(), environment=None, command=()):
        name = os.path.basename(job_file).rsplit(".", 1)[0]
        launch = Launch([*command, self.launcher, "launch", job_file, *arguments],
                        self.directory(name), environment)
        self._launches.append(launch)
        return launch

    def start(self, command, directory, environment):
        launch = Launch(command, directory, environment)
        self._launches.append(launch)
        return launch

    def reference(self, steps):
        """The weights after undisturbed steps, on one worker."""
        if steps not in self._reference:
            launch = self.launch(self.write_job(f"undisturbed-{steps}", 1, steps))
            launch.expect_exit(0, 120)
            self._reference[steps] = launch.weights()
        return self._reference[steps]

    def expect_weights(self, launch, steps):
        if launch.weights() != self.reference(steps):
            raise Failure(f"weights {launch.weights()} instead of {self.reference(steps)} after "
                          f"{steps} steps:\n{launch.output()}")

    def run(self, *cases):
        """Runs the cases, prints how they ended, and exits."""
        results = []
        try:
            for case in cases:
                start = time.time()
                results.append((case.__name__, *self._outcome(case)))
                name, outcome, message = results[-1]
                print(f"{outcome} {name} ({time.time() - start:.1f} s)"
                      + (f": {message}" if message else ""), flush=True)
        finally:
            for launch in self._launches:
                launch.kill()
        write_summary(results)
        failed = any(outcome == "FAILED" for _, outcome, _ in results)
        if not failed:
            shutil.rmtree(self.folder, ignore_errors=True)
        sys.exit(1 if failed else 0)

    @staticmethod
    def _outcome(case):
        try:
            case()
            return "ok", ""
        except Skipped as skipped:
            return "skipped", str(skipped)
        except Failure as failure:
            return "FAILED", str(failure)


def write_summary(results):
    """(name, "ok", "skipped" or "FAILED", message) of each case, for Bazel."""
    if not os.environ.get("XML_OUTPUT_FILE"):
        return
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", name=os.path.basename(sys.argv[0]),
                          tests=str(len(results)))
    for name, outcome, message in results:
        case = ET.SubElement(suite, "testcase", name=name)
        if outcome != "ok":
            printable = "".join(c if c.isprintable() or c == "\n" else "?" for c in message)
            ET.SubElement(case, "skipped" if outcome == "skipped" else "failure", message=printable)
    ET.ElementTree(suites).write(os.environ["XML_OUTPUT_FILE"], encoding="utf-8",
                                 xml_declaration=True)


def skip(reason):
    """Ends the test, which cannot run here."""
    print(f"skipped: {reason}")
    write_summary([(os.path.basename(sys.argv[0]), "skipped", reason)])
    sys.exit(0)
