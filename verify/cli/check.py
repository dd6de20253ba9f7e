"""`gateproof check`: the whole verification, with progress while it runs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from time import perf_counter

import click
from rich.markup import escape
from rich.table import Table

from equations.generate.files import write
from equations.generate.targets import TARGETS
from verify.cli import writable
from verify.cli.cellarg import CELL, chosen
from verify.cli.console import console, plain
from verify.cli.jobs import Results, run
from verify.report.measured import OPTIONAL
from verify.report.provenance import versions
from verify.suite import SCHEMA, STAGES, Finding, Word
from verify.target import find

WORDS: tuple[Word, ...] = ("proved", "by construction", "cross-checked")


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof check\n"
    "  gateproof check gru lstm --quick\n"
    "  gateproof check my_cell.py --json evidence.json\n"
    "  gateproof check gru --target numba"
)
@click.argument("cell", type=CELL, nargs=-1)
@click.option("--quick", is_flag=True, help="Fewer sizes, cases and planted errors; seconds.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Where the random inputs start; the same seed gives the same inputs.",
)
@click.option(
    "--target",
    "form",
    type=click.Choice(list(TARGETS)),
    default="numpy",
    show_default=True,
    help="Which generated module is verified: NumPy alone, or the sequences compiled by numba.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(allow_dash=True, path_type=Path),
    help="Write all findings to this file; - for standard output.",
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
def check(
    cell: tuple[str, ...],
    seed: int,
    form: str,
    json_file: Path | None,
    *,
    quick: bool,
    ascii_only: bool,
) -> int:
    """Verify each CELL (all known cells unless some are named).

    Every claim is proved, true by construction or cross-checked. Exit status 1 if one fails.
    """
    writable.file("--json", json_file)
    if missing := TARGETS[form].missing:
        raise click.UsageError(f'{form} needs {missing[0]}: pip install "gateproof[fast]"')
    targets = chosen(cell)
    names = {target: find(target).name for target in targets}
    start = perf_counter()
    results = run(targets, quick=quick, seed=seed, form=form)
    seconds = perf_counter() - start
    findings = [f for target in targets for stage in STAGES for f in results[target, stage]]
    failed = [finding for finding in findings if finding.failed]
    skipped = [finding for finding in findings if finding.skipped]
    undecided = [finding for finding in findings if finding.undecided]
    if json_file is None or str(json_file) != "-":
        _print(targets, names, results, ascii_only=ascii_only)
        for finding in undecided:
            click.echo(plain(str(finding), ascii_only=ascii_only))
        for finding in failed:
            again = next(target for target in targets if names[target] == finding.cell)
            line = f"{finding}\n    repeat: gateproof check {again} --seed {seed}"
            line += (" --quick" if quick else "") + (f" --target {form}" if form != "numpy" else "")
            click.echo(plain(line, ascii_only=ascii_only))
        for reason in dict.fromkeys(finding.detail for finding in skipped):
            count = sum(finding.detail == reason for finding in skipped)
            click.echo(f"{count} claims skipped, not established here: {reason}")
        held = "all others hold" if skipped or undecided else "all hold"
        verdict = f"{len(failed)} FAILED" if failed else held
        click.echo(f"{len(findings)} claims, {verdict}, {seconds:.1f} s, seed {seed}")
    if json_file is not None:
        _write_json(json_file, findings, quick=quick, seed=seed, form=form)
    return int(bool(failed))


def _print(
    targets: list[str], names: dict[str, str], results: Results, *, ascii_only: bool
) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("cell")
    table.add_column("evidence")
    for word in (*WORDS, "skipped", "undecided", "failed"):
        table.add_column(word, justify="right")
    for target in targets:
        for stage in STAGES:
            found = results[target, stage]
            counts = Counter(finding.word for finding in found if finding.passed)
            failed = sum(finding.failed for finding in found)
            skipped = sum(finding.skipped for finding in found)
            undecided = sum(finding.undecided for finding in found)
            mark = f"[bold red]{failed}[/]" if failed else "[green]0[/]"
            numbers = (*(counts[word] for word in WORDS), skipped, undecided)
            table.add_row(
                escape(names[target]), stage, *(str(number or "") for number in numbers), mark
            )
    console(ascii_only=ascii_only).print(table)


def _write_json(path: Path, findings: list[Finding], *, quick: bool, seed: int, form: str) -> None:
    text = json.dumps(
        {
            "schema": SCHEMA,
            "passed": not any(finding.failed for finding in findings),
            "skipped": sum(finding.skipped for finding in findings),
            "undecided": sum(finding.undecided for finding in findings),
            "seed": seed,
            "quick": quick,
            "target": form,
            "versions": versions(OPTIONAL),
            "findings": [finding.to_json() for finding in findings],
        },
        indent=2,
        ensure_ascii=False,
    )
    if str(path) == "-":
        click.echo(text)
    else:
        write(path, text + "\n")
