"""The n-th system call fails, for n = 1, 2, ... until a whole run goes by without a failure.

Whatever fails and wherever: the error is one of ours, a refused record is not stored, the same record is accepted when
it is logged again, and in the end every record is in the log once, in order. The fault only hits calls that concern
files below the test's own directory, and only while the logger is at work.
"""

import contextlib
import errno
import gc
import io
import itertools
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reading import data_log, files, parse, record
from torture import end_of_rows

import l2logger
from l2logger import DataLogger, append_file, info_files, recovery
from l2logger.errors import ConfigError, L2LoggerError, LogWarning, LogWriteError
from l2logger.processors import canonical

CALLS = ("open", "mkdir", "write", "replace", "fsync", "ftruncate", "close", "fstat", "stat", "lseek", "read", "scandir", "dup")  # fmt: skip
INFO = {"metrics_columns": ["reward"], "author": "somebody"}
NOTE = 'two\nlines, a\ttab and a "quote" ☃'

Effect = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


def fails(number: int) -> Effect:
    def effect(real, args, options):
        raise OSError(number, os.strerror(number))

    return effect


def fails_after_all(number: int) -> Effect:
    """Do what was asked for and report a failure all the same, as closing a file on NFS may."""

    def effect(real, args, options):
        real(*args, **options)
        raise OSError(number, os.strerror(number))

    return effect


def short(share: float) -> Effect:
    """Write a part of the data, at least one byte and all but one at most."""

    def effect(real, args, options):
        fd, data = args
        return real(fd, data[: min(max(1, int(len(data) * share)), len(data) - 1)])

    return effect


def interrupted_before(real, args, options):
    raise KeyboardInterrupt


def interrupted_after(real, args, options):
    with contextlib.suppress(OSError):
        result = real(*args, **options)
        if hasattr(result, "close"):
            result.close()  # or there would be a warning that it was not
    raise KeyboardInterrupt


class Step(NamedTuple):
    """What happens to one call; `names` are the functions of `os` it waits for."""

    names: tuple[str, ...]
    effect: Effect


class Saboteur:
    """Makes calls fail that concern a directory.

    Args:
        monkeypatch: Takes all back at the end of the test.
        root: The directory.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self._root = str(root)
        self._steps: list[Step] = []
        self._calls_left = 0
        self._at_work = False
        self._files: dict[int, tuple[int, int]] = {}
        self._fstat = os.fstat
        for name in CALLS:
            # Nothing here is about power cuts, and the disk takes its time.
            real = (lambda fd: None) if name == "fsync" else getattr(os, name)
            monkeypatch.setattr(os, name, self._wrap(name, real))
        for module in (info_files, recovery):
            monkeypatch.setattr(module, "open", self._wrap("open", io.open), raising=False)
        monkeypatch.setattr(append_file, "SETTLE_SECS", 0, raising=False)

    def plan(self, steps: Sequence[Step], nth: int) -> None:
        """Let the first step happen at the `nth` call it waits for, and each next one at the first call from then on."""
        self._steps = list(steps)
        self._calls_left = nth

    @property
    def untouched(self) -> bool:
        """Whether not even the first step has happened."""
        return self._calls_left > 0

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if not self._at_work or not self._concerns(args[0]):
                return real(*args, **options)
            self._at_work = False
            try:
                result = self._call(name, real, args, options)
            finally:
                self._at_work = True
            if name in ("open", "dup"):
                fd = result if isinstance(result, int) else result.fileno()
                self._files[fd] = self._identity(fd)
            return result

        return call

    def _call(self, name: str, real: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if self._steps and name in self._steps[0].names:
            if self._calls_left > 0:
                self._calls_left -= 1
            if self._calls_left == 0:
                return self._steps.pop(0).effect(real, args, options)
        return real(*args, **options)

    def _concerns(self, target: Any) -> bool:
        if not isinstance(target, int):
            return os.fspath(target).startswith(self._root)
        try:
            return self._files.get(target) == self._identity(target)
        except OSError:
            return False

    def _identity(self, fd: int) -> tuple[int, int]:
        status = self._fstat(fd)
        return status.st_dev, status.st_ino


@pytest.fixture
def saboteur(monkeypatch, tmp_path):
    return Saboteur(monkeypatch, tmp_path)


# The run --------------------------------------------------------------------------------------------------------------


def records(blocks: int = 3, rows: int = 3) -> list[dict[str, Any]]:
    """Two workers in turn; their first rows in a block take the long way, the others the shortcut."""
    count = itertools.count()
    return [
        record(next(count), block_num=block, worker_id=worker, reward=0.5, note=NOTE)
        for block, _, worker in itertools.product(range(blocks), range(rows), ("w0", "w1"))
    ]


def stored(directory: str) -> dict[str, list[int]]:
    """Return the numbers of the whole rows of each file, behind the header that it has once."""
    found = {}
    for path in sorted(Path(directory).rglob("data-log.tsv")):
        rows = parse(whole_rows(path.read_bytes()))
        assert all(row["reward"] == "0.5" and row["note"] == NOTE for row in rows)
        if rows:
            found[f"{path.parent.parent.name}/{path.parent.name}"] = [int(row["exp_num"]) for row in rows]
    return found


def whole_rows(data: bytes) -> bytes:
    return data[: end_of_rows(data)]


def is_torn(directory: str) -> bool:
    contents = [path.read_bytes() for path in Path(directory).rglob("data-log.tsv")]
    return any(whole_rows(content) != content for content in contents)


def by_file(accepted: list[dict[str, Any]]) -> dict[str, list[int]]:
    expected: dict[str, list[int]] = {}
    for fields in accepted:
        name = f"{fields['worker_id']}/{fields['block_num']}-{fields['block_type']}"
        expected.setdefault(name, []).append(fields["exp_num"])
    return dict(sorted(expected.items()))


def check_infos(base: Path, *, complete: bool = False) -> None:
    """Each info file is whole or not there, and nothing is left of the writing."""
    for directory in (base / "logs").glob("run-*"):
        expected = {
            "logger_info.json": {**INFO, "log_format_version": "1.1"},
            "scenario_info.json": {"difficulty": "hard"},
        }
        found = {path.name: path for path in directory.iterdir() if path.is_file()}
        assert found.keys() == expected.keys() if complete else found.keys() <= expected.keys()
        for name, path in found.items():
            assert json.loads(path.read_bytes()) == expected[name]


class Trial:
    """One run under one fault, and what is counted in it."""

    def __init__(
        self, saboteur: "Saboteur | Interrupter", base: Path, fsync: str = "never", *, tidy: bool = True
    ) -> None:
        self.saboteur = saboteur
        self.base = base
        self.fsync = fsync
        self.tidy = tidy
        self.refused = self.interrupted = 0
        self.accepted: list[dict[str, Any]] = []

    def attempt(self, what: Callable[[], Any], error: type[L2LoggerError]) -> tuple[Any, str]:
        """Call `what`; return what it returns, and how it ended. Any other error ends the test."""
        try:
            with self.saboteur.at_work():
                return what(), "done"
        except error:
            self.refused += 1
            return None, "refused"
        except KeyboardInterrupt:
            self.interrupted += 1
            return None, "interrupted"

    def construct(self) -> DataLogger:
        ticks = itertools.count(1_600_000_000, 0.4)  # Every third row or so, files are looked for.
        for _ in range(5):
            made, _ = self.attempt(
                lambda: DataLogger(
                    self.base / "logs",
                    "run",
                    INFO,
                    {"difficulty": "hard"},
                    fsync=self.fsync,
                    processors=canonical(clock=lambda: next(ticks)),
                ),
                ConfigError,
            )
            check_infos(self.base)
            if made is not None:
                return made
        raise AssertionError("the fault is over, but no logger can be made")

    def log(self, logger: DataLogger, fields: dict[str, Any]) -> None:
        for _ in range(5):
            _, end = self.attempt(lambda: logger.log_record(fields), LogWriteError)
            if end == "done":
                self.accepted.append(fields)
                return
            found = stored(logger.scenario_dir)
            if end == "interrupted" and found == by_file([*self.accepted, fields]):
                self.accepted.append(fields)
                return
            if end == "refused" and not self.tidy and found == by_file([*self.accepted, fields]):
                continue  # It could not be taken back, and is when the file is opened the next time.
            assert found == by_file(self.accepted), "a refused record is stored, or an accepted one is not"
            assert not (self.tidy and is_torn(logger.scenario_dir))
        raise AssertionError("the fault is over, but the record is refused")

    def run(self, todo: list[dict[str, Any]]) -> None:
        logger = self.construct()
        for fields in todo:
            self.log(logger, fields)
            if self.fsync == "flush":
                self.attempt(logger.flush, LogWriteError)
        self.attempt(logger.close, LogWriteError)
        logger.close()
        assert self.accepted == todo
        assert stored(logger.scenario_dir) == by_file(todo)
        assert not is_torn(logger.scenario_dir)
        with DataLogger.resume(logger.scenario_dir) as again:
            assert again.next_exp_num == len(todo)


def sweep(
    saboteur: Saboteur,
    tmp_path: Path,
    steps: Sequence[Step],
    *,
    fsync: str = "never",
    tidy: bool = True,
    todo: Sequence[dict[str, Any]] = records(),
) -> list[Trial]:
    """Run with the fault at the first place, the second, ... until there is no such place; return these runs."""
    trials = []
    for nth in itertools.count(1):
        trial = Trial(saboteur, tmp_path / str(nth), fsync, tidy=tidy)
        saboteur.plan(steps, nth)
        with warnings.catch_warnings():
            if not tidy:
                warnings.simplefilter("ignore", LogWarning)
            trial.run(list(todo))
        shutil.rmtree(trial.base)  # pytest would keep all of them
        if saboteur.untouched:
            break
        trials.append(trial)
    figures = f"places={len(trials)} refused={sum(t.refused for t in trials)} interrupted={sum(t.interrupted for t in trials)}"
    print(f"{figures} stored={sum(len(t.accepted) for t in trials)} of {len(trials) * len(todo)}")
    return trials


# The faults -----------------------------------------------------------------------------------------------------------

FAULTS = {
    **{f"write {errno.errorcode[number]}": [Step(("write",), fails(number))] for number in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)},
    "write ENOSPC three times": [Step(("write",), fails(errno.ENOSPC))] * 3,
    **{f"write {share:.0%} then ENOSPC": [Step(("write",), short(share)), Step(("write",), fails(errno.ENOSPC))] for share in (0, 0.5, 1)},
    "mkdir ENOSPC": [Step(("mkdir",), fails(errno.ENOSPC))],
    "mkdir EDQUOT": [Step(("mkdir",), fails(errno.EDQUOT))],
    "open ENOSPC": [Step(("open",), fails(errno.ENOSPC))],
    "open EACCES": [Step(("open",), fails(errno.EACCES))],
    "scandir EIO": [Step(("scandir",), fails(errno.EIO))],
    "lseek EIO": [Step(("lseek",), fails(errno.EIO))],
    "fstat EIO": [Step(("fstat",), fails(errno.EIO))],
    "replace ENOSPC": [Step(("replace",), fails(errno.ENOSPC))],
    "replace EIO": [Step(("replace",), fails(errno.EIO))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "fsync"),
    [*[(fault, "never") for fault in FAULTS], *[(fault, "always") for fault in FAULTS if fault.startswith("write")]],
)
def test_a_failed_call_refuses_the_record_and_nothing_of_it_is_stored(saboteur, tmp_path, fault, fsync):
    """F-013, F-043, F-044, F-050, S1-28: and the same record is accepted by the next call."""
    tidy = fault.split()[0] not in ("fstat", "lseek")
    trials = sweep(saboteur, tmp_path, FAULTS[fault], fsync=fsync, tidy=tidy)
    assert any(trial.refused for trial in trials) or not tidy


def test_out_of_descriptors_is_an_error_at_most(saboteur, tmp_path):
    """F-050: files that are open already give way, and the record is stored without a word."""
    trials = sweep(saboteur, tmp_path, [Step(("open", "scandir"), fails(errno.EMFILE))])
    assert any(trial.refused for trial in trials)
    assert not all(trial.refused for trial in trials)


@pytest.mark.parametrize("shares", [(0,), (0.5,), (1,), (0, 0, 0), (0.9, 0.5)], ids=repr)
def test_a_short_write_is_finished(saboteur, tmp_path, shares):
    """F-045."""
    trials = sweep(saboteur, tmp_path, [Step(("write",), short(share)) for share in shares])
    assert len(trials) >= len(records())
    assert not any(trial.refused for trial in trials)


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.8, 1])
def test_a_piece_that_cannot_be_cut_off_is_cut_off_later(saboteur, tmp_path, share):
    """F-043, F-045: the write stops short, the next one fails, and so does the repair."""
    steps = [Step(("write",), short(share)), Step(("write",), fails(errno.ENOSPC)), Step(("ftruncate",), fails(errno.EIO))]  # fmt: skip
    trials = sweep(saboteur, tmp_path, steps, tidy=False)
    assert all(trial.refused for trial in trials)


@pytest.mark.parametrize("fsync", ["flush", "always"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_a_failed_fsync_is_an_error_and_loses_no_row(saboteur, tmp_path, fsync, number):
    """F-046: with "always" the row is refused and taken back."""
    trials = sweep(saboteur, tmp_path, [Step(("fsync",), fails(number))], fsync=fsync)
    assert sum(trial.refused for trial in trials) >= len(records())


def test_a_row_that_could_not_be_synced_nor_taken_back_is_not_stored_twice(saboteur, tmp_path):
    """F-046, S1-28: the refused row is whole, so that it does not look torn."""
    steps = [Step(("fsync",), fails(errno.EIO)), Step(("ftruncate",), fails(errno.EIO))]
    sweep(saboteur, tmp_path, steps, fsync="always", tidy=False)


@pytest.mark.parametrize("fsync", ["never", "flush", "always"])
def test_a_file_that_fails_to_close_loses_no_row(saboteur, tmp_path, fsync):
    """F-044: NFS tells of a full disk only then."""
    sweep(saboteur, tmp_path, [Step(("close",), fails_after_all(errno.EIO))], fsync=fsync)


def test_a_write_and_the_closing_after_it_fail(saboteur, tmp_path):
    """F-044, S1-28: the error that is told is the one of the write."""
    steps = [Step(("write",), fails(errno.EDQUOT)), Step(("close",), fails_after_all(errno.EDQUOT))]
    sweep(saboteur, tmp_path, steps)


def test_descriptors_run_out_after_a_refused_row(saboteur, tmp_path):
    """F-043, F-050: the file of the refused row is closed by then, so it has no descriptor to give."""
    trial = Trial(saboteur, tmp_path)
    logger = trial.construct()
    first, other_worker, again, *_ = records(1, 2)
    trial.log(logger, first)
    saboteur.plan([Step(("write",), fails(errno.ENOSPC)), Step(("open",), fails(errno.EMFILE))], 1)
    trial.attempt(lambda: logger.log_record(again), LogWriteError)
    trial.log(logger, other_worker)
    trial.log(logger, again)
    logger.close()
    assert trial.refused >= 1
    assert stored(logger.scenario_dir) == by_file([first, other_worker, again])


@pytest.mark.parametrize("retries", [1, 2])
def test_a_refused_row_is_taken_back_once_its_file_can_be_opened(saboteur, tmp_path, retries):
    """F-046, F-050, S1-28: the opening fails as well, and what is to be cut off is not forgotten over that."""
    trial = Trial(saboteur, tmp_path, "always", tidy=False)
    logger = trial.construct()
    first, _, second, *_ = records(1, 2)
    trial.log(logger, first)
    steps = [Step(("fsync",), fails(errno.EIO)), Step(("ftruncate",), fails(errno.EIO))]
    saboteur.plan([*steps, *[Step(("open",), fails(errno.EACCES))] * retries], 1)
    with pytest.warns(LogWarning):
        trial.log(logger, second)
    logger.close()
    assert stored(logger.scenario_dir) == by_file([first, second])


def test_taking_a_refused_row_back_spares_the_rows_behind_it(make, monkeypatch):
    """F-046, F-054: another process may have written the file since it was closed."""
    logger = make(fsync="always")
    logger.log_record(record(0))
    with monkeypatch.context() as patch:
        for name in ("fsync", "ftruncate"):
            patch.setattr(os, name, lambda *_: fails(errno.EIO)(None, (), {}))
        with pytest.raises(LogWriteError):
            logger.log_record(record(1))
    with DataLogger.join(logger.scenario_dir) as other:
        other.log_record(record(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        logger.log_record(record(3))
    assert {"0", "2", "3"} <= {row["exp_num"] for row in parse(data_log(logger).read_bytes())}


# Ctrl-C ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fsync", ["never", "always"])
@pytest.mark.parametrize("effect", [interrupted_before, interrupted_after])
def test_ctrl_c_around_any_call_leaves_the_record_whole_or_not_at_all(saboteur, tmp_path, effect, fsync):
    """F-062: and the logger goes on."""
    # Between taking a descriptor and closing it, Python looks for no signal.
    calls = tuple(name for name in CALLS if name != "close" or effect is interrupted_after)
    trials = sweep(saboteur, tmp_path, [Step(calls, effect)], fsync=fsync, tidy=False, todo=records(2, 2))
    assert all(trial.interrupted == 1 for trial in trials)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_ctrl_c_after_a_short_write_leaves_the_record_whole_or_not_at_all(saboteur, tmp_path, share):
    """F-045, F-062: the piece is cut off before the next row."""
    steps = [Step(("write",), short(share)), Step(("write",), interrupted_before)]
    trials = sweep(saboteur, tmp_path, steps, tidy=False)
    assert all(trial.interrupted for trial in trials)


class Interrupter:
    """Raises KeyboardInterrupt at the n-th point where Python looks for signals: a call begins or a C function returns."""

    package = str(Path(l2logger.__file__).parent)
    calls_left = 0

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_return") and frame.f_code.co_filename.startswith(self.package):
            self.calls_left -= 1
            if self.calls_left == 0:
                raise KeyboardInterrupt

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        gc.disable()  # What is left of the loggers before is not to be interrupted instead.
        sys.setprofile(self if self.calls_left > 0 else None)
        try:
            yield
        finally:
            sys.setprofile(None)
            gc.enable()


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    monkeypatch.setattr(append_file, "SETTLE_SECS", 0, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        warnings.simplefilter("ignore", ResourceWarning)  # of the interrupted os.scandir
        yield


@pytest.mark.usefixtures("no_waiting")
def test_ctrl_c_at_any_step_leaves_the_record_whole_or_not_at_all(tmp_path):
    """F-062: not only in system calls."""
    first, _, again, *_, last = records(2, 2)
    todo = [first, again, last]
    for nth in itertools.count(1):
        interrupter = Interrupter()
        trial = Trial(interrupter, tmp_path / str(nth), tidy=False)
        logger = trial.construct()
        interrupter.calls_left = nth
        for fields in todo:
            trial.log(logger, fields)
        logger.close()
        assert stored(logger.scenario_dir) == by_file(todo)
        assert not is_torn(logger.scenario_dir)
        shutil.rmtree(trial.base)
        if interrupter.calls_left > 0:
            break
        assert trial.interrupted == 1
    print(f"places={nth - 1}")
    assert nth > 200


@pytest.mark.usefixtures("no_waiting")
def test_ctrl_c_while_a_file_gives_way_to_another_keeps_nobody_out_of_it(tmp_path):
    """F-050, F-062: more workers than files stay open; the interrupted closing must not leave the file locked."""
    interrupter = Interrupter()
    trial = Trial(interrupter, tmp_path, tidy=False)
    logger = trial.construct()
    for nth in itertools.count(-64):  # First, every worker gets its file.
        interrupter.calls_left = nth
        trial.log(logger, record(64 + nth, worker_id=f"w{(64 + nth) % 65}", reward=0.5, note=NOTE))
        if interrupter.calls_left > 0:
            break
    logger.close()
    assert stored(logger.scenario_dir) == by_file(trial.accepted)
    assert not is_torn(logger.scenario_dir)
    print(f"places={trial.interrupted}")
    assert trial.interrupted > 50


# Info files and resuming ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["open", "fsync", "replace"])
@pytest.mark.parametrize("effect", [fails(errno.ENOSPC), interrupted_before, interrupted_after])
def test_info_files_are_old_or_new_never_half(saboteur, tmp_path, name, effect):
    """F-013."""
    logger = Trial(saboteur, tmp_path).construct()
    for nth in itertools.count(1):
        old, new = {"version": nth - 1}, {"version": nth}
        for path in Path(logger.scenario_dir).glob("*.json"):
            path.write_text(json.dumps(old))
        logger.logger_info.clear()
        logger.logger_info.update(new)
        logger.scenario_info.clear()
        logger.scenario_info.update(new)
        saboteur.plan([Step((name,), effect)], nth)
        with contextlib.suppress(OSError, KeyboardInterrupt), saboteur.at_work():
            logger.write_info_files()
        found = {path.name: json.loads(path.read_bytes()) for path in Path(logger.scenario_dir).iterdir()}
        assert found.keys() == {"logger_info.json", "scenario_info.json"}
        assert all(content in (old, new) for content in found.values())
        if saboteur.untouched:
            break
    assert nth > 2
    assert list(found.values()) == [new, new]


RESUMING = ("open", "scandir", "lseek", "read", "write", "ftruncate")


@pytest.mark.parametrize("effect", [fails(errno.EIO), fails(errno.EMFILE), interrupted_before, interrupted_after])
def test_a_resuming_that_fails_can_be_repeated(saboteur, tmp_path, effect):
    """F-059, F-062: whatever of the repairs was done before, no row is lost and no piece stays."""
    trial = Trial(saboteur, tmp_path)
    logger = trial.construct()
    for fields in records(2, 2):
        trial.log(logger, fields)
    logger.close()
    for nth in itertools.count(1):
        for path in Path(logger.scenario_dir).rglob("data-log.tsv"):
            path.write_bytes(path.read_bytes() + b'1\t9\tw0\t"torn\n')
        saboteur.plan([Step(RESUMING, effect)], nth)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LogWarning)
            with contextlib.suppress(L2LoggerError, KeyboardInterrupt), saboteur.at_work():
                DataLogger.resume(logger.scenario_dir).close()
            DataLogger.resume(logger.scenario_dir).close()
        assert stored(logger.scenario_dir) == by_file(records(2, 2))
        assert not is_torn(logger.scenario_dir)
        if saboteur.untouched:
            break
    assert nth > 10


@pytest.mark.parametrize("lines", [1, 2_000, 19_000])
@pytest.mark.parametrize("long_rows", [0, 8])
def test_a_row_torn_behind_what_looks_like_a_row_is_torn(make, long_rows, lines):
    """F-051, F-059: its text is an excerpt of a log. If it were taken for a row, the next one would be swallowed by it.

    How the rows before it are written must not matter, nor where in the file they are.
    """
    logger = make()
    excerpt = "0\t7\tw0\ttrain\twake\tTask_a\t{}\tcomplete\tnow\t\t1.0\n"
    for number in range(long_rows):
        logger.log_record(record(number, note="many\nlines\n" * 30_000))
    logger.log_record(record(long_rows, note=f"log:\n{excerpt * lines}end"))
    logger.close()
    path = data_log(logger)
    path.write_bytes(path.read_bytes()[: -len('end"\t1.0\n')])
    with pytest.warns(LogWarning, match="ended in the middle of a row"):
        again = DataLogger.resume(logger.scenario_dir)
    assert again.next_exp_num == long_rows
    again.log_record(record(long_rows, note=""))
    again.close()
    assert [row["exp_num"] for row in parse(path.read_bytes())] == [str(number) for number in range(long_rows + 1)]


# A run that vanished --------------------------------------------------------------------------------------------------


def test_a_run_deleted_before_its_first_record_is_begun_anew(logger):
    """F-049."""
    shutil.rmtree(logger.scenario_dir)
    with pytest.warns(LogWarning, match="its info files are written again"):
        logger.log_record(record(0))
    assert files(logger.scenario_dir) == [
        "logger_info.json",
        "scenario_info.json",
        "worker-default/0-train/data-log.tsv",
    ]


@pytest.mark.parametrize("name", ["open", "mkdir", "replace", "write"])
def test_a_deleted_run_that_cannot_be_begun_anew_is_an_error_until_it_can(saboteur, tmp_path, name):
    """F-049, S1-28: the record is refused, and what was missing is made by the call that is accepted."""
    for nth in itertools.count(1):
        trial = Trial(saboteur, tmp_path / str(nth), tidy=False)
        logger = trial.construct()
        first, _, second, *_ = records(1, 2)
        trial.log(logger, first)
        logger.close()
        shutil.rmtree(logger.scenario_dir)
        trial.accepted.clear()
        saboteur.plan([Step((name,), fails(errno.ENOSPC))], nth)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LogWarning)
            trial.log(logger, second)
        logger.close()
        assert stored(logger.scenario_dir) == by_file(trial.accepted)
        check_infos(trial.base, complete=True)
        if saboteur.untouched:
            break
    assert nth > 1
