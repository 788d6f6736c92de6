"""What the live table knows of a run."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from l2logger.schema import COMPLETE
from l2logger.sinks.console.live_metrics import Clocks
from l2logger.sinks.console.looks import Look, block
from l2logger.sinks.console.values import brief, number, shown

_MAX_TASKS: Final = 200
_RATE_SAMPLES: Final = 20
_MIN_RATE_SECS: Final = 1.0


class Course:
    """What became of one task in one kind of block.

    Attributes:
        label: The task.
        kind: The kind of block.
        experiences: How many experiences were completed.
        last_at: The number of its last record among all.
    """

    def __init__(self, fields: Mapping[str, Any], window: int) -> None:
        self.label = shown(str(fields["task_name"]))
        self.kind = shown(block(fields).split("-", 1)[1])
        self.experiences = 0
        self.last_at = 0
        self.recent: deque[Mapping[str, Any]] = deque(maxlen=window)
        self._values: dict[str, tuple[str, str]] = {}
        self._values_at = 0

    def values(self, look: Look) -> dict[str, tuple[str, str]]:
        """Return the last value and the recent mean of each metric, as they are shown; no mean of what is no number."""
        if self._values_at != self.last_at:
            self._values_at = self.last_at
            last = self.recent[-1]
            self._values = {
                name: (look.text(name, last[name], brief), self._mean(name, look)) for name in look.names(last)
            }
        return self._values

    def _mean(self, name: str, look: Look) -> str:
        numbers = [each for fields in self.recent if name in fields and (each := number(fields[name])) is not None]
        return look.text(name, sum(numbers) / len(numbers), brief) if numbers else ""


class Tally:
    """What is counted of a run.

    Args:
        title: Name of the run.
        total: How many experiences there will be, if that is known.
        window: Over how many records of a task, or values of a metric, its recent means go.
        now: The time in seconds.

    Attributes:
        started: The time when it began.
        records: How many records came.
        experiences: How many of them completed an experience.
        workers: Who wrote them.
        courses: What became of each task.
        clocks: What became of the metrics beside the records.
        current: The task of the last record.
        latest: The last record.
        over: Whether no more will come.
    """

    def __init__(self, title: str, *, total: int | None = None, window: int = 100, now: float = 0.0) -> None:
        self.title = shown(title)
        self.total = total
        self.window = window
        self.started = now
        self.records = 0
        self.experiences = 0
        self.workers: set[str] = set()
        self.courses: dict[tuple[Any, ...], Course] = {}
        self.clocks = Clocks(window)
        self.current: Course | None = None
        self.latest: Mapping[str, Any] | None = None
        self.over = False
        self._samples: deque[tuple[float, int]] = deque(maxlen=_RATE_SAMPLES)

    def add(self, fields: Mapping[str, Any]) -> None:
        """Count a record. This is done for each, so it only takes note."""
        key = (fields["task_name"], fields["block_type"], fields.get("block_subtype"))
        course = self.courses.get(key)
        if course is None:
            if len(self.courses) == _MAX_TASKS:
                del self.courses[min(self.courses, key=lambda each: self.courses[each].last_at)]
            course = self.courses[key] = Course(fields, self.window)
        self.records += 1
        if fields["exp_status"] == COMPLETE:
            self.experiences += 1
            course.experiences += 1
        course.last_at = self.records
        course.recent.append(fields)
        self.workers.add(fields["worker_id"])
        self.current = course
        self.latest = fields

    def sample(self, now: float) -> None:
        """Note how many records there are now, for the rate."""
        self._samples.append((now, self.records))

    @property
    def rate(self) -> float:
        """How many records came per second lately, or in all if it is over; 0 as long as that is not known."""
        if not self._samples:
            return 0.0
        (then, before), (now, after) = self._samples[0], self._samples[-1]
        if self.over:
            then, before = self.started, 0
        return (after - before) / (now - then) if now - then >= _MIN_RATE_SECS else 0.0
