"""The command: `python -m benchmarks`."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from pathlib import Path

import click
from rich.progress import Progress
from rich.table import Table

from benchmarks import report
from benchmarks.case import CELLS, DTYPES, SIZES, MissingError
from benchmarks.measure import APART, CONTENDERS, PASSES, Growth, Row, growth, rows
from benchmarks.plot import plot, plot_growth
from benchmarks.report import Run
from benchmarks.threads import process
from equations.generate.files import write
from verify.cli.console import console, open_console

OUTPUT = Path(__file__).resolve().parent.parent / "reports" / "measured"


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n"
    "  python -m benchmarks --size tiny --repeats 3\n"
    "  python -m benchmarks --cell gru --dtype float64 --output build/speed\n"
    "  python -m benchmarks --json > speed.json",
)
@click.option(
    "--size",
    "sizes",
    type=click.Choice(list(SIZES)),
    multiple=True,
    help="(T, B, n_x, n_h), by its n_h: "
    + "; ".join(f"{name} {tuple(size)}" for name, size in SIZES.items())
    + ". May be repeated; all of them unless told otherwise.",
)
@click.option(
    "--dtype", "dtypes", type=click.Choice(DTYPES), multiple=True, help="Both by default."
)
@click.option("--cell", "names", type=click.Choice(CELLS), multiple=True, help="Both by default.")
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=7,
    show_default=True,
    help="Samples of each; more of short ones.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many threads all compute with. With several, torch and jax have processes of their "
    "own, and time is measured as it passes: nothing else should run.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=OUTPUT,
    help="The folder for speed.md and speed.svg; reports/measured/ unless told otherwise.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in seconds, instead of tables.")
def command(
    sizes: tuple[str, ...],
    dtypes: tuple[str, ...],
    names: tuple[str, ...],
    repeats: int,
    threads: int,
    output: Path,
    *,
    as_json: bool,
) -> None:
    """Measure sequences: generated code, hand-written NumPy, frameworks, the products alone.

    With one thread everything runs in one process, in turns. A framework that is not installed is
    left out, and what to install is said. At all sizes this takes several minutes.
    """
    open_console()
    chosen = [SIZES[name] for name in SIZES if name in (sizes or SIZES)]
    runs = [(c, d, s) for c in names or CELLS for d in dtypes or DTYPES for s in chosen]
    found: list[Row] = []
    fits: list[Growth] = []
    groups = APART if threads > 1 else (tuple(CONTENDERS),)
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(console=console(stderr=True), transient=True))
        processes = [stack.enter_context(process(threads)) for _ in groups]
        task = progress.add_task("measuring", total=len(runs))
        for cell, dtype, size in runs:
            progress.update(task, description=f"{cell}, {dtype}, {tuple(size)}")
            for pool, group in zip(processes, groups, strict=True):
                found += pool.submit(rows, cell, dtype, size, repeats, group).result()
            if size == chosen[0]:
                fits += processes[0].submit(growth, cell, dtype, size, repeats).result()
            progress.advance(task)
    said = ["python", "-m", "benchmarks", *_told(sizes, dtypes, names), "--repeats", str(repeats)]
    run = Run(shlex.join(said + ["--threads", str(threads)] * (threads > 1)), repeats, threads)
    if as_json:
        click.echo(report.as_json(found, fits, run))
    else:
        _show(found, fits, run)
    output.mkdir(parents=True, exist_ok=True)
    name = "speed" if threads == 1 else f"speed-{threads}-threads"
    pictures = f"{name}.svg", f"{name}-growth.svg"
    try:
        plot(found, output / pictures[0])
        plot_growth(fits, output / pictures[1])
    except MissingError as error:
        click.echo(str(error), err=True)
        pictures = "", ""
    else:
        click.echo(f"wrote {output / pictures[0]} and {pictures[1]}", err=True)
    write(output / f"{name}.md", report.page(found, fits, run, *pictures))
    click.echo(f"wrote {output / name}.md", err=True)


def _told(sizes: tuple[str, ...], dtypes: tuple[str, ...], names: tuple[str, ...]) -> list[str]:
    """The options that decide what is measured, as they were given."""
    options = [("--size", sizes), ("--dtype", dtypes), ("--cell", names)]
    return [part for option, values in options for value in values for part in (option, value)]


def _show(found: list[Row], fits: list[Growth], run: Run) -> None:
    """Tables in the terminal."""
    out = console()
    out.print(report.headline(run), markup=False)
    for which in PASSES:
        out.print(_table(report.TITLES[which], report.HEADINGS, report.lines(found, which)))
    out.print(_table("Growth with the steps", report.STEPS_HEADINGS, report.by_steps(fits)))
    out.print(_table("Growth with the states", report.STATES_HEADINGS, report.by_states(fits)))
    for line in report.missing(found):
        out.print(line, markup=False)


def _table(title: str, headings: tuple[str, ...], lines: list[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < 3 else "right", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    return table


def main() -> None:
    """Run the command line; wrong use is one line on standard error, and status 2."""
    try:
        command.main(prog_name="python -m benchmarks", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"benchmarks: {' '.join(error.format_message().split())}", err=True)
        sys.exit(2)
    except OSError as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(2)
    except click.Abort:
        click.echo("benchmarks: interrupted", err=True)
        sys.exit(2)
