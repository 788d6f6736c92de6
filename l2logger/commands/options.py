"""What commands have in common: examples in their help, arguments and options."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose help ends with examples.

    Args:
        examples: Lines as they are typed.
    """

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.examples = examples

    def get_short_help_str(self, limit: int = 45) -> str:
        # The whole first sentence; it takes two lines in the list of commands where it has to.
        return super().get_short_help_str(1000)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
            for example in self.examples:
                formatter.write(f"  {example}\n")


class Mistake(click.UsageError):
    """A command that makes no sense, and what would make some.

    Args:
        message: What is wrong with it.
        hint: What to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, click.get_current_context(silent=True))
        self.hint = hint


RUN = click.Path(path_type=str)
"""The path of a run, or its name in ``$L2DATA/logs``; shells complete it as a path."""


def run_argument(command: Function) -> Function:
    """Give a command the argument ``run``."""
    return click.argument("run", metavar="RUN", type=RUN)(command)


def runs_argument(command: Function) -> Function:
    """Give a command the argument ``runs``, one or more."""
    return click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=RUN)(command)


def json_option(command: Function) -> Function:
    """Give a command the option ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)
