"""The sizes of a cell from the shapes of a framework's arrays, and which array is the odd one."""

from __future__ import annotations

from collections.abc import Mapping

from verify.dialects.layout import Layout

Shape = tuple[int, ...]


class MisfitError(ValueError):
    """Shapes that no sizes explain."""


def sizes_of(layouts: Mapping[str, Layout], shapes: Mapping[str, Shape]) -> dict[str, int]:
    """The length of every axis, from the shapes of arrays without the axes in front.

    Raises:
        MisfitError: no lengths give these shapes; the text is the name of an array.
    """
    equations = []
    for name, shape in shapes.items():
        lengths = layouts[name].lengths
        if len(shape) != len(lengths):
            raise MisfitError(name)
        equations += [(name, length, n) for length, n in zip(lengths, shape, strict=True)]
    sizes: dict[str, int] = {}
    # An equation with one unknown gives it; some array holds one axis alone, so this gets through.
    while equations:
        unknown = [
            [axis for axis in length if axis and axis not in sizes] for _, length, _ in equations
        ]
        place = min(range(len(equations)), key=lambda k: len(unknown[k]))
        name, length, total = equations.pop(place)
        rest = total - sum(
            n * (sizes[a] if a else 1) for a, n in length.items() if a in {*sizes, ""}
        )
        match unknown[place]:
            case []:
                if rest:
                    raise MisfitError(name)
            case [axis]:
                if rest < 0 or rest % length[axis]:
                    raise MisfitError(name)
                sizes[axis] = rest // length[axis]
            case _:
                raise MisfitError(name)
    return sizes


def odd_one(
    layouts: Mapping[str, Layout], shapes: Mapping[str, Shape]
) -> tuple[str, dict[str, int]] | None:
    """The one array without which the others fit, and their sizes; None where that is not clear.

    Two arrays accuse each other: it takes a third to decide.
    """
    found: list[tuple[str, dict[str, int]]] = []
    if len(shapes) < 3:
        return None
    for name in shapes:
        others = {other: shape for other, shape in shapes.items() if other != name}
        try:
            sizes = sizes_of(layouts, others)
        except MisfitError:
            continue
        if all(axis in sizes or not axis for length in layouts[name].lengths for axis in length):
            found.append((name, sizes))
    return found[0] if len(found) == 1 else None


def fits(layouts: Mapping[str, Layout], shapes: Mapping[str, Shape]) -> bool:
    """Whether some sizes give these shapes."""
    try:
        sizes_of(layouts, shapes)
    except MisfitError:
        return False
    return True
