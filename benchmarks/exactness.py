"""What exactness costs: `python -m benchmarks.exactness`."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.case import DTYPES, SIZES, Array, Size
from benchmarks.measure import alternating
from benchmarks.threads import process
from equations import cells
from equations.cell import Cell
from equations.generate.files import write
from equations.generate.targets import AS_PRINTED, TARGETS
from verify.report.markdown import document, table
from verify.report.provenance import provenance
from verify.target import built

OUTPUT = Path(__file__).resolve().parent.parent / "reports" / "measured"
CELLS = ("rnn", "gru", "lstm", "softmax_cross_entropy")
HEADINGS = ("cell", "dtype", "(T, B, n_x, n_h)", "ms", "exactness costs", "quartiles")

ABOUT = """\
Forward and backward of a sequence by generated code, over the time of the same code made with
`gateproof generate --no-exact`: 1 - u and 1 - h² from the rounded u and h, ŷ - y as a difference,
and σ(a) as ½ + ½ tanh(a/2). It has no digit left where a gate saturates; what such code loses is in
[precision.md](precision.md). One thread, in turns, in processor time: the
median of {repeats} ratios and their quartiles, and the median time of the generated code. The head
has n_x classes."""


def both(module: Any, cell: Cell, dtype: str, size: Size) -> Callable[[], Any]:  # noqa: ANN401
    """Forward and backward by a module of a cell: of its cost, or of its first state."""
    T, B, n_x, n_h = size
    lengths = {"n_x": n_x, "n_h": n_h, "n_y": n_x}
    rng = np.random.default_rng(0)
    params = module.init(rng, dtype=np.dtype(dtype), **{axis: lengths[axis] for axis in cell.axes})

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(dtype)

    series = [normal(T, B, *(lengths[axis] for axis in s.axes)) for s in cell.inputs]
    xs = module.Inputs(*series) if len(series) > 1 else series[0]
    state0 = module.State(*(normal(B, *(lengths[a] for a in s.axes)) for s in cell.states))
    nexts = module.unroll(params, xs, state0)[0]
    of = cell.loss or cell.next_states[0]
    results = (*cell.next_states, *cell.outputs)
    seeds = (np.ones_like(y) if s == of else None for s, y in zip(results, nexts, strict=True))
    dnexts = type(nexts)(*seeds)

    def call() -> tuple[Any, Any]:
        kept = module.unroll(params, xs, state0)
        return kept, module.unroll_vjp(params, kept[1], dnexts)

    return call


def measured(name: str, sizes: list[str], repeats: int) -> list[tuple[str, ...]]:
    """A line for each dtype and size of a cell."""
    cell = cells[name]
    forms = {"exact": TARGETS["numpy"], "fast": AS_PRINTED}
    modules = {form: built(cell, "a benchmark", target) for form, target in forms.items()}
    found = []
    for dtype in DTYPES:
        for size in (SIZES[chosen] for chosen in sizes):
            calls = {form: both(module, cell, dtype, size) for form, module in modules.items()}
            times = alternating(calls, repeats)
            ratios = [a / b - 1 for a, b in zip(times["exact"], times["fast"], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            took = f"{statistics.median(times['exact']) * 1e3:.2f}"
            shown = f"{middle:+.0%}", f"{low:+.0%} to {high:+.0%}"
            found.append((name, dtype, str(tuple(size)), took, *shown))
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--cell", "names", type=click.Choice(CELLS), multiple=True, help="All by default.")
@click.option("--size", "sizes", type=click.Choice(list(SIZES)), multiple=True, help="By n_h.")
@click.option("--repeats", type=click.IntRange(3), default=41, show_default=True)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=OUTPUT)
def main(names: tuple[str, ...], sizes: tuple[str, ...], repeats: int, output: Path) -> None:
    """Measure generated code beside code of the printed equations, and write exactness.md."""
    lines = []
    with process(1) as pool:
        for name in names or CELLS:
            lines += pool.submit(measured, name, list(sizes or SIZES), repeats).result()
            click.echo("\n".join(" ".join(line) for line in lines if line[0] == name))
    options = [("--cell", names), ("--size", sizes), ("--repeats", [str(repeats)])]
    told = [part for option, values in options for value in values for part in (option, value)]
    command = shlex.join(["python", "-m", "benchmarks.exactness", *told])
    parts = ["# What exactness costs", provenance(command), ABOUT.format(repeats=repeats)]
    output.mkdir(parents=True, exist_ok=True)
    write(output / "exactness.md", document([*parts, table(HEADINGS, lines)]))


if __name__ == "__main__":
    main()
