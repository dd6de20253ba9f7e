"""What the symbols of a derived program must be, read off how the derivation says it made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from equations.language import Size, TensorSymbol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from equations.program import Program

Sort = Literal["value", "cotangent", "tangent", "jacobian", "curvature"]


@dataclass(frozen=True)
class Demand:
    """A result of a derived program and the derivative of the definition it must equal.

    Attributes:
        symbol: the result.
        sort: a value of the definition; the cotangent of the argument `of`; the tangent of the
            result `of`; the Jacobian of the result `of` by the argument `by`; or the tangent of the
            cotangent of the argument `of` with the cotangents of the results held fixed.
    """

    symbol: TensorSymbol
    sort: Sort
    of: str
    by: str = ""


def demands(derived: Program, definition: Program) -> tuple[Demand, ...]:
    """What the results of a derived program must be; inner values among them are left out.

    Raises:
        ValueError: none of its results is a derivative of the definition.
    """
    found = tuple(_demands(derived, definition))
    if not found:
        raise ValueError(
            f"{derived.name}: no result is a value or a derivative of {definition.name}"
        )
    return found


def _demands(derived: Program, definition: Program) -> Iterator[Demand]:
    arguments = {symbol.name for symbol in definition.arguments}
    results = {symbol.name for symbol in definition.results}
    for symbol in derived.results:
        if symbol.name in results:
            yield Demand(symbol, "value", symbol.name)
        if symbol.origin is None:
            continue
        kind, sources = symbol.origin
        of = sources[0]
        if not isinstance(of, TensorSymbol):
            continue
        if kind == "cotangent" and of.name in arguments:
            yield Demand(symbol, "cotangent", of.name)
        elif kind == "tangent" and of.name in results:
            yield Demand(symbol, "tangent", of.name)
        elif kind == "jacobian" and of.name in results:
            yield Demand(symbol, "jacobian", of.name, str(sources[1]))
        elif kind == "tangent" and of.origin is not None and of.origin[0] == "cotangent":
            inner = of.origin[1][0]
            if isinstance(inner, TensorSymbol) and inner.name in arguments:
                yield Demand(symbol, "curvature", inner.name)


@dataclass(frozen=True)
class Given:
    """The arguments of a derived program that are no values of the definition.

    Attributes:
        cotangents: for each result of the definition, the arguments whose sum is its cotangent:
            what the loss sends and what the following time step sends.
        tangents: for each argument of the definition that moves, the argument that says how.
    """

    cotangents: Mapping[str, tuple[TensorSymbol, ...]]
    tangents: Mapping[str, TensorSymbol]


def given(derived: Program, known: Iterable[str]) -> Given:
    """Sort the arguments of a derived program beyond the `known` names by what they are for.

    Raises:
        ValueError: an argument is neither known nor a cotangent nor a tangent.
    """
    names = set(known)
    cotangents: dict[str, tuple[TensorSymbol, ...]] = {}
    tangents: dict[str, TensorSymbol] = {}
    for symbol in derived.arguments:
        if symbol.name in names:
            continue
        kind, sources = symbol.origin or ("", ())
        if kind in ("cotangent", "seed", "carry"):
            source = str(sources[0])
            cotangents[source] = (*cotangents.get(source, ()), symbol)
        elif kind == "tangent":
            tangents[str(sources[0])] = symbol
        else:
            raise ValueError(f"{derived.name}: argument {symbol} is nothing the definition knows")
    return Given(cotangents, tangents)


def sizes_of(program: Program, first: int = 2) -> dict[str, int]:
    """A distinct length for each axis, counting from `first`; a bare `Size` comes last.

    Distinct lengths, since an exchange of two axes of one length goes unseen.
    """
    axes = dict.fromkeys(axis for symbol in program.symbols for axis in symbol.axes)
    for equation in program.equations:
        for size in sorted(equation.value.atoms(Size), key=str):
            axes.setdefault(size.axis)
    return {axis: first + k for k, axis in enumerate(axes)}


def reversed_sizes(sizes: Mapping[str, int]) -> dict[str, int]:
    """The same lengths in the opposite order: what was the longer axis is the shorter."""
    return dict(zip(sizes, reversed([*sizes.values()]), strict=True))


def described(sizes: Mapping[str, int]) -> str:
    """`(n_x, n_h) = (2, 3)`."""
    if len(sizes) == 1:
        return "".join(f"{axis} = {n}" for axis, n in sizes.items())
    return f"({', '.join(sizes)}) = ({', '.join(map(str, sizes.values()))})"
