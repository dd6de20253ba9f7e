"""The command line: `gateproof` and `python -m verify`.

Exit status 0 when all is well, 1 when a check failed, 2 when the command was used wrongly.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence

import click

from verify.cli import workers

COMMANDS: Mapping[str, str] = {
    "check": "check",
    "convert": "convert",
    "frameworks": "frameworks",
    "generate": "generate",
    "gradients": "gradients",
    "identify": "identify",
    "list": "listing",
    "precision": "precision",
    "report": "report",
    "show": "show",
}
"""The commands, and the module of this package that has each."""

SHARED = ("check", "report")
"""Those whose work is shared by several processes, which are started first."""


class _Commands(click.Group):
    """Commands that are imported when they are asked for, inside what catches an interruption."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the interface of click
        """All names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{COMMANDS[cmd_name]}")
        found = (value for value in vars(module).values() if isinstance(value, click.Command))
        return next(command for command in found if command.name == cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is run; listing them all for help starts nothing."""
        if args[0] in SHARED and not set(ctx.help_option_names) & set(args):
            workers.begin()
        return super().resolve_command(ctx, args)


EPILOG = """\b
Examples:
  gateproof list
  gateproof show gru --pass backward
  gateproof check gru --quick
  gateproof check my_cell.py
"""


@click.group(cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gateproof")
def gateproof() -> None:
    """Recurrent cells from one definition: equations, gradients, NumPy code, evidence.

    A CELL is the name of a cell (see `gateproof list`) or a Python file that defines one.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; wrong use is one line on standard error."""
    try:
        # Imports take a second, in which a user may interrupt.
        from verify.cli.console import open_console  # noqa: PLC0415

        open_console()
        status = gateproof.main(arguments, prog_name="gateproof", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return refused(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return refused("interrupted")
    except Exception as error:
        if not isinstance(error, _refusals()):
            raise
        return refused(_told(error))
    return int(status or 0)


def _refusals() -> tuple[type[Exception], ...]:
    """What is wrong with the input and not with this program."""
    # They come with what raises them, and are not worth an import before.
    from equations.language import LanguageError  # noqa: PLC0415
    from verify.dialects.layout import DialectError  # noqa: PLC0415
    from verify.extras import MissingExtraError  # noqa: PLC0415

    return LanguageError, DialectError, MissingExtraError, OSError


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'output'}: {error.strerror.lower()}"
    return str(error)


def refused(message: str) -> int:
    """One line on standard error, and the exit status of wrong use."""
    click.echo(f"gateproof: {' '.join(message.split())}", err=True)
    return 2
