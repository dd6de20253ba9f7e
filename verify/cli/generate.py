"""`gateproof generate`: the NumPy modules, written or compared."""

from __future__ import annotations

from pathlib import Path

import click

from equations.generate.files import GENERATED, differences, write
from equations.generate.module import module_text
from verify.cli.cellarg import CELL, chosen
from verify.target import find, is_file


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof generate\n"
    "  gateproof generate --check\n"
    "  gateproof generate my_cell.py --output build"
)
@click.argument("cell", type=CELL, nargs=-1)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to; equations/generated unless told otherwise.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is not current.")
def generate(cell: tuple[str, ...], output: Path | None, *, check: bool) -> int:
    """Generate the NumPy module of each CELL (of all known cells unless some are named)."""
    folder = output or GENERATED
    if not folder.is_dir():
        if check or output is None:
            raise click.UsageError(f"{folder}: no such folder")
        folder.mkdir(parents=True)
    if output is None and any(is_file(name) for name in cell):
        raise click.UsageError("a cell from a file needs --output: the package holds its own cells")
    texts = {}
    for name in chosen(cell):
        found = find(name)
        source = Path(name).name if is_file(name) else ""
        texts[f"{found.name}.py"] = module_text(found, source)
    if check:
        wrong = differences(folder, texts, "*.py" if not cell and output is None else "")
        for line in wrong:
            click.echo(f"{line}; run gateproof generate", err=True)
        return int(bool(wrong))
    for name, text in texts.items():
        write(folder / name, text)
        click.echo(f"wrote {folder / name}")
    return 0
