"""`gateproof generate`: the modules of the cells, written or compared."""

from __future__ import annotations

from pathlib import Path

import click

from equations.generate.files import differences, write
from equations.generate.targets import AS_PRINTED, TARGETS
from verify.cli import writable
from verify.cli.cellarg import CELL, chosen
from verify.target import definition_of, file_name, find


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof generate\n"
    "  gateproof generate --check\n"
    "  gateproof generate my_cell.py --output build\n"
    "  gateproof generate my_cell.py --target numba --output build\n"
    "  gateproof generate gru --no-exact --output build"
)
@click.argument("cell", type=CELL, nargs=-1)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The folder to write to; that of the package unless told otherwise.",
)
@click.option(
    "--target",
    type=click.Choice(list(TARGETS)),
    help="NumPy alone, or the sequences compiled by numba (the extra `fast`). Unless told "
    "otherwise both are written to the package, and NumPy to another folder.",
)
@click.option(
    "--exact/--no-exact",
    default=True,
    help="Whether 1 - σ(a) and the like keep their digits where a gate saturates: what that costs "
    "is in reports/measured/exactness.md. Without, NumPy alone, and to a folder.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is not current.")
def generate(
    cell: tuple[str, ...], output: Path | None, target: str | None, *, exact: bool, check: bool
) -> int:
    """Generate the module of each CELL (of all known cells unless some are named)."""
    if output is None and any(map(definition_of, cell)):
        raise click.UsageError(
            "a cell from a file or with numbers needs --output: the package holds its own cells"
        )
    if not exact and (output is None or target == "numba"):
        raise click.UsageError("--no-exact: NumPy alone, and to a folder of its own, by --output")
    targets = [target] if target else list(TARGETS) if output is None else ["numpy"]
    files = {form: output or TARGETS[form].folder for form in targets}
    texts: dict[str, dict[str, str]] = {form: {} for form in files}
    for folder in files.values():
        if not folder.is_dir() and (check or output is None):
            raise click.UsageError(f"{folder}: no such folder")
        writable.folder("--output", None if check else folder)
    for name in chosen(cell):
        found, source = find(name), definition_of(name)
        for form, modules in texts.items():
            made = TARGETS[form] if exact else AS_PRINTED
            modules[f"{file_name(found)}.py"] = made.text(found, source)
    if check:
        own = "*.py" if not cell and output is None else ""
        wrong = [line for form in files for line in differences(files[form], texts[form], own)]
        for line in wrong:
            click.echo(f"{line}; run gateproof generate", err=True)
        return int(bool(wrong))
    for form, folder in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts[form].items():
            write(folder / name, text)
            click.echo(f"wrote {folder / name}")
    return 0
