"""What is to become a file."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from l2logger.errors import SignalError
from l2logger.paths import checked_name


class Drawing(NamedTuple):
    """A snapshot of something, and how to make a file of it.

    Attributes:
        fields: What is known of it at once: its name, and its caption if it has one.
        suffix: How the name of the file ends, such as ``".png"``.
        nbytes: Memory it holds until the file is there.
        write: Writes the file at a path and returns further fields of the signal, such as its width. Called once, by
            any thread.
    """

    fields: dict[str, Any]
    suffix: str
    nbytes: int
    write: Callable[[str], Mapping[str, Any]]


def described(what: str, name: Any, caption: Any = None) -> dict[str, Any]:
    """Return the fields that name something.

    Args:
        what: What it is, for the error.
        name: See `checked_name`.
        caption: Text, or None.

    Raises:
        SignalError: The name cannot be one, or the caption is no text.
    """
    fields = {"name": checked_name(what, name)}
    if caption is not None:
        if not isinstance(caption, str):
            raise SignalError(
                f"the caption of {what} must be text, got {caption!r:.200} ({type(caption).__name__}); write str(...) around it"
            )
        fields["caption"] = str.__str__(caption)
    return fields
