"""The console script ``l2logger``: read, check, convert and repair logs, and replay them into sinks.

Exit codes are 0 for fine, 1 for a log that is not valid or could not be repaired or replayed as a whole, 2 for a command that makes no sense,
3 for something that cannot be read or written, 130 after Ctrl-C and 141 when nobody reads the output any more.
"""

import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click

from l2logger.commands.terminal import say
from l2logger.diagnostics import interruptible
from l2logger.errors import ConfigError, L2LoggerError, L2LoggerWarning, LogFormatError

COMMANDS: Final = ("validate", "summary", "query", "tail", "replay", "aggregate", "convert", "repair", "version")

USAGE, UNREADABLE, INTERRUPTED, CLOSED_PIPE = 2, 3, 130, 141


class CommandLine(click.Group):
    """Commands that are loaded when they are used, and errors that take one line and a hint."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"l2logger.commands.{name}").command
        command.name = name
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(context, name) is None and not name.startswith("-"):
            close = difflib.get_close_matches(name, COMMANDS, 1, 0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"the commands are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {name!r}; {hint}", context)
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            context.color = False
        try:
            with interruptible():
                result = super().invoke(context)
            sys.stdout.flush()
        except BrokenPipeError:
            # Click would exit with 1, which is the status of an invalid log.
            _let_go_of_stdout()
            sys.exit(CLOSED_PIPE)
        return result

    def main(self, *args: Any, **more: Any) -> Any:
        run: Any = super().main
        if not more.pop("standalone_mode", True):
            return run(*args, standalone_mode=False, **more)
        # Names of files, and text of logs, may hold what the encoding of the terminal lacks.
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", L2LoggerWarning)
                warnings.showwarning = _show_warning
                status = run(*args, standalone_mode=False, **more)
        except BaseException as error:
            if _wants_traceback(args[0] if args else more.get("args")) and not isinstance(
                error, SystemExit | click.ClickException
            ):
                raise
            sys.exit(_status_after(error))
        sys.exit(status if isinstance(status, int) else 0)


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, envvar="L2LOGGER_DEBUG", help="Show the traceback of an error.")
@click.version_option(package_name="l2logger", message="%(prog)s %(version)s")
def cli(debug: bool) -> None:
    """Read, check, convert, repair and replay logs of lifelong-learning experiments.

    RUN is the directory of a run, a directory that holds runs, or the name of a run in $L2DATA/logs.

    Exit codes: 0 fine, 1 not valid or not done as a whole, 2 a mistake in the command, 3 cannot be read or written.
    """


def main() -> NoReturn:
    """Run the command that the arguments of the process name."""
    cli.main(prog_name="l2logger")
    raise AssertionError("click always exits")


def _wants_traceback(args: Sequence[str] | None) -> bool:
    # The option may stand behind a mistake that click found first.
    given = "--debug" in (sys.argv[1:] if args is None else args)
    return given or click.BOOL.convert(os.environ.get("L2LOGGER_DEBUG") or "0", None, None)


def _show_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    if issubclass(category, L2LoggerWarning):
        say("warning", str(message))


def _status_after(error: BaseException) -> int:
    """Say what went wrong, and return the exit code for it."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, KeyboardInterrupt | click.Abort):
        say("error", "interrupted")
        return INTERRUPTED
    if isinstance(error, click.UsageError):
        if type(error).__name__ == "NoArgsIsHelpError":
            click.echo(error.format_message(), err=True)
            return USAGE
        say("error", error.format_message())
        if hint := getattr(error, "hint", error.ctx and f"{error.ctx.command_path} --help"):
            say("hint", hint)
        return USAGE
    if isinstance(error, click.ClickException):
        say("error", error.format_message())
        return error.exit_code
    say("error", _one_line(error))
    if hint := _hint(error):
        say("hint", hint)
    return USAGE if isinstance(error, ConfigError) and not isinstance(error, OSError) else UNREADABLE


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, L2LoggerError | ImportError | OSError):
        return str(error)
    if type(error).__module__.endswith("duckdb"):
        return str(error).splitlines()[0]
    return f"{type(error).__name__}: {error}"


def _hint(error: BaseException) -> str:
    if isinstance(error, LogFormatError):
        return "l2logger validate RUN lists everything that is wrong with a log"
    if isinstance(error, ImportError):
        told = "pip install" in str(error) or (error.name or "l2logger").startswith("l2logger")
        return "" if told else f"pip install {error.name}"
    if isinstance(error, ConfigError):
        return ""
    if isinstance(error, MemoryError):
        return "give it more memory, or less to read"
    if isinstance(error, OSError | L2LoggerError) or type(error).__module__.endswith("duckdb"):
        return ""
    return "this is a mistake in l2logger; --debug shows where, please report it"


def _let_go_of_stdout() -> None:
    """Have the interpreter flush its buffers to nowhere when it ends."""
    try:
        fd = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), fd)
