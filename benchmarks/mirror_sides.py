"""The ways to log the steps of a training loop that ``mirrors.py`` compares, and how to see what arrived."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from measure_write import standard

METRICS = ("reward", "episode_step_count", "loss")
SHOWN_EVERY = 100
_BLOCK = 5000  # records to a block, of training and evaluation in turn
_INFO = {"metrics_columns": list(METRICS)}
_ROOT = Path(__file__).resolve().parent.parent

Record = dict[str, Any]


class Way(NamedTuple):
    """One way to log.

    Attributes:
        log: Logs a record.
        close: Closes everything, as far as it is the caller's to wait for.
        logger: The logger, if there is one.
    """

    log: Callable[[Record], Any]
    close: Callable[[], Any]
    logger: Any = None


def work(rounds: int) -> None:
    """Compute, as Python does between two calls of libraries: the interpreter lock is held all the time."""
    for _ in range(rounds):
        pass


def records(n: int) -> Iterator[Record]:
    """Yield records as a training loop makes them, a new dict each."""
    for i in range(n):
        block = i // _BLOCK
        values = {"reward": i * 0.37, "episode_step_count": i % 500, "loss": 0.5 + 1 / (i + 1)}
        yield {**standard(i), **values, "block_num": block, "block_type": "test" if block % 2 else "train"}


def bare(base: Path) -> Way:
    return Way(lambda record: None, lambda: None)


def log_only(base: Path) -> Way:
    from l2logger import l2logger

    logger = l2logger.DataLogger(base, "bench", _INFO, {})
    return Way(logger.log_record, logger.close, logger)


def by_hand(base: Path) -> Way:
    """Log as it is done without mirrors: to everything, one after the other, in the loop."""
    import wandb
    from tensorboardX import SummaryWriter

    from l2logger import l2logger

    logger = l2logger.DataLogger(base, "bench", _INFO, {})
    writer = SummaryWriter(str(base / "tensorboard"))
    run = wandb.init(project="bench", mode="offline", dir=base)
    screen = (base / "screen").open("w")

    def log(record: Record) -> None:
        logger.log_record(record)
        step = record["exp_num"]
        values = {f"{record['block_type']}/{record['task_name']}/{name}": record[name] for name in METRICS}
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        run.log({**values, "exp_num": step})
        if step % SHOWN_EVERY == 0:
            rows = (f"| {name:<40} | {value:>12.5g} |" for name, value in {"exp_num": step, **values}.items())
            print("-" * 59, *rows, "-" * 59, sep="\n", file=screen, flush=True)

    def close() -> None:
        logger.close()
        writer.close()
        run.finish()
        screen.close()

    return Way(log, close)


def mirrored(base: Path, place: str) -> Way:
    from l2logger import l2logger
    from l2logger.sinks.console import ConsoleSink
    from l2logger.sinks.tensorboard import TensorBoardSink
    from l2logger.sinks.wandb import WandbSink

    screen = (base / "screen").open("w")
    sinks = [
        ConsoleSink(style="frame", every=SHOWN_EVERY, stream=screen),
        TensorBoardSink(base / "tensorboard", isolate=place),
        WandbSink("bench", mode="offline", dir=base, isolate=place),
    ]
    logger = l2logger.DataLogger(base, "bench", _INFO, {}, sinks=sinks)
    return Way(logger.log_record, logger.close, logger)


def in_threads(base: Path) -> Way:
    return mirrored(base, "thread")


def in_processes(base: Path) -> Way:
    return mirrored(base, "process")


class Case(NamedTuple):
    """A way to log, with its words for the table and the package it needs.

    Attributes:
        title: For the table.
        way: Begins to log below a directory.
        package: Whose `DataLogger` it uses.
        once: Whether it takes so long that one slice has to do.
    """

    title: str
    way: Callable[[Path], Way]
    package: str = "ours"
    once: bool = False


CASES = {
    "bare": Case("nothing logged", bare),
    "original": Case("log only, original", log_only, "original"),
    "ours": Case("log only, ours", log_only),
    "by_hand": Case("by hand: original, tensorboardX, W&B, print", by_hand, "original", once=True),
    "threads": Case("ours, mirrors in threads", in_threads),
    "processes": Case("ours, TensorBoard and W&B in processes", in_processes),
}


def use(package: str) -> None:
    """Have ``import l2logger`` find the package; the original comes without the rest of its environment."""
    if package == "ours":
        return
    sys.path.append(str(_ROOT / "tests"))
    import original

    [found] = original.ENVIRONMENT.glob("lib/python*/site-packages/l2logger")
    alone = original.ENVIRONMENT / "alone"
    alone.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        (alone / "l2logger").symlink_to(found)
    sys.path.insert(0, str(alone))


def arrived(base: Path) -> dict[str, int]:
    """Return how much there is to read: rows of the log, points of curves, rows of W&B's history, tables shown."""
    if str(_ROOT / "tests") not in sys.path:
        sys.path.append(str(_ROOT / "tests"))
    found = {"log": 0}
    for path in base.rglob("data-log.tsv"):
        found["log"] += path.read_bytes().count(b"\n") - 1
    if (base / "tensorboard").exists():
        import tensorboard_reading

        board = base / "tensorboard"
        curves = [tensorboard_reading.curves(board, run) for run in tensorboard_reading.runs(board)]
        found["tensorboard"] = sum(len(points) for of_run in curves for points in of_run.values())
    if (base / "wandb").exists():
        import wandb_file

        kinds = [
            each.WhichOneof("record_type") for file in wandb_file.files(base) for each in wandb_file.messages(file)
        ]
        found["wandb"] = kinds.count("history")
    if (base / "screen").exists():
        found["console"] = sum("exp" in line for line in (base / "screen").open())
    return found
