"""What W&B is given for a signal that is no number."""

import glob
import html
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from l2logger.paths import file_of_run
from l2logger.signals import ARRAY, FIGURE, HISTOGRAM, IMAGE, TABLE, TEXT, VIDEO, thawed


def value(run: Any, kind: str, fields: Mapping[str, Any], scenario_dir: str) -> Any:
    """Return what stands in W&B's row for a signal.

    Args:
        run: The W&B run.
        kind: Of the signal.
        fields: Of the signal.
        scenario_dir: Where its file is.

    Raises:
        FileNotFoundError: Its file is missing.
        ImportError: It is an image, and pillow is not installed.
        LogFormatError: Its path leads out of the run.
    """
    import wandb

    if kind == HISTOGRAM:
        return _histogram(wandb, list(fields["counts"]), list(fields["edges"]))
    if kind == TEXT:
        return _text(wandb, fields["text"])
    if kind == TABLE:
        rows = list(map(thawed, fields["rows"]))
        return wandb.Table(columns=list(fields["columns"]), data=rows, allow_mixed_types=True)
    path = file_of_run(scenario_dir, fields["path"])
    if kind in (IMAGE, FIGURE):
        return _image(wandb, path, fields.get("caption"))
    if kind == VIDEO:
        return _video(wandb, path, fields.get("caption"))
    if kind == ARRAY:
        keep(run, path, fields["path"])
        return fields["path"]
    raise ValueError(f"W&B has nothing for a signal of the kind {kind!r}")


def keep(run: Any, path: str, name: str) -> None:
    """Put a file, as it is, among those of a W&B run.

    Args:
        run: The W&B run.
        path: The file.
        name: What it is called there, with slashes.
    """
    place = os.path.join(run.dir, *name.split("/"))
    link_or_copy(path, place)
    run.save(glob.escape(place), base_path=glob.escape(run.dir), policy="now")


def link_or_copy(source: str, target: str) -> None:
    """Have a file at another place, too, without a second copy of its content if that is possible."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with suppress(FileExistsError):
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:  # another disk, or one without links
            shutil.copyfile(source, target)


def storable(text: str) -> str:
    """Return a text that UTF-8 can hold."""
    return text.encode(errors="backslashreplace").decode()


def _image(wandb: Any, path: str, caption: str | None) -> Any:
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise ImportError(f'images in W&B need pillow: pip install "l2logger[media]" ({error})', name="PIL") from error
    return wandb.Image(path, caption=caption)


def _video(wandb: Any, path: str, caption: str | None) -> Any:
    return wandb.Video(path, caption=caption, format=os.path.splitext(path)[1].removeprefix("."))


def _histogram(wandb: Any, counts: list[int], edges: list[float]) -> Any:
    return wandb.Histogram(np_histogram=(counts, edges))


def _text(wandb: Any, text: str) -> Any:
    """Return a page that shows a text as it is, with a slider over its versions."""
    import io

    encoded = html.escape(storable(text), quote=False)
    # The first line break is none of the text for a browser.
    page = f'<meta charset="utf-8"><pre style="white-space: pre-wrap">\n{encoded}</pre>'
    return wandb.Html(io.StringIO(page), inject=False)
