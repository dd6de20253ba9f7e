"""The command line: `gateproof` and `python -m verify`.

Exit status 0 when all is well, 1 when a check failed, 2 when the command was used wrongly.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from equations.language import LanguageError
from verify.cli.check import check
from verify.cli.console import open_console
from verify.cli.convert import convert
from verify.cli.frameworks import frameworks
from verify.cli.generate import generate
from verify.cli.gradients import gradients
from verify.cli.identify import identify
from verify.cli.listing import list_cells
from verify.cli.precision import precision
from verify.cli.report import report
from verify.cli.show import show
from verify.dialects.layout import DialectError
from verify.extras import MissingExtraError

EPILOG = """\b
Examples:
  gateproof list
  gateproof show gru --pass backward
  gateproof check gru --quick
  gateproof check my_cell.py
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gateproof")
def gateproof() -> None:
    """Recurrent cells from one definition: equations, gradients, NumPy code, evidence.

    A CELL is the name of a cell (see `gateproof list`) or a Python file that defines one.
    """


for _command in (
    list_cells,
    show,
    generate,
    check,
    report,
    convert,
    identify,
    precision,
    gradients,
    frameworks,
):
    gateproof.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; wrong use is one line on standard error."""
    open_console()
    try:
        status = gateproof.main(arguments, prog_name="gateproof", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _refused(error.format_message())
    except (LanguageError, DialectError, MissingExtraError, OSError) as error:
        return _refused(str(error))
    except click.Abort:
        return _refused("interrupted")
    return int(status or 0)


def _refused(message: str) -> int:
    click.echo(f"gateproof: {' '.join(message.split())}", err=True)
    return 2
