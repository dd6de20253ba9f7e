"""`gateproof report`: the verification as pages of Markdown."""

from __future__ import annotations

from pathlib import Path

import click

from equations.generate.files import differences, write
from verify.cli import writable
from verify.cli.cellarg import CELL, chosen
from verify.cli.jobs import run
from verify.report.dialects import page as dialects
from verify.report.index import index
from verify.report.measured import measured
from verify.report.page import page
from verify.suite import STAGES
from verify.target import definition_of, file_name, find
from verify.theorems.check import INSTALL, solver_missing

REPORTS = Path(__file__).resolve().parent.parent.parent / "reports"


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof report\n"
    "  gateproof report --check\n"
    "  gateproof report my_cell.py --output build/reports"
)
@click.argument("cell", type=CELL, nargs=-1)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The folder to write to; reports/ of the checkout unless told otherwise.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a page is not current.")
def report(cell: tuple[str, ...], output: Path | None, *, check: bool) -> int:
    """Verify each CELL (all known cells unless some are named) and write what was found.

    Exit status 1 if a claim failed; the pages are written all the same, and say so.
    """
    folder = output or REPORTS
    if output is None and not (folder.is_dir() and Path.cwd().is_relative_to(folder.parent)):
        raise click.UsageError(
            f"{Path.cwd()}: not in a checkout, whose reports/ it would be: give --output"
        )
    if output is None and any(map(definition_of, cell)):
        raise click.UsageError(
            "a cell from a file or with numbers needs --output: reports/ is for known cells"
        )
    if check and not folder.is_dir():
        raise click.UsageError(f"{folder}: no such folder")
    writable.folder("--output", None if check else folder)
    targets = chosen(cell)
    found = {target: find(target) for target in targets}
    if output is None and solver_missing() and any(made.theorems for made in found.values()):
        raise click.UsageError(f"reports/ holds what is proved, and that {INSTALL}")
    results = run(targets, quick=False, seed=0)
    texts = {} if cell else {"index.md": index(list(found.values())), "dialects.md": dialects()}
    for target, made in found.items():
        by_stage = {stage: results[target, stage] for stage in STAGES}
        texts[f"{file_name(made)}.md"] = page(made, by_stage)
    findings = {
        made.name: [finding for stage in STAGES for finding in results[target, stage]]
        for target, made in found.items()
    }
    failed = [f for group in findings.values() for f in group if f.failed]
    for finding in failed:
        click.echo(str(finding), err=True)
    if check:
        wrong = differences(folder, texts, "*.md" if not cell else "")
        for line in wrong:
            click.echo(f"{line}; run gateproof report", err=True)
        return int(bool(wrong or failed))
    (folder / "measured").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write(folder / name, text)
        click.echo(f"wrote {folder / name}")
    if not cell or output is not None:
        command = " ".join(["gateproof report", *cell])
        write(folder / "measured" / "evidence.md", measured(findings, command))
        click.echo(f"wrote {folder / 'measured' / 'evidence.md'}")
    return int(bool(failed))
