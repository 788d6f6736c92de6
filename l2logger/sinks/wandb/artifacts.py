"""Artifacts of a run as artifacts of W&B."""

import os
import re
import shutil
from collections.abc import Mapping
from typing import Any, Final

from l2logger.paths import file_of_run
from l2logger.sinks.wandb import config as wandb_config
from l2logger.sinks.wandb import options as wandb_options
from l2logger.sinks.wandb.media import link_or_copy

_NAME_CHARS: Final = 128
_TABLE_CHARS: Final = len("run--") + len("-012345")
_MAX_METADATA: Final = 100
_STAGE: Final = "uploads"
_is_version: Final = re.compile(r"v\d+").fullmatch


def log(run: Any, fields: Mapping[str, Any], scenario_dir: str) -> None:
    """Log a version of an artifact to a W&B run, as ``<name>-<id of the run>``, by the aliases it has.

    W&B counts versions itself; the description tells ours. The files are linked, not copied, to the directory of the W&B
    run, from where W&B uploads them: they are still there when the version was removed to make room for newer ones. One
    that was removed before this is passed over.

    Args:
        run: The W&B run.
        fields: Of the signal.
        scenario_dir: Where the files are.

    Raises:
        FileNotFoundError: Some of the files are missing.
        LogFormatError: A path leads out of the run.
        ValueError: W&B does not take the name of the type, or an alias.
    """
    import wandb

    path = fields["path"]
    if not os.path.isdir(os.path.join(scenario_dir, path)):
        return
    metadata = wandb_config.clean(fields["metadata"])
    artifact = wandb.Artifact(
        wandb_options.valid_id(f"{fields['name']}-{run.id}", _NAME_CHARS),
        fields["type"],
        description=f"{path} of the run {os.path.basename(scenario_dir)}",
        metadata=metadata if len(metadata) <= _MAX_METADATA else {"metadata": metadata},
    )
    for file in fields["files"]:
        source = file_of_run(scenario_dir, f"{path}/{file['path']}")
        staged = os.path.join(_stage(run), os.path.relpath(source, os.path.realpath(scenario_dir)))
        link_or_copy(source, staged)
        artifact.add_file(staged, name=file["path"], policy="immutable", skip_cache=True)
    # W&B keeps such words for its own versions.
    run.log_artifact(artifact, aliases=[alias for alias in fields["aliases"] if not _is_version(alias)])


def table_name(run: Any, name: str) -> str:
    """Return what a table is called in a row: its name, if W&B can make an artifact ``run-<id>-<name>`` of it, as it does."""
    max_chars = _NAME_CHARS - _TABLE_CHARS - len(run.id)
    return name if len(name) <= max_chars and ":" not in name else wandb_options.valid_id(name, max_chars)


def clear(run: Any) -> None:
    """Remove the links, when W&B has uploaded everything."""
    shutil.rmtree(_stage(run), ignore_errors=True)


def _stage(run: Any) -> str:
    return os.path.join(os.path.dirname(os.path.realpath(run.dir)), _STAGE)
