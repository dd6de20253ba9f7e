"""Which other dialects have arrays of given shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations

from verify import dialects
from verify.dialects import shapes
from verify.dialects.record import Dialect

SHOWN = 4
"""So many names fit into a message."""
ALONE = 2
"""So many shapes of one array are suggested."""
MOST = 4
"""So many arrays at most are tried in every order."""


def others(
    asked: Dialect, name: str, sizes: Mapping[str, int] | None, given: Mapping[str, shapes.Shape]
) -> str:
    """In words, the dialects that all of the arrays fit, or else the one array alone.

    Args:
        asked: the dialect that they do not fit.
        name: the array at fault.
        sizes: the lengths of the axes according to the others, where they agree.
        given: all shapes by name, without axes in front.
    """
    records = [record for record in dialects.values() if record != asked]
    kind = asked.cell.split("_")[0]
    records.sort(key=lambda record: record.cell.split("_")[0] != kind)
    for fit in (_fits, _fits_in_some_order):
        if whole := [record.name for record in records if fit(record, given)]:
            return f"these shapes fit {_some(whole)}"
    if sizes is None:
        return ""
    alone = [
        f"{record.name} ({own})"
        for record in records
        for own in _arrays_of_shape(record, given[name], sizes)
    ]
    return f"that shape fits {_some(alone)}" if alone else ""


def suggested(given: Mapping[str, shapes.Shape]) -> str:
    """In words, the dialects that arrays without known names fit, or would but for one of them."""
    if len(given) > MOST:
        return ""
    records = dialects.values()
    if whole := [record.name for record in records if _fits_in_some_order(record, given)]:
        return f"these shapes fit {_some(whole)}"
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for order in permutations(record.layouts, len(given)):
            if not set(record.layouts) - record.optional <= set(order):
                continue
            named = dict(zip(order, given.values(), strict=True))
            odd = shapes.odd_one(record.layouts, named)
            if odd and 1 not in odd[1].values():
                name = list(given)[order.index(odd[0])]
                wanted = shapes.expected(record.layouts[odd[0]], odd[1])
                found.setdefault(f"{name} of shape {wanted}", {})[record.name] = None
    texts = [f"{text} would fit {_some(list(names))}" for text, names in found.items()]
    return "; ".join(texts[:ALONE])


def _fits(record: Dialect, given: Mapping[str, shapes.Shape]) -> bool:
    """Whether the arrays fit in the order in which they are."""
    return _named(record, tuple(record.layouts)[: len(given)], given)


def _fits_in_some_order(record: Dialect, given: Mapping[str, shapes.Shape]) -> bool:
    few = len(given) <= len(record.layouts) and len(given) <= MOST
    return few and any(
        _named(record, order, given) for order in permutations(record.layouts, len(given))
    )


def _named(record: Dialect, names: tuple[str, ...], given: Mapping[str, shapes.Shape]) -> bool:
    if len(names) != len(given) or not set(record.layouts) - record.optional <= set(names):
        return False
    return shapes.fits(record.layouts, dict(zip(names, given.values(), strict=True)))


def _arrays_of_shape(
    record: Dialect, shape: shapes.Shape, sizes: Mapping[str, int]
) -> Iterator[str]:
    for own, layout in record.layouts.items():
        try:
            shapes.sizes_of({own: layout}, {own: shape}, sizes)
        except shapes.MisfitError:
            continue
        yield own


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
