"""`gateproof frameworks`: the installed frameworks beside the equations of their dialects."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from equations.generate.files import write
from verify.cli import writable
from verify.cli.console import console
from verify.cli.jobs import progress
from verify.frameworks import subjects
from verify.frameworks.result import Result, results

SCHEMA = 1


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof frameworks\n"
    "  gateproof frameworks torch onnx\n"
    "  gateproof frameworks torch.GRU --json evidence.json"
)
@click.argument("name", nargs=-1)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Where the random inputs start; the same seed gives the same inputs.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(allow_dash=True, path_type=Path),
    help="Write all results to this file; - for standard output.",
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
def frameworks(
    name: tuple[str, ...], seed: int, json_file: Path | None, *, ascii_only: bool
) -> int:
    """Run the layers of the installed frameworks beside the equations that they are said to have.

    A NAME is a framework or one of its dialects (all unless some are named). Values and every
    gradient that a framework has are compared, at random inputs, with bounds on their rounding.
    What is not installed is skipped. Exit status 1 if a layer disagrees.
    """
    writable.file("--json", json_file)
    chosen = [(f, d) for f, d in subjects() if not name or {f.name, d.base, d.name} & set(name)]
    known = {word for f, d in subjects() for word in (f.name, d.base, d.name)}
    for word in name:
        if word not in known:
            listed = ", ".join(dict.fromkeys(f.name for f, _ in subjects()))
            raise click.UsageError(f"unknown framework or dialect {word!r}; frameworks: {listed}")
    found: list[Result] = []
    with progress() as live, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of frameworks are for their users
        task = live.add_task("starting", total=len(chosen))
        for framework, dialect in chosen:
            live.update(task, description=dialect.name)
            found += results(framework, dialect, seed)
            live.update(task, advance=1)
    wrong = [result for result in found if result.outcome == "disagrees"]
    if json_file is None or str(json_file) != "-":
        _print(found, ascii_only=ascii_only)
        for result in wrong:
            click.echo(f"{result}\n    repeat: gateproof frameworks {result.dialect} --seed {seed}")
        skipped = sum(result.outcome == "skipped" for result in found)
        verdict = f"{len(wrong)} DISAGREE" if wrong else "none disagrees"
        click.echo(f"{len(found)} comparisons, {skipped} skipped, {verdict}, seed {seed}")
    if json_file is not None:
        _write_json(json_file, found, seed)
    return int(bool(wrong))


def _print(found: Sequence[Result], *, ascii_only: bool) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("dialect", "cell", "network", "gradients", "outcome"):
        table.add_column(title)
    missing = dict.fromkeys(result.detail for result in found if result.outcome == "skipped")
    for result in found:
        if result.outcome == "skipped":
            continue
        gradients = "compared" if result.gradients else "none"
        outcome = f"[bold red]{result.outcome}[/]" if result.outcome == "disagrees" else "agrees"
        # Rich would read options in brackets as a style.
        dialect, cell = escape(result.dialect), escape(result.cell)
        table.add_row(dialect, cell, result.network, gradients, outcome)
    if table.row_count:
        console(ascii_only=ascii_only).print(table)
    for detail in missing:
        click.echo(f"skipped: {detail}")


def _write_json(path: Path, found: Sequence[Result], seed: int) -> None:
    text = json.dumps(
        {
            "schema": SCHEMA,
            "passed": all(result.outcome != "disagrees" for result in found),
            "seed": seed,
            "results": [result.to_json() for result in found],
        },
        indent=2,
        ensure_ascii=False,
    )
    if str(path) == "-":
        click.echo(text)
    else:
        write(path, text + "\n")
