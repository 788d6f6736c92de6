"""A wrapper that puts names under a prefix."""

from typing import Any

from l2logger.errors import ConfigError
from l2logger.signals import Signal
from l2logger.sinks.sink import Sink
from l2logger.sinks.wrapper import Wrapper, metrics_of, name_field, with_fields


class Prefix(Wrapper):
    """Put metrics under a prefix: ``Prefix("actor", TensorBoardSink())`` shows ``loss`` as ``actor/loss``.

    So are images and whatever else has a name. Their files stay where they are.

    Args:
        prefix: A name, or several with slashes between them.
        to: The sink that gets the renamed metrics.

    Raises:
        ConfigError: An argument is not what it should be; a prefix that is absolute or has ``..`` in it is none.
    """

    option = "prefix"

    def __init__(self, prefix: str, to: Sink) -> None:
        super().__init__(to, prefix)
        names = prefix.replace("\\", "/").split("/") if isinstance(prefix, str) else [""]
        if not all(name.strip() and name.isprintable() and name not in (".", "..") for name in names):
            raise ConfigError(f"a prefix is a name, or several such as 'agent/actor'; got {prefix!r}")
        self._prefix = prefix

    def changed(self, signal: Signal) -> dict[str, Any]:
        return {f"{self._prefix}/{name}": value for name, value in metrics_of(signal).items()}

    def other(self, signal: Signal) -> Signal:
        field = name_field(signal)
        return signal if field is None else with_fields(signal, **{field: f"{self._prefix}/{signal.fields[field]}"})
