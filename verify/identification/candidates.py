"""Records whose arrays have the target's names and shapes, and cells in the place of a record's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from equations import cells
from equations.variation import options, parts, with_numbers
from verify import dialects
from verify.dialects import shapes
from verify.dialects.arrays import FIRST
from verify.dialects.layout import DialectError
from verify.dialects.record import Dialect
from verify.identification.target import Target


def by_name(target: Target) -> list[Dialect]:
    """The records that read exactly these arrays, those of the target's own framework first."""
    found = [_set(record, target) for record in dialects.values() if _fits(record, target)]
    ranked = sorted(found, key=lambda record: rank(record, target))
    return list({record.name: record for record in reversed(ranked)}.values())[::-1]


def _set(record: Dialect, target: Target) -> Dialect:
    """The record with the numbers that the target is known to be set to."""
    takes = record.base == target.base and set(target.numbers) <= set(record.settings)
    return record.set(target.numbers) if takes and target.numbers else record


def rank(record: Dialect, target: Target) -> tuple[bool, int, bool, int]:
    """Sorts records that are alike: its framework and names, what was run, few numbers, first."""
    names = set(record.array_names())
    return (
        record.base != target.base,
        -len(names & set(target.small)),
        record.evidence != "run",
        len(parts(record.cell)[1]),
    )


def _fits(record: Dialect, target: Target) -> bool:
    names = dict(zip(record.array_names(FIRST), record.layouts, strict=True))
    given = set(target.small)
    wanted = {name for name, own in names.items() if own not in record.optional}
    if not wanted <= given <= set(names) or len(record.states) != len(target.lengths):
        return False
    without = {names[k]: v.shape[record.layouts[names[k]].lead :] for k, v in target.small.items()}
    try:
        sizes = shapes.sizes_of(record.layouts, without)
    except shapes.MisfitError:
        return False
    axes = [record.symbolic[name].axes for name in record.states]
    expected = tuple(sizes.get(own[0], 0) if len(own) == 1 else 0 for own in axes)
    return sizes.get("n_x", target.n_x) == target.n_x and expected == target.lengths


def alike(record: Dialect, target: Target) -> list[Dialect]:
    """The records that are the same cell in the same layout, whatever their arrays are called."""
    own = Counter(text for name, text in record.arrays.items() if _given(record, name, target))
    found = [other for other in dialects.values() if _same(other, record, own)]
    return sorted(found, key=lambda other: rank(other, target))


def _given(record: Dialect, name: str, target: Target) -> bool:
    """Whether the target has the array; what is optional may be absent."""
    names = dict(zip(record.layouts, record.array_names(), strict=True))
    return names[name.removesuffix("?")] in target.small


def _same(other: Dialect, record: Dialect, own: Counter[str]) -> bool:
    least = Counter(text for name, text in other.arrays.items() if not name.endswith("?"))
    most = Counter(other.arrays.values())
    ones = {k for k, v in record.fixed.items() if v != "0"}
    return (
        (other.cell, other.states, dict(other.added)) == (record.cell, record.states, record.added)
        and {k for k, v in other.fixed.items() if v != "0"} == ones
        and least <= own <= most
    )


def in_place_of(record: Dialect) -> Iterator[Dialect]:
    """Other cells that read the same arrays in the same layout."""
    base, numbers = parts(record.cell)
    others = dict.fromkeys(parts(other.cell)[0] for other in dialects.values())
    able = (own for own in others if not numbers or set(numbers) <= set(options(cells[own])))
    for name in dict.fromkeys((base, *(with_numbers(own, numbers) for own in able))):
        if name == record.cell:
            continue
        axes = dialects[f"gateproof.{name}"].axes
        arrays = {own: _adapted(text, axes) for own, text in record.arrays.items()}
        fixed = {k: v for k, v in record.fixed.items() if k in axes}
        try:
            yield replace(record, cell=name, arrays=arrays, fixed=fixed, options={})
        except DialectError:
            # Where it has a second bias and the arrays have none, that is zero.
            missing = {k: "0" for k in axes if k.startswith("c_")} | fixed
            try:
                yield replace(record, cell=name, arrays=arrays, fixed=missing, options={})
            except DialectError:
                continue


def _adapted(text: str, axes: Mapping[str, tuple[str, ...]]) -> str:
    """The layout with the one bias where the cell has no second."""
    for name in ("c_u", "c_r", "c_h", "c_f"):
        if name not in axes:
            text = text.replace(name, f"b_{name[2:]}")
    return text
