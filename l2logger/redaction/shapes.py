"""What secrets look like, wherever they stand in a text."""

import base64
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from l2logger.redaction import commands

_REDACTED: Final = "[redacted]"
_FLAGS: Final = re.VERBOSE


class Shape(NamedTuple):
    """A kind of secret.

    Attributes:
        marks: One of these is in every text that has such a secret; a quick look decides whether to look closer.
        pattern: Of the secret, and of what is needed to know it.
        replacement: For what the pattern found.
    """

    marks: tuple[str, ...]
    pattern: "re.Pattern[str]"
    replacement: str | Callable[["re.Match[str]"], str] = _REDACTED


def _basic(match: "re.Match[str]") -> str:
    try:
        is_login = b":" in base64.b64decode(match[2], validate=True)
    except ValueError:
        is_login = False
    return match[1] + _REDACTED if is_login else match[0]


# Every repetition is bounded or begins at a word, so that no text takes more than linear time.
_SHAPES: Final = (
    Shape(
        ("PRIVATE KEY",),
        re.compile(r"-----BEGIN[A-Z ]{0,40}PRIVATE\ KEY.*?(?:-----END[A-Z ]{0,40}PRIVATE\ KEY[A-Z -]*|\Z)", _FLAGS | re.DOTALL),
    ),
    Shape(
        ("://",),
        # A password may hold an unescaped slash; a number before a slash is a port.
        re.compile(
            r"""(://)(?:[^\s"'<>/?#@:\[\]]{0,256}:(?:[^\s"'<>/?#]{0,512}@|(?!\d*[/?#])[^\s"'<>@]{0,512}@)
              | (?<=http://)[^\s"'<>/?#]{1,512}@ | (?<=https://)[^\s"'<>/?#]{1,512}@)""",
            _FLAGS,
        ),
        rf"\1{_REDACTED}@",
    ),
    Shape(
        ("earer ", "EARER "),
        re.compile(r"\b((?:B|b)earer\s+|BEARER\s+)(?:(?=[^\s\d]{0,256}\d)[\w.~+/-]{6,}|[\w.~+/-]{24,})=*", _FLAGS),
        rf"\1{_REDACTED}",
    ),
    Shape(("asic ",), re.compile(r"\b([Bb]asic\s+)([A-Za-z0-9+/]{6,}={0,2})(?![\w+/=])", _FLAGS), _basic),
    Shape(("eyJ",), re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){1,3}", _FLAGS)),
    Shape(("AKIA", "ASIA", "ABIA", "ACCA"), re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", _FLAGS)),
    Shape(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}", _FLAGS)),
    Shape(("github_pat_",), re.compile(r"\bgithub_pat_\w{20,}", _FLAGS)),
    Shape(("glpat-",), re.compile(r"\bglpat-[\w-]{16,}", _FLAGS)),
    Shape(
        ("sk-",), re.compile(r"\bsk-(?:(?:admin|ant|lf|or|proj|svcacct)-[\w-]{16,}|[A-Za-z0-9]{16,})", _FLAGS)
    ),
    Shape(("k_live_", "k_test_"), re.compile(r"\b[prs]k_(?:live|test)_[A-Za-z0-9]{10,}", _FLAGS)),
    Shape(("hf_",), re.compile(r"\bhf_[A-Za-z0-9]{30,}", _FLAGS)),
    Shape(("xox",), re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", _FLAGS)),
    Shape(("hooks.slack.com/", "api/webhooks/"), re.compile(r"(hooks\.slack\.com/|api/webhooks/)[\w/-]+", _FLAGS), rf"\1{_REDACTED}"),
    Shape(("AIza",), re.compile(r"\bAIza[\w-]{35}", _FLAGS)),
    Shape(("ya29.",), re.compile(r"\bya29\.[\w-]{20,}", _FLAGS)),
    Shape(("pypi-",), re.compile(r"\bpypi-[\w-]{50,}", _FLAGS)),
    Shape(("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{36}", _FLAGS)),
    Shape(("SG.",), re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}", _FLAGS)),
    Shape(("wandb",), re.compile(r"\bwandb_v\d_\w{20,}", _FLAGS)),
    Shape(
        ("wandb", "WANDB"),
        re.compile(r"(wandb[^\n]{0,40}?)(?<![0-9a-zA-Z])(?:local-)?[0-9a-f]{40}(?![0-9a-zA-Z])", _FLAGS | re.IGNORECASE),
        rf"\1{_REDACTED}",
    ),
    Shape(
        ("sig=", "ignature="),
        re.compile(r"([?&](?:sig|(?:[Xx]-(?:Amz|Goog|amz|goog)-)?[Ss]ignature)=)[^&\s\"'<>]+", _FLAGS),
        rf"\1{_REDACTED}",
    ),
    Shape(
        ("machine ",),
        re.compile(r"(\bmachine\s+\S{1,256}\s+login\s+\S{1,256}\s+password\s+)\S+", _FLAGS),
        rf"\1{_REDACTED}",
    ),
    Shape(("curl",), commands.LOGIN_OF_CURL, rf"\1{_REDACTED}"),
    Shape(("mysql", "mariadb"), commands.PASSWORD_OF_MYSQL, rf"\1{_REDACTED}"),
    Shape(("sshpass",), commands.PASSWORD_OF_SSHPASS, rf"\1{_REDACTED}"),
)  # fmt: skip

BY_MARK: Final = [(mark, shape) for shape in _SHAPES for mark in shape.marks]
"""All kinds of secrets, by what is in a text that has one."""
