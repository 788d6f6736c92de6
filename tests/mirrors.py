"""Sinks for tests of processes: a mirror in another process must be importable there."""

import json
import os
import time
from pathlib import Path

from l2logger.sinks import Sink


class FileSink(Sink):
    """Write a line of JSON for each record; what the tests ask for can go wrong."""

    isolate = "process"

    def __init__(self, path, *, fail="", error=None, times=10**9, hang="", slow_secs=0.0, close_secs=0.0):
        self.path = Path(path)
        self.file = None
        self.fail, self.error, self.times, self.hang = fail, error, times, hang
        self.slow_secs, self.close_secs = slow_secs, close_secs

    def _misbehave(self, verb):
        if verb == self.hang:
            time.sleep(1000)
        if verb == self.fail and self.times:
            self.times -= 1
            raise self.error or ValueError("broken")

    def open(self, run):
        self._misbehave("open")
        self.file = self.path.open("a")
        self._note("open", pid=os.getpid(), scenario_dir=run.scenario_dir)

    def write(self, signal):
        self._misbehave("write")
        time.sleep(self.slow_secs)
        self._note("write", **{key: signal.fields[key] for key in ("exp_num", "worker_id", "reward")})

    def flush(self):
        self._misbehave("flush")
        self._note("flush")

    def close(self):
        self._misbehave("close")
        if self.file:
            self._note("closing")
            time.sleep(self.close_secs)
            self._note("close")
            self.file.close()

    def options(self):
        return {"path": str(self.path)}

    def _note(self, verb, **more):
        self.file.write(json.dumps({"verb": verb, **more}) + "\n")
        self.file.flush()


def notes(path, verb="write"):
    """Return what a `FileSink` noted of one of its methods."""
    if not Path(path).exists():
        return []
    whole = Path(path).read_text().rpartition("\n")[0]
    return [note for note in map(json.loads, whole.splitlines()) if note["verb"] == verb]


def exp_nums(path):
    return [note["exp_num"] for note in notes(path)]
