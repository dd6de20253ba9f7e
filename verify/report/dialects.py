"""The page of the dialects: who means what, which conversions are exact, and recipes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations

from equations import cells
from verify import dialects
from verify.dialects.counterexample import counterexample
from verify.dialects.equivalence import choice
from verify.dialects.recipe import recipe
from verify.dialects.record import KNOWN, Dialect
from verify.dialects.records import RECIPES
from verify.report.markdown import document, table

OWN = "gateproof."
ABOUT = (
    "What frameworks mean by their cells. A dialect is a cell, which says what is computed, "
    "and a layout, which says where the numbers are. `gateproof convert` moves weights from one to "
    "another, `verify.dialects` does so in Python, and this page is made from the same records."
)
ABOUT_WHO = (
    "An array is written as a matrix of the cell's parameters: rows are separated by `;`, ᵀ "
    "transposes, a vector is a column, more brackets are axes of length one in front, and `0*` is "
    "a block the framework does not use. A parameter in several places is the sum of them. An "
    "array with `?` may be absent."
)
ABOUT_KNOWN = (
    "How a row is known: " + "; ".join(f"*{k}*, {text}" for k, text in KNOWN.items()) + "."
)
ABOUT_NUMBERS = (
    "A number of a framework is one of its cell, and stands in the brackets of both names: with "
    "`[clip=0.5]` behind a dialect of ONNX its cell is that of the row with `[clip=0.5]`. There "
    "`clip` bounds every pre-activation, `clip_c` and `clip_h` the new states as soon as they are "
    "computed, and `slope` and `offset` are those of each hard gate. Such cells are made when they "
    "are asked for, and `gateproof show`, `check` and `generate` take their names."
)
ABOUT_CELLS = "The equations of the cells. Their pages have the gradients and the evidence."
ABOUT_PAIRS = (
    "The row's cell as the column's. *same* moves numbers only; what is negated, zero or the "
    "identity is said; *if* is a condition on the weights. Each is proved by expansion of "
    "both definitions, with σ(-a) = 1 - σ(a), for all sizes. *no*: no choice of signs, zeros and "
    "the identity makes the equations equal, and an example follows below."
)
ABOUT_RECIPES = (
    "NumPy lines from arrays `a` to arrays `b`, for one layer and direction. A test runs each of "
    "them and compares it with `gateproof convert`."
)


def page() -> str:
    """The whole page."""
    return document(["# Dialects", ABOUT, *_who(), *_equations(), *_pairs(), *_recipes()])


def _foreign() -> list[Dialect]:
    return [record for record in dialects.values() if not record.name.startswith(OWN)]


def _families() -> dict[str, list[str]]:
    """The cells of frameworks, by the first part of their names: those that share it are kin."""
    found: dict[str, list[str]] = {}
    for name in sorted({record.cell for record in _foreign()}):
        found.setdefault(name.split("_")[0], []).append(name)
    return found


def _who() -> Iterator[str]:
    yield "## Who means what"
    yield ABOUT_WHO
    yield ABOUT_KNOWN
    yield ABOUT_NUMBERS
    for record_cell in (name for family in _families().values() for name in family):
        rows = [_row(record) for record in _foreign() if record.cell == record_cell]
        yield f"### [{record_cell}]({record_cell}.md)"
        yield table(("dialect", "arrays", "adds", "states", "known", "note"), rows)


def _row(record: Dialect) -> tuple[str, ...]:
    added = ", ".join(f"{number:g} to {name}" for name, number in record.added.items())
    fixed = ", ".join(f"{name} = {kind}" for name, kind in record.fixed.items())
    settings = ", ".join(
        f"`{own}`" + (f" (`{inner}`)" if inner != own else "")
        for own, inner in record.settings.items()
    )
    notes = "; ".join(
        text
        for text, given in (
            (record.note, record.note),
            (f"{fixed} always", fixed),
            (f"numbers: {settings}", settings),
        )
        if given
    )
    return (
        f"`{record.name}`",
        "<br>".join(f"`{name} = {text}`" for name, text in record.arrays.items()),
        added,
        ", ".join(record.states),
        f"{record.evidence}: {record.source}",
        notes,
    )


def _equations() -> Iterator[str]:
    yield "## Cells"
    yield ABOUT_CELLS
    for family in _families().values():
        for name in family:
            yield f"`{name}`:"
            yield cells[name].definition().to_markdown()


def _pairs() -> Iterator[str]:
    yield "## Exact conversions"
    yield ABOUT_PAIRS
    for family in _families().values():
        yield table(("from \\ to", *family), [_pair_row(one, family) for one in family])
    examples = [
        (f"{one} as {other}", str(counterexample(one, other)))
        for family in _families().values()
        for one, other in permutations(family, 2)
        if choice(one, other) is None
    ]
    yield table(("no conversion", "an example"), examples)


def _pair_row(one: str, family: Iterable[str]) -> tuple[str, ...]:
    return (one, *(_pair(one, other) for other in family))


def _pair(one: str, other: str) -> str:
    made = choice(one, other)
    if made is None:
        return "no"
    changed = ", ".join(made.changed) or "same"
    conditions = ", ".join(f"{name} = {term}" for name, term in made.conditions.items())
    return f"{changed}; if {conditions}" if conditions else changed


def _recipes() -> Iterator[str]:
    yield "## Recipes"
    yield ABOUT_RECIPES
    before = ""
    for heading, one, other, names in recipes():
        if heading != before:
            yield f"### {heading}"
            before = heading
        target = other.base if other.base.startswith("onnx.") else other.name
        yield f"`{one.name}` to `{other.name}`:"
        yield f"```sh\ngateproof convert --from {one.name} --to '{target}' {names}\n```"
        yield f"```python\n{recipe(one, other)}\n```"


def recipes() -> Iterator[tuple[str, Dialect, Dialect, str]]:
    """Each recipe with its two records."""
    for heading, source, target, names in RECIPES:
        one = dialects[source]
        yield heading, one, dialects[target.format(cell=one.cell)], names
