"""Secrets in command lines, as a text or as a list of arguments."""

import re
from typing import Final

OPTION: Final = r"(?:--[A-Za-z]|-[A-Za-z]\d{0,4}(?![\w.+/=-])|-[a-z]+(?:-[a-z]+)*(?![\w.+/-]))"
"""An option, and no value that begins with a dash."""

PAIRS: Final = r"--(?:cfg|config|define|opts?|options?|overrides?|params?|set)(?:-[a-z]{1,20})?"
"""An option that a name and its value follow as two arguments."""

# What separates arguments: in a text, in a list that is shown as text, in a list that is joined.
_BETWEEN: Final = r"[\s\"',\0]"

# Of programs with an option for passwords that does not say so.
LOGIN_OF_CURL: Final = re.compile(
    rf"""((?<![\w.-])curl{_BETWEEN}(?:[^\n]{{0,300}}?{_BETWEEN})??
        (?:-[A-Za-z]{{0,8}}[uU]{_BETWEEN}{{0,4}}|--(?:proxy-)?user[=\s"',\0]{{1,4}})[^\s:"'\0]{{1,100}}:)(?!\$)[^\s"'\0]+""",
    re.VERBOSE,
)
PASSWORD_OF_MYSQL: Final = re.compile(
    rf"""((?<![\w.-])(?:mysql(?:dump|admin|import)?|mariadb(?:-dump)?){_BETWEEN}(?:[^\n|;&]{{0,300}}?{_BETWEEN})??
        -p["']?)(?![\s"',\0$])[^\s"'\0]+""",
    re.VERBOSE,
)
PASSWORD_OF_SSHPASS: Final = re.compile(
    rf"""((?<![\w.-])sshpass{_BETWEEN}{{1,4}}-p{_BETWEEN}{{0,4}})(?!\$)[^\s"'\0]+""", re.VERBOSE
)

_PROGRAMS: Final = ("curl", "mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump", "sshpass")

_is_option: Final = re.compile(OPTION).match
_is_pairs: Final = re.compile(PAIRS).fullmatch


def is_option(argument: object) -> bool:
    """Return whether an argument is an option, and not a password that begins with a dash, as made-up ones may."""
    return isinstance(argument, str) and _is_option(argument) is not None


def takes_pairs(option: str) -> bool:
    """Return whether a name and its value follow an option as two arguments, as in ``--set db.password x``."""
    return _is_pairs(option) is not None


def is_program(argument: str) -> bool:
    """Return whether an argument is a program with an option for passwords that does not say so."""
    return argument.endswith(_PROGRAMS) and argument.rpartition("/")[2] in _PROGRAMS


def redacted_arguments(arguments: list[str]) -> list[str]:
    """Return the arguments of such a program without the passwords."""
    text = "\0".join(arguments)
    for pattern in (LOGIN_OF_CURL, PASSWORD_OF_MYSQL, PASSWORD_OF_SSHPASS):
        text = pattern.sub(r"\1[redacted]", text)
    return text.split("\0")
