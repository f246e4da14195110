#!/usr/bin/env python3
"""A proxy between the data sockets of two workers that delays, holds, cuts and swallows: the weights
of an undisturbed run, or an error that names both tasks, and then those weights after a restart."""

import asyncio
import os
import statistics
import threading
import time

from faults import Failure, Test

test = Test(__doc__, extra=["redirect"])
STEPS = 60
TIMEOUT = 3.0


class Proxy:
    """Forwards connections to wherever redirect.cc is asked to lead, in a thread of its own."""

    def __init__(self, delay=0.0, chunk=65536):
        self.delay, self.chunk = delay, chunk  # the longest pause before, and size of, each piece
        self.connections = set()
        self.bytes = 0
        self.held_until = 0.0
        self.swallowing = ()  # directions of the connections that are open now
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(10)

    async def _listen(self):
        server = await asyncio.start_server(self._introduce, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def _introduce(self, reader, writer):
        host, port = (await reader.readline()).decode().split()

        async def forward(near_reader, near_writer):
            try:
                far_reader, far_writer = await asyncio.open_connection(host, int(port))
            except OSError:
                near_writer.transport.abort()
                return
            pair = near_writer, far_writer
            self.connections.add(pair)
            await asyncio.gather(self._copy(near_reader, far_writer, pair, "up"),
                                 self._copy(far_reader, near_writer, pair, "down"))
            self.connections.discard(pair)

        server = await asyncio.start_server(forward, "127.0.0.1", 0)
        writer.write(f"{server.sockets[0].getsockname()[1]}\n".encode())
        await writer.drain()
        writer.close()

    async def _copy(self, reader, writer, pair, direction):
        try:
            while True:
                data = await reader.read(test.random.randint(1, self.chunk))
                if not data:
                    break
                if self.delay > 0:
                    await asyncio.sleep(test.random.uniform(0, self.delay))
                while time.time() < self.held_until:
                    await asyncio.sleep(0.01)
                if (pair, direction) in self.swallowing:
                    continue
                self.bytes += len(data)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()

    def hold(self, seconds):
        self.held_until = time.time() + seconds

    def swallow(self, directions):
        """Nothing more goes through any connection that is open now, though all stay open: "up", to
        the lower rank, "down", or both."""
        self.swallowing = {(pair, way) for pair in list(self.connections) for way in directions}

    def cut(self, politely):
        """Ends all connections: with a reset, or as if both peers had closed."""
        def end():
            for pair in list(self.connections):
                for writer in pair:
                    if politely:
                        writer.close()
                    else:
                        writer.transport.abort()
        self.loop.call_soon_threadsafe(end)


def launch_through(proxy, name, step_ms):
    job = test.write_job(name, 2, STEPS, timeouts={"failure_seconds": TIMEOUT},
                         environment={"FAULT_STEP_MS": step_ms, "FAULT_PROXY": proxy.port,
                                      "LD_PRELOAD": test.extra["redirect"]})
    return test.launch(job, environment={"STATOR_DATA_TRANSPORT": "tcp"})


def expect_undisturbed(launch, proxy):
    launch.expect_exit(0, 120)
    if launch.find(r"epoch \d+ failed"):
        raise Failure(f"it failed:\n{launch.output()}")
    if proxy.bytes < 10000:
        raise Failure(f"only {proxy.bytes} bytes went through the proxy")
    test.expect_weights(launch, STEPS)


def delays():
    proxy = Proxy(delay=0.004, chunk=1500)
    expect_undisturbed(launch_through(proxy, "delays", 0), proxy)


def holds():
    proxy = Proxy()
    launch = launch_through(proxy, "holds", 10)
    launch.await_line(rf"step {test.random.randrange(3, 50)}$", 60)
    proxy.hold(TIMEOUT / 2)
    expect_undisturbed(launch, proxy)


def cuts():
    proxy = Proxy(delay=0.001)
    count = 8 if test.full else 2
    launch = launch_through(proxy, "cuts", 20)
    told, since = [], 0.0
    for epoch in range(1, count + 1):
        launch.await_line(rf"task worker:1 pid \d+ epoch {epoch}$", 60, since)
        launch.await_line(rf"task worker:0 pid \d+ epoch {epoch}$", 60, since)
        when = time.time()
        for _ in range(test.random.randrange(1, 10)):
            when, _ = launch.await_line(r"\[worker:1\] step \d+$", 60, when + 1e-6)
        time.sleep(test.random.uniform(0, 0.03))
        since = time.time()
        proxy.cut(politely=epoch % 2 == 0)
        for task, peer in ("worker:0", "worker:1"), ("worker:1", "worker:0"):
            when, found = launch.await_line(rf"^\[{task}\] {task}: ([A-Z_]+): .*worker:\d", 15, since)
            told.append(when - since)
            if found.group(1) not in ("UNAVAILABLE", "ABORTED"):
                raise Failure(f"{found.group(0)}: expected an error that may pass")
        launch.await_line(rf"epoch {epoch} failed: ", 20, since)
    launch.expect_exit(0, 120)
    test.expect_weights(launch, STEPS)
    print(f"{count} cuts: told after {statistics.median(told):.2f} s (median), "
          f"{max(told):.2f} s (most)")
    if max(told) > 1.5:
        raise Failure(f"a cut was told after {max(told):.2f} s")


def swallows():
    """Control works all the time, and no socket closes."""
    proxy = Proxy()
    cases = [["up"], ["down"], ["up", "down"]] if test.full else [[test.random.choice(["up", "down"])]]
    launch = launch_through(proxy, "swallows", 20)
    told, since = [], 0.0
    for epoch, directions in enumerate(cases, 1):
        launch.await_line(rf"task worker:1 pid \d+ epoch {epoch}$", 60, since)
        when = time.time()
        for _ in range(test.random.randrange(1, 10)):
            when, _ = launch.await_line(r"\[worker:1\] step \d+$", 60, when + 1e-6)
        since = time.time()
        proxy.swallow(directions)
        for task in "worker:0", "worker:1":
            when, found = launch.await_line(
                rf"^\[{task}\] {task}: UNAVAILABLE: data connection (worker:\d -> worker:\d) "
                r"delivers nothing: (\d+) bytes sent, (\d+) received", TIMEOUT + 15, since)
            told.append(when - since)
            names = {"up": "worker:1 -> worker:0", "down": "worker:0 -> worker:1"}
            if found.group(1) not in [names[way] for way in directions]:
                raise Failure(f"{found.group(0)}: swallowed was {directions}")
            if int(found.group(2)) <= int(found.group(3)):
                raise Failure(f"{found.group(0)}: all that was sent was received")
        launch.await_line(rf"epoch {epoch} failed: ", 20, since)
    launch.expect_exit(0, 120)
    test.expect_weights(launch, STEPS)
    print(f"{len(cases)} times swallowed: told after {statistics.median(told):.2f} s (median), "
          f"{max(told):.2f} s (most), with a failure timeout of {TIMEOUT:.0f} s")
    # A task that is not run for a while on a busy host is silent, and the time does not count.
    most = TIMEOUT + 2 + (TIMEOUT if launch.find("has been silent") else 0)
    if not TIMEOUT - 0.5 <= min(told) <= max(told) < most:
        raise Failure(f"told after {min(told):.2f} to {max(told):.2f} s")


test.run(delays, holds, cuts, swallows)
