"""Layouts for arrays whose names say nothing: the records' own, with gates in any order.

All arrays are zero at first and are switched on one after another. At each stage every layout of a
fitting shape is tried for the next array, and those go on with which a cell still computes what the
target does. So the orders of the arrays are found one by one, not all together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np

from verify import dialects
from verify.dialects.layout import Array, Block, DialectError, Layout
from verify.dialects.record import Dialect
from verify.identification.probe import Probe, computed, distance
from verify.identification.target import States, Target

Rows = tuple[tuple[Block, ...], ...]
Added = tuple[tuple[str, float], ...]
Stage = tuple[str, Probe, States]
"""The array that is switched on, the input, and the target's new states."""

MOST = 64
"""So many candidates go on to the next array."""
NEAREST = 8
"""And so many where none computes the same."""
FORMS = 4
"""A cell has about four gates; arrays with more blocks in line hold a multiple of its gates."""


@dataclass(frozen=True)
class Ranked:
    """A candidate and its distance: how many states are off, and by how much."""

    record: Dialect
    distance: tuple[int, float]

    @property
    def same(self) -> bool:
        """Whether nothing is off by more than rounding."""
        return self.distance[0] == 0


@dataclass(frozen=True)
class _Partial:
    """A candidate for the arrays that are switched on: their layouts and what they hold."""

    layout: Mapping[str, str]
    values: Mapping[str, Array]
    added: Added
    distance: tuple[int, float] = (0, 0.0)


def search(target: Target, probe: Probe) -> list[Ranked]:
    """Candidates for all arrays, the nearest first.

    Raises:
        DialectError: an array has a shape that no cell has a place for.
    """
    found: list[Ranked] = []
    hopeless: dict[str, int] = {}
    kinds = {
        (record.cell, record.states): None
        for record in dialects.values()
        if len(record.states) == len(target.lengths)
    }
    stages = _stages(target, probe)
    for cell, states in kinds:
        made, stuck = _of_cell(target, stages, cell, states)
        found += made
        hopeless[stuck] = hopeless.get(stuck, 0) + 1
    if not found:
        name = max((n for n in hopeless if n), key=lambda n: hopeless[n], default="")
        raise DialectError(_misfit(target, name))
    # A cell with parameters that nothing is in is a smaller cell by another name.
    return sorted(
        found, key=lambda r: (r.distance[0], 0 if r.same else r.distance[1], len(r.record.fixed))
    )


def _stages(target: Target, probe: Probe) -> list[Stage]:
    """The target's first step as its arrays are switched on one after another."""
    switched: dict[str, Array] = {
        name: np.zeros_like(array) for name, array in probe.arrays.items()
    }
    made = []
    # Matrices of the input and the state first: without them a bias says little.
    for name in sorted(switched, key=lambda name: target.small[name].ndim == 1):
        switched[name] = probe.arrays[name]
        step = probe.shortened(dict(switched))
        made.append((name, step, target.run(step.arrays, step.xs, step.states)))
    return made


def _misfit(target: Target, name: str) -> str:
    shapes = ", ".join(f"{own} {array.shape}" for own, array in target.small.items())
    lengths = ", ".join(map(str, target.lengths))
    which = f"{name}: shape {target.small[name].shape} fits" if name else "these shapes fit"
    return (
        f"{target.title}: {which} no layout of any dialect with an input of {target.n_x} and "
        f"states of {lengths}; got {shapes}"
    )


def _of_cell(
    target: Target, stages: Sequence[Stage], cell: str, states: tuple[str, ...]
) -> tuple[list[Ranked], str]:
    """The candidates of one cell; or the array for which it has no place."""
    plain = dialects[f"gateproof.{cell}"]
    sizes = {"n_x": target.n_x}
    for name, length in zip(states, target.lengths, strict=True):
        (axis,) = plain.symbolic[name].axes if len(plain.symbolic[name].axes) == 1 else ("",)
        if not axis or sizes.setdefault(axis, length) != length:
            return [], ""
    known = dict(layouts(cell))
    options = {
        name: tuple(text for text, layout in known.items() if _shape(layout, sizes) == array.shape)
        for name, array in target.small.items()
    }
    for name, texts in options.items():
        if not texts:
            return [], name
    zeros = {
        name: np.zeros([sizes[axis] for axis in axes], target.dtype)
        for name, axes in plain.axes.items()
    }
    alive = [_Partial({}, _with(zeros, added), added) for added in _added(cell)]
    for name, step, own in stages:
        tried = []
        for before in alive:
            for text in options[name]:
                values = _filled(before.values, known[text], step.arrays[name], sizes)
                found = computed(plain.module, states, plain.params(values), step)
                layout = {**before.layout, name: text}
                tried.append(_Partial(layout, values, before.added, distance(found, own)))
        tried.sort(key=lambda partial: partial.distance)
        alive = [partial for partial in tried if not partial.distance[0]][:MOST] or tried[:NEAREST]
    order = list(target.small)
    return [
        Ranked(
            _made(plain, states, {k: each.layout[k] for k in order}, dict(each.added)),
            each.distance,
        )
        for each in alive
    ], ""


def _with(values: Mapping[str, Array], added: Added) -> dict[str, Array]:
    """The values and what is added to some at run time."""
    return {
        name: value + value.dtype.type(dict(added).get(name, 0.0)) for name, value in values.items()
    }


def _filled(
    values: Mapping[str, Array], layout: Layout, array: Array, sizes: Mapping[str, int]
) -> dict[str, Array]:
    """The parameters with what one more array holds."""
    made = dict(values)
    for block, part in layout.cut(array[(0,) * layout.lead], sizes):
        made[block.parameter] = made[block.parameter] + part
    return {name: np.ascontiguousarray(value) for name, value in made.items()}


def _made(
    plain: Dialect, states: tuple[str, ...], arrays: Mapping[str, str], added: Mapping[str, float]
) -> Dialect:
    """A record for the target; what has no place yet is zero."""
    placed = {
        block.parameter
        for text in arrays.values()
        for block in Layout.parse(text, plain.axes).blocks()
        if block.factor
    }
    fixed = {name: "0" for name in plain.axes if name not in placed}
    return Dialect("target", plain.cell, arrays, states, "run", "", added=added, fixed=fixed)


@cache
def _added(cell: str) -> tuple[Added, ...]:
    """What some dialect of the cell adds to a bias at run time; nothing first."""
    known = {tuple(record.added.items()) for record in dialects.values() if record.cell == cell}
    return tuple(sorted({(), *known}))


@cache
def layouts(cell: str) -> tuple[tuple[str, Layout], ...]:
    """Every layout of an array in some record, for this cell, with its gates in every order."""
    axes = dialects[f"gateproof.{cell}"].axes
    found: dict[str, Layout] = {}
    for record in dialects.values():
        for layout in record.layouts.values():
            for rows in _orders(layout.rows, axes):
                for turned in (rows, _transposed(rows), *_swapped(rows)):
                    text = written(turned, layout.lead, column=layout.column)
                    if text not in found:
                        try:
                            found[text] = Layout.parse(text, axes)
                        except DialectError:
                            continue
    return tuple(found.items())


def _orders(rows: Rows, axes: Mapping[str, tuple[str, ...]]) -> Iterator[Rows]:
    """The rows with gates in every order; an array of one gate for every gate."""
    gates = tuple(dict.fromkeys(_gate(block) for row in rows for block in row))
    if len(gates) == 1:
        for gate in dict.fromkeys(name.partition("_")[2] for name in axes):
            yield tuple(
                tuple(
                    Block(f"{b.parameter.partition('_')[0]}_{gate}", b.factor, b.transposed)
                    for b in row
                )
                for row in rows
            )
        return
    if any(b.parameter not in axes for row in rows for b in row):
        return
    by_row = all(len({_gate(block) for block in row}) == 1 for row in rows)
    lines = rows if by_row else tuple(zip(*rows, strict=True))
    n = len(gates)
    if len(lines) % n or n > FORMS:
        yield rows
        return
    for order in permutations(range(n)):
        mixed = tuple(lines[k + j] for k in range(0, len(lines), n) for j in order)
        yield mixed if by_row else tuple(zip(*mixed, strict=True))


def _gate(block: Block) -> str:
    return block.parameter.partition("_")[2]


def _shape(layout: Layout, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Its shape; none where it has an axis that the cell's states and inputs do not fix."""
    axes = {axis for length in layout.lengths for axis in length if axis}
    return layout.shape(sizes) if axes <= set(sizes) else (-1,)


def _swapped(rows: Rows) -> tuple[Rows, ...]:
    """Where a matrix takes input and state together: the other of the two first."""
    for sides in (rows, _transposed(rows)):
        kinds = [{block.parameter.partition("_")[0] for block in side} for side in sides]
        if sorted(map(sorted, kinds)) == [["U"], ["W"]]:
            swapped = sides[::-1]
            return swapped, _transposed(swapped)
    return ()


def _transposed(rows: Rows) -> Rows:
    """The transposed matrix."""
    return tuple(
        tuple(Block(b.parameter, b.factor, not b.transposed) for b in column)
        for column in zip(*rows, strict=True)
    )


def written(rows: Rows, lead: int, *, column: bool) -> str:
    """A layout in the notation of the records."""
    texts = [" ".join(_word(block) for block in row) for row in rows]
    inner = "; ".join(texts)
    if lead or len(rows) > 1 or len(rows[0]) > 1:
        inner = "[" * (lead + 1) + inner + "]" * (lead + 1)
    return f"column {inner}" if column else inner


def _word(block: Block) -> str:
    sign = "-" if block.factor < 0 else ""
    factor = "" if abs(block.factor) == 1 else f"{abs(block.factor)}*"
    return f"{sign}{factor}{block.parameter}{'ᵀ' if block.transposed else ''}"
