"""`gateproof show`: the equations of a cell and of what is derived from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast, get_args

import click

from equations.cell import Cell
from equations.derive.sequence import Recurrence
from equations.generate.numpy.module import functions_of
from equations.generate.planning.plan import Plan
from equations.printing import Format, render
from equations.program import Program
from verify.cli.cellarg import CELL
from verify.cli.console import form
from verify.target import find

Derivation = Callable[[Cell], Program | Recurrence]

PASSES: dict[str, tuple[Derivation, str]] = {
    "forward": (Cell.definition, "step"),
    "backward": (Cell.backward, "step_vjp"),
    "tangent": (Cell.tangent, "step_jvp"),
    "second": (Cell.second, "step_hvp"),
    "bptt": (Cell.bptt, "unroll_vjp"),
    "jacobian": (Cell.state_derivative, "step_jacobian"),
    "loss": (Cell.gradient, "step_vjp"),
}
OVER_STATES = ("bptt", "jacobian")
FORMATS = (*get_args(Format), "numpy")


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof show gru\n"
    "  gateproof show gru --pass backward\n"
    "  gateproof show lstm --pass jacobian --format latex\n"
    "  gateproof show gru --pass bptt --format numpy"
)
@click.argument("cell", type=CELL)
@click.option(
    "--pass",
    "which",
    type=click.Choice(list(PASSES)),
    default="forward",
    show_default=True,
    help="The definition, or what is derived from it: reverse mode, forward mode, second order, "
    "backpropagation through time, new states by old ones, the gradient of a declared loss.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(FORMATS),
    help="How equations are written; unicode where the terminal can, else ascii.",
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
def show(cell: str, which: str, output: str | None, *, ascii_only: bool) -> None:
    """Print the equations of CELL."""
    found = find(cell)
    if which in OVER_STATES and not found.states:
        raise click.UsageError(f"{found.name} has no states, so there is no {which} to show")
    derive, function = PASSES[which]
    shown = derive(found)
    if output == "numpy":
        click.echo("\n".join(dict(functions_of(Plan(found)))[function]))
        return
    written = "ascii" if ascii_only else output or form(ascii_only=False)
    click.echo(render(shown, cast("Format", written)).rstrip("\n"))
