"""`gateproof precision`: how many of the last bits are right, and what rounding can explain."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast, get_args

import click
from rich.table import Table

from equations.generate.files import write
from verify.arithmetic.formats import FORMATS
from verify.cli import writable
from verify.cli.cellarg import CELL, chosen
from verify.cli.console import console, plain
from verify.cli.jobs import Piece, parallel, progress
from verify.evidence.case import Arrays, Case, Kind, make_case
from verify.evidence.derived import FUNCTIONS, Function
from verify.extras import MissingExtraError, extra
from verify.precision import Answer, explain
from verify.precision.inputs import InputsError, case_from, differences_from, read_by
from verify.precision.measure import KINDS
from verify.precision.page import (
    CONDITIONED,
    SCHEMA,
    Measurement,
    curve_lines,
    headline,
    lines,
    page,
    picture,
    told,
)
from verify.precision.plot import plot
from verify.precision.run import errors_of, factors_of, gates_of, missing
from verify.target import find


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof precision gru\n"
    "  gateproof precision lstm --dtype float32 --inputs saturated\n"
    "  gateproof precision gru --explain 2e-7 --dtype float32\n"
    "  gateproof precision gru --explain 2e-7 --of step_vjp --inputs saturated\n"
    "  gateproof precision gru --explain 2e-7 --of step_vjp --at mine.npz\n"
    "  gateproof precision gru --explain differences.npz --of step_vjp --at mine.npz\n"
    "  gateproof precision --output reports/measured"
)
@click.argument("cell", type=CELL, nargs=-1)
@click.option(
    "--dtype", "dtypes", type=click.Choice(list(FORMATS)), multiple=True, help="Both by default."
)
@click.option(
    "--inputs",
    type=click.Choice(get_args(Kind)),
    multiple=True,
    help=f"The kind of inputs; {', '.join(KINDS)} unless told otherwise.",
)
@click.option(
    "--at",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --explain: inputs of your own, a .npz file of parameters, inputs and states by "
    "name. Where derivatives differed it may hold cotangents dy of results y and tangents a_dot of "
    "arguments a; what it has not is taken as ones.",
)
@click.option(
    "--explain",
    "asked",
    metavar="DIFFERENCE",
    help="Ask what rounding can explain: a number for all elements, or a .npz file of arrays by "
    "result, such as `step_vjp.W_u`, with a difference for each element.",
)
@click.option(
    "--of",
    "functions",
    type=click.Choice(FUNCTIONS),
    multiple=True,
    help="With --explain: what differed; the new states and outputs of a step by default.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the inputs."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write precision.md and its pictures to this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
def precision(
    cell: tuple[str, ...],
    dtypes: tuple[str, ...],
    inputs: tuple[str, ...],
    file: Path | None,
    asked: str | None,
    functions: tuple[str, ...],
    seed: int,
    output: Path | None,
    *,
    as_json: bool,
    ascii_only: bool,
) -> int:
    """Measure the error of each CELL in ulps of proven true values, or explain a difference.

    Measured are generated code and, where installed, autograd, torch and jax on the same equations:
    every result and gradient at ordinary, saturated, tiny and huge inputs, and against the
    pre-activation of every gate.

    With --explain, say for every element whether rounding can be excluded as what makes two right
    computations differ by so much: exit status 0 if it cannot in any of them, else 1.
    """
    targets = list(dict.fromkeys(chosen(cell)))
    if asked is not None:
        wanted = cast("tuple[Function, ...]", functions or ("step",))
        cases = _cases(targets, inputs, file, seed, wanted)
        answers = {
            (case.cell.name, case.kind): [
                answer
                for dtype in dtypes or _dtypes(case, file)
                for answer in explain(_difference(asked, case, wanted), case.cast(dtype), wanted)
            ]
            for case in cases
        }
        return _answer(answers, as_json=as_json, ascii_only=ascii_only)
    if functions or file:
        raise click.UsageError(f"{'--of' if functions else '--at'} goes with --explain")
    extra("flint")
    writable.folder("--output", output)
    options = [("--dtype", dtypes), ("--inputs", inputs), ("--seed", (str(seed),) if seed else ())]
    found = _measured(
        targets,
        dtypes or tuple(FORMATS),
        cast("tuple[Kind, ...]", inputs or KINDS),
        seed,
        shlex.join(["gateproof", "precision", *told(cell, options)]),
    )
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        _print(found, ascii_only=ascii_only)
    if output is not None:
        _write(found, output)
    return 0


def _measured(
    targets: Sequence[str], dtypes: Sequence[str], kinds: Sequence[Kind], seed: int, command: str
) -> Measurement:
    """All of it, on all cores; a live line says how far it is."""
    pieces: dict[tuple[str, str, str], Piece] = {}
    for dtype in dtypes:
        pieces["factors", "", dtype] = factors_of, (dtype,)
        for target in targets:
            pieces["errors", target, dtype] = errors_of, (target, dtype, kinds, seed)
            pieces["gates", target, dtype] = gates_of, (target, dtype)
    found = {}
    with progress() as live:
        task = live.add_task("measuring", total=len(pieces))
        for key, result in parallel(pieces):
            found[key] = result
            live.update(task, advance=1, description=" ".join(filter(None, key)))

    def all_of(what: str, target: str = "") -> list[Any]:
        return [each for dtype in dtypes for each in found[what, target, dtype]]

    return Measurement(
        command,
        [each for target in targets for each in all_of("errors", target)],
        all_of("factors"),
        {find(target).name: all_of("gates", target) for target in targets},
        missing(targets[0]),
    )


def _print(found: Measurement, *, ascii_only: bool) -> None:
    out = console(ascii_only=ascii_only)
    out.print(plain(headline(found), ascii_only=ascii_only), markup=False)
    for line in found.missing:
        out.print(line, markup=False)
    for name, curves in found.gates.items():
        for dtype in dict.fromkeys(each.dtype for each in found.worst):
            mine = [each for each in found.worst if (each.cell, each.dtype) == (name, dtype)]
            title = f"{name}, {dtype}: worst error in ulps times the condition"
            _table(title, *lines(mine, CONDITIONED), ascii_only=ascii_only)
            swept = [curve for curve in curves if curve.dtype == dtype]
            if swept:
                title = f"{name}, {dtype}: against the pre-activation of each gate"
                _table(title, *curve_lines(swept), ascii_only=ascii_only)
    title = "factors: worst error in ulps against the pre-activation"
    _table(title, *curve_lines(found.factors), ascii_only=ascii_only)


def _table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, ascii_only: bool
) -> None:
    made = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        made.add_row(*(plain(part, ascii_only=ascii_only) for part in row))
    console(ascii_only=ascii_only).print(made)


def _write(found: Measurement, folder: Path) -> None:
    """The page and its pictures; without matplotlib the page alone."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {"factors": (found.factors, "ulps")}
    for name, curves in found.gates.items():
        if curves:
            drawn[name] = curves, "ulps times the condition"
    pictures = []
    try:
        for name, (curves, unit) in drawn.items():
            plot(curves, folder / picture(name), unit)
            pictures.append(picture(name))
    except MissingExtraError as error:
        click.echo(f"no pictures: {error}", err=True)
    write(folder / "precision.md", page(found, pictures))
    for name in ("precision.md", *pictures):
        click.echo(f"wrote {folder / name}", err=True)


def _cases(
    targets: Sequence[str],
    kinds: Sequence[str],
    file: Path | None,
    seed: int,
    functions: Sequence[Function],
) -> list[Case]:
    """The inputs asked about: some kinds of drawn ones, or those of a file."""
    found = [find(target) for target in targets]
    if file is None:
        return [
            make_case(cell, cast("Kind", kind), seed)
            for cell in found
            for kind in kinds or ("ordinary",)
        ]
    if len(found) != 1 or kinds:
        raise click.UsageError("--at: expected one cell and no --inputs")
    try:
        case, ones = case_from(found[0], file)
    except InputsError as error:
        raise click.UsageError(f"--at: {error}") from error
    if ones := read_by(ones, functions):
        click.echo(f"{file} has no {', '.join(ones)}: taken as ones", err=True)
    return [case]


def _difference(asked: str, case: Case, functions: Sequence[Function]) -> float | Arrays:
    """What was asked about: a number, or the arrays of a file."""
    try:
        number = float(asked)
    except ValueError:
        if not Path(asked).is_file():
            told = f"expected a difference of 0 or more or a .npz file of them, got {asked}"
            raise click.UsageError(f"--explain: {told}") from None
        try:
            return differences_from(Path(asked), case, functions)
        except InputsError as error:
            raise click.UsageError(f"--explain: {error}") from error
    if not (math.isfinite(number) and number >= 0):
        raise click.UsageError(f"--explain: expected a difference of 0 or more, got {asked}")
    return number


def _dtypes(case: Case, file: Path | None) -> tuple[str, ...]:
    """All formats, or the one of the arrays of a file."""
    return tuple(FORMATS) if file is None else (next(iter(case.point.values())).dtype.name,)


def _answer(found: dict[tuple[str, str], list[Answer]], *, as_json: bool, ascii_only: bool) -> int:
    """Print what was found; whether anything is unexplained."""
    answers = [answer for group in found.values() for answer in group]
    if as_json:
        entries = [
            {"cell": cell, "inputs": kind, **answer.to_json()}
            for (cell, kind), group in found.items()
            for answer in group
        ]
        click.echo(json.dumps({"schema": SCHEMA, "answers": entries}, indent=2))
        return int(any(answer.verdict != "yes" for answer in answers))
    for (cell, kind), group in found.items():
        click.echo(f"{cell}, {kind} inputs:")
        for answer in group:
            line = f"  {answer.quantity}, {answer.dtype}: {answer.verdict}: {answer.reason}"
            click.echo(plain(line, ascii_only=ascii_only))
    return int(any(answer.verdict != "yes" for answer in answers))
