"""``l2logger validate``."""

import click

from l2logger.commands.options import Command, json_option, runs_argument
from l2logger.commands.terminal import busy, count, near, print_json
from l2logger.diagnostics import visible
from l2logger.findings import ERROR, Finding


@click.command(
    cls=Command,
    examples=(
        "l2logger validate logs/cartpole-1795229218-7487311",
        "l2logger validate logs --strict --json",
    ),
)
@runs_argument
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@json_option
def command(runs: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Check runs against all rules of the format, and list everything that is wrong.

    Errors are what the format forbids; warnings are what tools stumble over, such as an unfinished last line. The exit
    code is 1 if there is an error.
    """
    from l2logger import rules

    with busy("checking"):
        report = rules.validate(*runs, strict=strict)
    if as_json:
        print_json(report.as_dict())
    else:
        for finding in report.findings:
            click.echo(_line(finding))
        found = f"{count(len(report.errors), 'error')} and {count(len(report.warnings), 'warning')}"
        verdict = click.style("valid", fg="green") if report.valid else click.style("not valid", fg="red")
        where = (
            f"{count(report.records, 'record')} of {count(report.files, 'file')} in {count(len(report.runs), 'run')}"
        )
        click.echo(f"{verdict}: {found} in {where}")
    if not report.valid:
        click.get_current_context().exit(1)


def _line(finding: Finding) -> str:
    """Return a finding as compilers write them, so that editors know the place."""
    place = near(finding.path) + (f":{finding.line}" if finding.line else "")
    # Most problems begin with the name of the column.
    column = f"{finding.column}: " if finding.column and finding.column not in finding.problem else ""
    severity = click.style(finding.severity, fg="red" if finding.severity == ERROR else "yellow")
    return f"{visible(place)}: {severity}: {visible(column + finding.problem)} [{finding.rule}]"
