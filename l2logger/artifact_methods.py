"""What a run and its handles can keep: files and models."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from l2logger import paths
from l2logger.errors import LogFormatError, SignalError
from l2logger.handle import Handle
from l2logger.signals import ARTIFACT, STEP

if TYPE_CHECKING:
    from l2logger.artifacts import Artifact


class ArtifactMethods(Handle):
    """Artifacts, which have versions.

    Each has a directory ``artifacts/<name>/v0``, ``v1`` and so on in the run, with a ``metadata.json`` beside its
    files. A version is complete or not there, also after a kill, a full disk or a power cut. When it is there, the
    signal goes to ``signals/<worker_id>.jsonl`` and to every sink that takes artifacts. All of it is done in the
    calling thread, because a model may be changed afterwards.
    """

    __slots__ = ()

    def log_artifact(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        type: str = "artifact",
        metrics: Mapping[str, Any] | None = None,
        best: str | None = None,
        mode: str | None = None,
        aliases: Iterable[str] = (),
        keep: int | None = None,
        step: int | None = None,
        clock: str | None = STEP,
    ) -> "Artifact":
        """Keep a copy of a file, or of all that is in a directory, as the next version of an artifact.

        If the latest version has the same content and nothing else is said of it, that is logged once more instead.
        Links that lead out of the directory, sockets, devices and what cannot be read are left out, with a warning and
        a note in ``metadata.json``. Files that tools take for the log of a run, such as ``data-log.tsv``, are refused.

        Args:
            path: The file or directory.
            name: Of the artifact, such as ``"data/train"``; by default the name of the file.
            metadata: What else is to be known of it; anything JSON can hold, without what seems to be secret.
            type: A word for what it is.
            metrics: How good it is, such as ``{"reward": 21.0}``.
            best: Name of the one of `metrics` that tells which version gets the alias ``best``. It holds for later
                versions, too.
            mode: Whether that is the one with the greatest (``"max"``) or the least (``"min"``) value; by default, what
                `describe` has said of the metric.
            aliases: Names for this version, such as ``["production"]``, which others lose; it is the ``latest`` anyway.
            keep: How many of the newest versions stay, besides those that have aliases; None: all.
            step: Where on the clock it belongs.
            clock: What `step` counts.

        Returns:
            The version, with its path, digest and aliases.

        Raises:
            SignalError: There is no such file, it cannot be kept, or something said of it is not what it should be.
            LogWriteError: The operating system refused; nothing was stored.
        """
        from l2logger.artifacts.description import describe
        from l2logger.artifacts.writing import store

        if not isinstance(path, str | os.PathLike) or not isinstance(source := os.fspath(path), str):
            raise SignalError(f"an artifact is made of the file or directory at a path, got {path!r:.200}")
        source = os.path.abspath(source)
        said = describe(*self._redacted(type, metadata), metrics, best, mode or self._better(best), aliases, keep)
        artifact = store(self.run.root, source, os.path.basename(source) if name is None else name, said)
        self._log_version(artifact, step, clock)
        return artifact

    def save_model(
        self,
        model: Any,
        name: str = "model",
        metadata: Mapping[str, Any] | None = None,
        *,
        metrics: Mapping[str, Any] | None = None,
        best: str | None = None,
        mode: str | None = None,
        aliases: Iterable[str] = (),
        keep: int | None = None,
        step: int | None = None,
        clock: str | None = STEP,
    ) -> "Artifact":
        """Save a model as the next version of an artifact.

        Args:
            model: What is to be saved, one of these:

                - An object with a method ``save(path)``. Its library may do as it likes; a suffix that it adds is found.
                - One with ``state_dict()``, such as a module or an optimizer of torch.
                - A mapping of arrays of numpy, torch or jax by name.
                - A checkpoint: a mapping of state dicts, with text, numbers, truth values, None, lists and tuples beside
                  the arrays, as deep as you like. What is not an array is stored as JSON, and nothing is looked
                  through for secrets.

                All but the first become a file of the format ``safetensors``: ``pip install "l2logger[models]"``.
            name: Of the artifact, such as ``"agent/policy"``.
            metadata: What else is to be known of it; anything JSON can hold, without what seems to be secret.
            metrics: How good it is, such as ``{"reward": 21.0}``.
            best: Name of the one of `metrics` that tells which version gets the alias ``best``.
            mode: ``"max"`` or ``"min"``, for `best`; by default, what `describe` has said of the metric.
            aliases: Names for this version.
            keep: How many of the newest versions stay, besides those that have aliases, such as the best; None: all.
            step: Where on the clock it belongs.
            clock: What `step` counts.

        Returns:
            The version, with its path, digest and aliases.

        Raises:
            SignalError: It cannot be saved, or something said of it is not what it should be.
            ImportError: A package is missing.
            LogWriteError: The operating system refused; nothing was stored.

        Example:
            >>> logger.save_model(model, metrics={"reward": 21.0}, best="reward", mode="max", keep=3)  # doctest: +SKIP
            >>> checkpoint = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}  # doctest: +SKIP
            >>> logger.save_model(checkpoint, "checkpoint", keep=2)  # doctest: +SKIP
        """
        from l2logger import models
        from l2logger.artifacts.description import describe

        said = describe(*self._redacted("model", metadata), metrics, best, mode or self._better(best), aliases, keep)
        artifact = models.save(self.run.root, model, name, said)
        self._log_version(artifact, step, clock)
        return artifact

    def load_model(
        self,
        name: str = "model",
        version: str | int = "latest",
        *,
        into: Any = None,
        using: Callable[[str], Any] | None = None,
    ) -> Any:
        """Load a model or another artifact of this run, after comparing the checksums of its files.

        For a run that nobody logs to any more, there is `l2logger.artifacts.load`.

        Needs ``pip install "l2logger[models]"``, unless the model was saved by its own library.

        Args:
            name: Of the artifact.
            version: ``"latest"``, ``"best"``, another alias, or a version such as ``"v3"``.
            into: A module or an optimizer of torch, or whatever else has ``load_state_dict``, which gets what was saved, the
                arrays as tensors, and is returned.
            using: What loads a model from a path, such as ``PPO.load``; what it returns is returned.

        Returns:
            Without `into` and `using`: what was saved, nested as it was, with arrays of numpy. For a model that was saved by its
            own library, and for what is no model: the path of its file, or of its directory.

        Raises:
            FileNotFoundError: There is no such model or version; the message lists what there is.
            LogFormatError: Its files are not those that were written.
            SignalError: It cannot be loaded this way.
            ImportError: A package is missing.
        """
        from l2logger.artifacts import load

        return load(self.run.root, name, version, into=into, using=using)

    def _redacted(self, type: Any, metadata: Mapping[str, Any] | None) -> tuple[Any, Any]:
        """Return a type and metadata in terms of JSON, as the processors of the run will leave them in the signal."""
        from l2logger.plain import plain
        from l2logger.processors.redact import Redact

        found = {"type": type, "metadata": plain({} if metadata is None else metadata)}
        for processor in self.run._processors:
            if isinstance(processor, Redact):
                found = processor(self.run, ARTIFACT, found)
        return found["type"], found["metadata"]

    def _better(self, metric: str | None) -> str | None:
        """Return what `describe` has said of a metric, if there is one."""
        if metric is None:
            return None
        from l2logger import info_files

        try:
            found = info_files.read(os.path.join(self.run.root, paths.MANIFEST))["descriptions"][metric]["better"]
        except (OSError, LogFormatError, LookupError, TypeError):
            return None
        return found if found in ("max", "min") else None

    def _log_version(self, artifact: "Artifact", step: int | None, clock: str | None) -> None:
        from l2logger.artifacts.writing import finite_metrics

        fields = {
            "name": artifact.name,
            "version": artifact.version,
            "path": artifact.relative_path,
            "type": artifact.type,
            "files": [file._asdict() for file in artifact.files],
            "nbytes": artifact.nbytes,
            "digest": artifact.digest,
            "aliases": list(artifact.aliases),
            "metadata": dict(artifact.metadata),
            "metrics": finite_metrics(artifact),
        }
        self._log(ARTIFACT, fields, step, clock)
