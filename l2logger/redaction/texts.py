"""What is left of a text without its secrets."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from l2logger.redaction import commands
from l2logger.redaction.names import is_secret, is_token, is_vague
from l2logger.redaction.shapes import BY_MARK

_REDACTED: Final = "[redacted]"
_FLAGS: Final = re.VERBOSE

_HINTS: Final = ("pass", "secret", "token", "key", "auth", "cred", "pw", "dsn", "cookie", "jwt", "bearer", "conn")
"""Each secret name has one of these in it."""

_assignment: Final = re.compile(
    r"""(?<![\w.-])-{0,2}(?P<name>[A-Za-z_][\w.-]{0,99})
        (?P<mark>\\?["'`]?\s{0,3}(?:=>|:=|[=:])[ \t]{0,3})""",
    _FLAGS,
).search
_option: Final = re.compile(
    rf"""(?:(?<!\S)|(?<=["']))(?:{commands.PAIRS}["']?,?[ \t]+["']?|--?)(?P<name>[A-Za-z][\w.-]{{0,99}})
        (?P<mark>["']?,?[ \t]+)(?!\s|["']?(?:{commands.OPTION}|-+(?:[\s"']|\Z)))""",
    _FLAGS,
).search
_value: Final = re.compile(
    r"""(?P<quote>\\?"|')?(?P<value>
        (?(quote)(?:[^"'\\\n]|\\(?!")[^\n]|(?!(?P=quote))["'])*
        |(?:(?:[Bb]earer|[Bb]asic|[Tt]oken)[ ])?(?:\[redacted\]|[^\s"'&;,<>)\]}])+))
        (?=(?P<end>[ \t,;]*(?:\#|\r?\n|\Z))?)""",
    _FLAGS,
).match

# Of YAML: a value that begins on the line after its name.
_block: Final = re.compile(
    r"""^(?P<indent>[ \t]*(?:-[ ]+)?)["']?(?P<name>[A-Za-z_][\w.-]{0,99})["']?[ \t]?:
        [ \t]*(?:(?P<style>[|>][+-]?\d?)[ \t]*)?(?:\#[^\n]*)?\r?\n""",
    _FLAGS | re.MULTILINE,
).search

_is_no_value: Final = re.compile(
    r"none|null|nil|true|false|yes|no|\W*|\$.*|<.*|(?:\w+ )?\[redacted\]", re.IGNORECASE
).fullmatch
_is_small_number: Final = re.compile(r"-?(?:\d{0,5}|\d*\.\d*)(?:e[+-]?\d+)?").fullmatch
_is_call: Final = re.compile(r"[A-Za-z_][\w.]*\(.*").fullmatch
_is_prose: Final = re.compile(
    "(?:an?|and|are|argument|by|can|flags?|for|from|has|if|in|is|it|may|must|of|on|options?|or|parameter|should|switch|that|the|"
    "this|to|was|which|will|with)\\W*"
).fullmatch
_MIN_CHARS: Final = 6


def redacted_text(text: str) -> str:
    """Return a text without the secrets in it; the very same object if there are none.

    They are known by their shape (URLs with a password, ``Bearer ...``, keys of cloud services, JSON web tokens, private
    keys, ``curl -u user:...``), and by what stands before them: ``password=``, ``"api_key":``, ``--token``, ``password: |``
    and a line break. Not found is what stands in brackets, ``passwords: ["x", "y"]``, and a password of several words without
    quotes on the line after its name.
    """
    found = text
    for shape in [shape for mark, shape in BY_MARK if mark in text]:
        found = shape.pattern.sub(shape.replacement, found)
    if "=" in text or ":" in text or "-" in text:
        folded = text.lower()
        if [hint for hint in _HINTS if hint in folded]:
            found = _without_values(_assignment, _without_values(_option, found))
            if "\n" in text and ":" in text:
                found = _without_blocks(found)
    return text if found == text else found


def says_nothing(text: str) -> bool:
    """Return whether a text is no secret wherever it stands, such as "none", or a variable that is filled in later."""
    return _is_no_value(text) is not None


def looks_random(text: str) -> bool:
    """Return whether a text is rather a secret than a word."""
    return len(text) >= _MIN_CHARS and any(each.isdigit() for each in text)


def is_small(value: object) -> bool:
    """Return whether something is a number that is rather measured or counted than a secret."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**5)


def _without_values(find: Callable[[str, int], "re.Match[str] | None"], text: str) -> str:
    """Return a text without what stands after the names that are found, where they are those of secrets."""
    pieces: list[str] = []
    kept = at = 0
    while head := find(text, at):
        at = head.end()
        if is_secret(head["name"]) and (value := _value(text, at)) and _is_told(head, value):
            pieces += text[kept : value.start("value")], _REDACTED
            kept = at = value.end("value")
    return "".join(pieces) + text[kept:] if pieces else text


def _without_blocks(text: str) -> str:
    """Return a text without what stands on the lines after the names of secrets, indented."""
    pieces: list[str] = []
    kept = at = 0
    while head := _block(text, at):
        at = head.end()
        if is_secret(head["name"]):
            lines = _lines(len(head["indent"]) + 1, head["style"] is not None).match(text, at)
            if lines and not _is_no_value(lines["value"]) and _is_clear(head["name"], lines["value"]):
                pieces += text[kept : lines.start("value")], _REDACTED
                kept = lines.end("value")
                at = lines.end()
    return "".join(pieces) + text[kept:] if pieces else text


@lru_cache(100)
def _lines(indent: int, is_block: bool) -> "re.Pattern[str]":
    """Return the pattern of a value on lines of its own: all of a block, or else one word, or a list of words."""
    if is_block:
        line = rf"(?:[ \t]*\r?\n)*[ \t]{{{indent},}}"
        return re.compile(rf"{line}(?P<value>\S[^\n]*(?:\n{line}\S[^\n]*)*)")
    word = r"[^\s\"'#({\[]\S*?(?<!:)"
    more = rf"(?:[\"']?[ \t]*\r?\n[ \t]{{{indent},}}-[ ]+[\"']?{word})*"
    return re.compile(rf"[ \t]{{{indent},}}(?:-[ ]+)?[\"']?(?P<value>{word}{more})[\"']?,?[ \t]*(?:\r?\n|\Z)")


def _is_clear(name: str, value: str) -> bool:
    return looks_random(value) or not (is_token(name) or is_vague(name))


def _is_told(head: "re.Match[str]", found: "re.Match[str]") -> bool:
    """Return whether what stands after a name is its value, and not part of a sentence or of a program."""
    value, mark = found["value"], head["mark"]
    if _is_no_value(value) or (is_vague(head["name"]) and _is_small_number(value)):
        return False
    if found["quote"]:
        return True
    if mark.isspace():
        return _is_prose(value) is None
    if ":" in mark and not looks_random(value) and not is_token(head["name"]) and is_vague(head["name"]):
        return False
    if mark[-1].isspace():
        is_clear = looks_random(value) or (found["end"] is not None and _is_clear(head["name"], value))
        return is_clear and not any(each in value for each in "([{")
    return _is_call(value) is None
