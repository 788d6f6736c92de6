"""Write ``docs/cli.md`` from the commands themselves; a test checks that the page is what this writes.

Run with ``python docs/commands.py`` from the root of the project.
"""

import inspect
from pathlib import Path

import click

from l2logger.cli import COMMANDS, cli

PAGE = Path(__file__).parent / "cli.md"

INTRODUCTION = """\
# The command line

*Written by `docs/commands.py` from the commands themselves.*

`l2logger COMMAND --help` says what is here. `python -m l2logger` is the same command.

| exit code | means |
|---|---|
| 0 | fine |
| 1 | `validate` found an error, `repair` left a file as it is, or a sink did not take everything in `replay` |
| 2 | the command makes no sense: an unknown option, a mistake in the SQL |
| 3 | something cannot be read or written |
| 130 | ended by Ctrl-C; `tail -f` and `replay --follow` end with 0 |
| 141 | the reader of the output has ended, as in `l2logger tail RUN \\| head` |

Results go to standard output. Errors, warnings, hints and the progress bar go to standard error; an error takes one line, and
`--debug` before the command (or `L2LOGGER_DEBUG=1`) shows where it comes from. Where a command has `--json`, its output is JSON
in which NaN and the infinities are `null`. Colors are used on a terminal, unless `NO_COLOR` is set. Control characters in names
and values out of a log are shown as escapes such as `\\x1b`.

## Completion

Put one of these lines into the file your shell reads at its start:

```sh
eval "$(_L2LOGGER_COMPLETE=bash_source l2logger)"   # ~/.bashrc
eval "$(_L2LOGGER_COMPLETE=zsh_source l2logger)"    # ~/.zshrc
_L2LOGGER_COMPLETE=fish_source l2logger | source    # ~/.config/fish/config.fish
```
"""


def page() -> str:
    """Return the page."""
    context = click.Context(cli, info_name="l2logger")
    parts = [INTRODUCTION]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        parts.append(section(name, command))
    return "\n".join(parts)


def section(name: str, command: click.Command) -> str:
    """Return what is said of one command."""
    arguments = " ".join(each.metavar or "" for each in command.params if is_argument(each))
    usage = f"l2logger {name} [OPTIONS] {arguments}".rstrip()
    rows = [f"| {typed(each)} | {about(each)} |" for each in command.params if isinstance(each, click.Option)]
    table = "\n".join(["| option | |", "|---|---|", *rows, "| `-h`, `--help` | Show the help. |"])
    examples = "\n".join(command.examples)
    return f"## {name}\n\n```\n{usage}\n```\n\n{inspect.cleandoc(command.help)}\n\n{table}\n\n```sh\n{examples}\n```\n"


def is_argument(parameter: click.Parameter) -> bool:
    """Return whether it is an argument, not an option."""
    return isinstance(parameter, click.Argument)


def typed(option: click.Option) -> str:
    """Return an option as it is typed."""
    value = f" {option.metavar}" if option.metavar else ""
    return ", ".join(f"`{spelling}{value}`" for spelling in option.opts)


def about(option: click.Option) -> str:
    """Return the help of an option, with its choices and its default."""
    text = option.help or ""
    if isinstance(option.type, click.Choice):
        text += f" One of {', '.join(f'`{choice}`' for choice in option.type.choices)}."
    if option.show_default:
        text += f" Default: `{option.default}`."
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
