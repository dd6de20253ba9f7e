"""The sizes of a cell from the shapes of a framework's arrays, and which array is the odd one."""

from __future__ import annotations

from collections.abc import Mapping

from verify.dialects.layout import Layout

Shape = tuple[int, ...]


class MisfitError(ValueError):
    """Shapes that no sizes explain."""


def sizes_of(
    layouts: Mapping[str, Layout],
    shapes: Mapping[str, Shape],
    known: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The length of every axis, from the shapes of arrays without the axes in front.

    Args:
        layouts: by the name of the array.
        shapes: by the name of the array.
        known: the lengths of some axes.

    Raises:
        MisfitError: no lengths give these shapes; the text is the name of an array.
    """
    equations = []
    for name, shape in shapes.items():
        lengths = layouts[name].lengths
        if len(shape) != len(lengths):
            raise MisfitError(name)
        equations += [(name, length, n) for length, n in zip(lengths, shape, strict=True)]
    sizes = dict(known or {})
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
    """The one array without which the others fit, and the sizes of those; None if it is not clear.

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
        found.append((name, sizes))
    return found[0] if len(found) == 1 else None


def expected(layout: Layout, sizes: Mapping[str, int]) -> str:
    """The shape of an array in words, with what is known of its lengths."""
    axes = dict.fromkeys(axis for length in layout.lengths for axis in length if axis)
    if set(axes) <= set(sizes):
        return f"{layout.described()} = {layout.shape(sizes)}" if sizes else layout.described()
    known = ", ".join(f"{axis} = {sizes[axis]}" for axis in axes if axis in sizes)
    return f"{layout.described()} with {known}" if known else layout.described()


def fits(layouts: Mapping[str, Layout], shapes: Mapping[str, Shape]) -> bool:
    """Whether some sizes give these shapes."""
    try:
        sizes_of(layouts, shapes)
    except MisfitError:
        return False
    return True
