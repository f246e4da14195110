#!/usr/bin/env python3
"""Hundreds of strangers on every port of a job, who hold connections or come and go: its tasks meet,
train to the undisturbed weights, and the strangers cost a bounded number of descriptors."""

import os
import socket
import threading
import time

from faults import Failure, Test

test = Test(__doc__)
STEPS = 60
CROWD = 250  # on each port
# 128 on the coordinator's port, 64 on a data port, and what a task has open by itself.
MOST_DESCRIPTORS = 128 + 64 + 100
WORDS = [b"", b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"x" * 160]


def listening_ports(pid):
    """Ports of loopback on which a process waits for connections, and its number of descriptors."""
    sockets, descriptors = set(), os.listdir(f"/proc/{pid}/fd")
    for fd in descriptors:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    ports = set()
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in list(file)[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                ports.add(int(fields[1].split(":")[1], 16))
    return ports, len(descriptors)


class Crowd:
    """Visits all ports that the tasks of a launch listen on, until stopped."""

    def __init__(self, launch):
        self.launch, self.stopped = launch, False
        self.visits = {}  # port to connections so far
        self.most = 0  # descriptors of one task
        self.held = {}  # port to open connections
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopped:
            for pid in self.launch.pids().values():
                try:
                    ports, descriptors = listening_ports(pid)
                except OSError:
                    continue  # it has just ended
                self.most = max(self.most, descriptors)
                for port in ports:
                    self._visit(port)
            time.sleep(0.02)

    def _visit(self, port):
        held = self.held.setdefault(port, [])
        for _ in range(CROWD if len(held) < CROWD else 5):
            visitor = socket.socket()
            visitor.setblocking(False)
            try:
                visitor.connect(("127.0.0.1", port))
            except BlockingIOError:
                pass
            except OSError:
                visitor.close()
                return
            count = self.visits[port] = self.visits.get(port, 0) + 1
            try:
                visitor.send(WORDS[count % len(WORDS)])
            except OSError:
                pass
            held.append(visitor)
        while len(held) > CROWD:
            held.pop(0).close()

    def stop(self):
        self.stopped = True
        self.thread.join()
        for held in self.held.values():
            for visitor in held:
                visitor.close()


def crowds():
    job = test.write_job("crowds", 4 if test.full else 2, STEPS, environment={"FAULT_STEP_MS": 20})
    launch = test.launch(job, environment={"STATOR_DATA_TRANSPORT": "tcp"})
    crowd = Crowd(launch)
    try:
        launch.expect_exit(0, 120)
    finally:
        crowd.stop()
    if launch.find(r"epoch \d+ failed"):
        raise Failure(f"it failed:\n{launch.output()}")
    test.expect_weights(launch, STEPS)
    print(f"visits of each port: {sorted(crowd.visits.values())}; at most {crowd.most} descriptors "
          "in a task")
    if len(crowd.visits) < 2 or max(crowd.visits.values()) < CROWD:
        raise Failure(f"the crowd did not find its way: {crowd.visits}")
    if crowd.most > MOST_DESCRIPTORS:
        raise Failure(f"a task has {crowd.most} descriptors open")


test.run(crowds)
