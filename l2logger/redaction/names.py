"""Names of things that are secrets."""

import re
from functools import lru_cache
from typing import Any, Final

_into_words: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+").sub

_KEYS: Final = (
    "access|account|anthropic|api|app|auth|aws|azure|client|comet|consumer|deploy|encryption|gcp|github|gitlab|google|gpg|hf|hmac|"
    "huggingface|kaggle|license|master|neptune|openai|pgp|priv|private|rsa|secret|service|session|shared|signing|slack|ssh|"
    "storage|stripe|subscription|wandb|webhook"
)
_PASSES: Final = (
    "account|admin|cert|database|db|e?mail|http|ldap|login|mariadb|mongo|mqtt|my|mysql|pg|postgres|postgresql|proxy|rabbitmq"
    "|redis|root|s?ftp|smtp|sql|ssh|sudo|user|vpn|wifi"
)

_is_secret: Final = re.compile(
    rf"""^(?:pass|pw)$ | (?:^|_)(?:
        [a-z0-9]*pass(?:words?|wd) | pass_words? | pass_?phrases? | pass_?codes? | pwd | (?:{_PASSES})_?(?:pass|pw) | pass(?:word|wd)_hash
      | (?:api|app|client|consumer|shared)?secrets? | (?:access|api|auth|bearer|oauth|refresh)_?tokens? | token
      | jwt | bearer | o?auth | authorization | (?:credentials?|creds?|service_account)_?json | credentials? | creds? | (?:set_)?cookies?
      | (?:{_KEYS})_?keys? | access_?key_id | dsn | conn(?:ection)?_?str(?:ing)?
    )
    (?:_?\d+ | _(?:backup|default|dev|main|new|old|primary|prod|production|secondary|staging|value))*$""",
    re.VERBOSE,
).search

# Of language models, of transformers, and rates. A singular "token" of any other kind opens something.
_is_usual: Final = re.compile(
    r"""(?:^|_)(?:
        (?:action|begin|bos|class|cls|distill|distillation|end|eos|first|image|img|last|latent|mask|memory|next|obs|observation
          |pad|padding|patch|per|prev|previous|prompt|register|reward|sep|separator|special|start|state|stop|task|text|unk
          |unknown|video|audio)_token
      | (?:count|len|max|mean|min|n|num|total)_(?:[a-z0-9]+_)*tokens?
    )$ | ^(?:has|hide|is|needs|no|requires|show)_ """,
    re.VERBOSE,
).search

_VAGUE: Final = frozenset({"oauth", "pass", "pw", "token"})
_MAX_CHARS: Final = 200


def is_secret(name: Any) -> bool:
    """Return whether what has this name had better not be written down.

    Case, camel case, and what is between words make no difference: ``WANDB_API_KEY``, ``apiKey``, ``--db.password``. The
    last words decide, so ``token_count`` and ``max_tokens`` are no secrets; ``eos_token`` is none either. ``PGPASSWORD`` is
    one; ``pass`` and ``pw`` are, alone or after what has a password (``db_pass``), but not ``forward_pass``.

    Args:
        name: A key of a mapping, an option or a variable; what is no text is no secret.
    """
    return isinstance(name, str) and len(name) <= _MAX_CHARS and _named_secret(name)


@lru_cache(4096)
def _named_secret(name: str) -> bool:
    words = _into_words("_", name).strip("_").lower()
    return _is_secret(words) is not None and _is_usual(words) is None


def is_vague(name: str) -> bool:
    """Return whether a secret name may as well be that of something else: a piece of text, a test that has passed."""
    return name.strip("-_.").lower() in _VAGUE


def is_token(name: str) -> bool:
    """Return whether a secret name ends with "token", which alone may as well be a piece of text."""
    return name.lower().endswith("token")
