"""`gateproof gradients`: how far back a gradient reaches, measured and predicted."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click
from rich.table import Table

from equations.generate.files import write
from verify.cli import writable
from verify.cli.cellarg import CELL, chosen
from verify.cli.console import console, plain
from verify.cli.jobs import Piece, parallel, progress
from verify.extras import MissingExtraError
from verify.gradients.experiment import suits
from verify.gradients.page import HEADINGS, Findings, draw, lines, page
from verify.gradients.run import settings_of, sweeps_of
from verify.target import find


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof gradients rnn gru lstm\n"
    "  gateproof gradients gru --quick\n"
    "  gateproof gradients rnn gru lstm --output reports/measured"
)
@click.argument("cell", type=CELL, nargs=-1)
@click.option("--quick", is_flag=True, help="Without turning gates and weights through all places.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of task and weights."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write gradients.md and its pictures to this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
def gradients(
    cell: tuple[str, ...],
    seed: int,
    output: Path | None,
    *,
    quick: bool,
    as_json: bool,
    ascii_only: bool,
) -> None:
    """Measure how gradients vanish or explode over time in each CELL.

    On the same task and initialisation: the norm of the derivative of the last state by earlier
    ones, its growth per step (the Lyapunov exponent), and what the mean values of the gates predict
    for it, with all else and alone; while biases of gates and recurrent matrices are turned.
    Without a CELL, all with vectors as states and one vector as input.
    """
    targets = list(dict.fromkeys(chosen(cell)))
    unfit = [target for target in targets if not suits(find(target))]
    if cell and unfit:
        raise click.UsageError(
            f"{unfit[0]}: expected a cell with vectors as states and one vector as input"
        )
    writable.folder("--output", output)
    targets = [target for target in targets if target not in unfit]
    options = [*(["--quick"] if quick else []), *(["--seed", str(seed)] if seed else [])]
    command = shlex.join(["gateproof", "gradients", *cell, *options])
    found = _measured(targets, seed, command, quick=quick)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        _print(found, ascii_only=ascii_only)
    if output is not None:
        _write(found, output)


def _measured(targets: list[str], seed: int, command: str, *, quick: bool) -> Findings:
    pieces: dict[tuple[str, str], Piece] = {
        ("settings", target): (settings_of, (target, seed)) for target in targets
    }
    if not quick:
        pieces |= {("sweeps", target): (sweeps_of, (target, seed)) for target in targets}
    found = {}
    with progress() as live:
        task = live.add_task("measuring", total=len(pieces))
        for key, result in parallel(pieces):
            found[key] = result
            live.update(task, advance=1, description=" ".join(key))
    return Findings(
        command,
        [found["settings", target][0] for target in targets],
        [each for target in targets for each in found["settings", target][1]],
        [each for target in targets for each in found.get(("sweeps", target), ())],
    )


def _print(found: Findings, *, ascii_only: bool) -> None:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(HEADINGS):
        told = plain(
            heading.replace("λ", "lambda") if ascii_only else heading, ascii_only=ascii_only
        )
        made.add_column(told, justify="right" if number > 1 else "left")
    for line in lines(found):
        made.add_row(
            *(
                plain(part.replace("±", "+-") if ascii_only else part, ascii_only=ascii_only)
                for part in line
            )
        )
    console(ascii_only=ascii_only).print(made)


def _write(found: Findings, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[str] = []
    try:
        pictures = draw(found, folder)
    except MissingExtraError as error:
        click.echo(f"no pictures: {error}", err=True)
    write(folder / "gradients.md", page(found, pictures))
    for name in ("gradients.md", *pictures):
        click.echo(f"wrote {folder / name}", err=True)
