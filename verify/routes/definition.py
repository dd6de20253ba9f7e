"""The definition of a cell at many points at once: what the numeric routes differentiate.

It is the program as it was written, not its normal form and nothing derived, with one rewriting:
1 - σ(a) is computed as σ(-a), the same function with all its digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from equations.cell import Cell
from equations.derive.sequence import Recurrence
from equations.language import TensorSymbol, sigmoid
from equations.program import Equation, Program
from verify.evidence.case import Array, Arrays, Case, first_step
from verify.evidence.derived import Function
from verify.interpret import Arithmetic, Values, run


@lru_cache(maxsize=64)
def complemented(program: Program) -> Program:
    """The program with σ(-a) computed wherever it says 1 - σ(a)."""
    off: dict[Any, TensorSymbol] = {}
    equations: list[Equation] = []
    for equation in program:
        equations.append(Equation(equation.symbol, equation.value.xreplace(off)))
        if isinstance(equation.value, sigmoid):
            symbol = TensorSymbol(f"{equation.symbol}_off", equation.symbol.axes)
            equations.append(Equation(symbol, sigmoid(-equation.value.args[0])))
            off[1 - equation.symbol] = symbol
    return replace(program, equations=tuple(equations)).needed_for(program.results)


def case_of(case: Case, function: Function) -> Case:
    """The steps a function is about: the first one, or all."""
    return case if function.startswith("unroll") else first_step(case)


def results(
    case: Case, point: Mapping[str, Any], arithmetic: Arithmetic, *, exact: bool = False
) -> dict[str, list[Any]]:
    """The results of the definition at every step, by field.

    Args:
        case: tells the cell and the sizes.
        point: like `case.point`, of whatever the arithmetic computes with; an array of a parameter
            may have a batch axis of its own.
        arithmetic: what a number is.
        exact: take the program exactly as written, without `complemented`.
    """
    cell = case.cell
    program = cell.program if exact else complemented(cell.program)
    steps = {s.name: [x for x in point[s.name]] for s in cell.inputs}  # noqa: C416 - boxed arrays
    fixed = {s.name: point[s.name] for s in (*cell.parameters, *cell.states)}
    trace = run(Recurrence(program, cell.carried), fixed, steps, case.sizes, arithmetic)[1]
    return {name: [values[s.name] for values in trace] for name, s in fields(cell)}


def without_time(function: Function, case: Case, values: Mapping[str, Array]) -> dict[str, Array]:
    """Drop the time axis, of length one, that a function of one step does not have."""
    timed = {s.name for s in case.cell.inputs}
    kind = function.partition("_")[2]
    if function.startswith("unroll") or kind == "jacobian":
        return dict(values)
    all_timed = kind in ("", "jvp")
    return {n: value[0] if all_timed or n in timed else value for n, value in values.items()}


def fields(cell: Cell) -> Iterator[tuple[str, TensorSymbol]]:
    """The results by their field: new states by the name of the state, then outputs."""
    for old, new in cell.carried:
        yield old.name, new
    for output in cell.outputs:
        yield output.name, output


def weighed(case: Case, found: Mapping[str, list[Any]], lead: int) -> Any:  # noqa: ANN401
    """<cotangents, results> for each sample: the sum over steps and over all axes after `lead`."""
    total: Any = 0
    for name, symbol in fields(case.cell):
        for value, weight in zip(found[name], case.cotangents[symbol.name], strict=True):
            product = value * weight
            total = total + product.reshape((*product.shape[:lead], -1)).sum(axis=-1)
    return total


@dataclass(frozen=True, eq=False)
class Directions:
    """Unit directions at a case: one for every entry of a parameter, and one for every entry of an
    input or a state that moves all samples at once, since a sample sees its own alone.

    Attributes:
        case: where.
        ways: for each argument, an array of shape (number of directions, shape of the argument).
        slices: which directions belong to which argument.
        wanted: the directions that are needed, where not all are.
    """  # noqa: D205 - one sentence

    case: Case
    ways: Arrays
    slices: Mapping[str, slice]
    wanted: frozenset[int] | None = None

    @property
    def count(self) -> int:
        """The number of directions."""
        return len(next(iter(self.ways.values())))

    def leading_to(self, elements: Mapping[str, Array]) -> Directions:
        """The same directions, with only those wanted that lead to these elements of results."""
        wanted: set[int] = set()
        for name, mask in elements.items():
            of = name.rpartition(".")[2]
            if (part := self.slices.get(of)) is None:
                continue
            lead = mask.ndim - len(self.case.cell[of].axes)
            over = range(lead) if "." in name else range(max(lead - 1, 0), lead)
            found = np.flatnonzero(mask.any(axis=tuple(over)))
            wanted |= {part.start + int(k) for k in found}
        return replace(self, wanted=frozenset(wanted))

    def each(self, slope: Callable[[Arrays], Array]) -> Array:
        """The slope along every direction, one after the other; NaN where it is not wanted."""
        chosen = range(self.count) if self.wanted is None else sorted(self.wanted)
        found = {k: slope({n: value[k] for n, value in self.ways.items()}) for k in chosen}
        shape = np.shape(next(iter(found.values())))
        return np.stack([found.get(k, np.full(shape, np.nan)) for k in range(self.count)])

    def points(self, offsets: Array, step: complex) -> dict[str, Any]:
        """The points moved along every direction, and all of them by each offset of the tangents.

        Returns:
            Arrays with the batch (offsets · directions · B), inputs with the time before it, and
            parameters with that batch as well.
        """
        batch, moved = self.case.sizes["B"], {}
        for symbol in self.case.cell.program.arguments:
            name = symbol.name
            shifted = self.case.point[name] + np.multiply.outer(offsets, self.case.tangents[name])
            moved[name] = _flat(shifted[:, None] + step * self.ways[name][None], symbol, batch)
        return moved

    def steps(self, lengths: Array) -> dict[str, Any]:
        """The points moved by each length along every direction, laid out like `points`."""
        moved = {}
        for symbol in self.case.cell.program.arguments:
            way = np.multiply.outer(lengths, self.ways[symbol.name])
            point = self.case.point[symbol.name] + way
            moved[symbol.name] = _flat(point, symbol, self.case.sizes["B"])
        return moved

    def gathered(self, slopes: Array) -> dict[str, Array]:
        """The gradient by argument from the slope along every direction: (..., directions, B)."""
        found = {}
        for symbol in self.case.cell.program.arguments:
            of_name = slopes[..., self.slices[symbol.name], :]
            lead = of_name.shape[:-2]
            shape = self.case.point[symbol.name].shape
            if not of_name.size and np.prod(shape):
                continue  # nothing moved it
            if symbol.role == "parameter":
                found[symbol.name] = of_name.sum(axis=-1).reshape(lead + shape)
                continue
            time = shape[:1] if symbol.role == "input" else ()
            own = shape[len(time) + 1 :]
            split = of_name.reshape(lead + time + (-1, shape[len(time)]))
            found[symbol.name] = np.moveaxis(split, -1, len(lead) + len(time)).reshape(
                lead + time + (shape[len(time)], *own)
            )
        return found


def _flat(values: Array, symbol: TensorSymbol, batch: int) -> Array:
    """Merge the axes (offsets, directions) with the batch."""
    if symbol.role == "parameter":
        own = values.shape[2:]
        flat = values.reshape((-1, *own))
        return np.repeat(flat, batch, axis=0)
    if symbol.role == "input":
        values = np.moveaxis(values, 2, 0)
        return values.reshape((values.shape[0], -1, *values.shape[4:]))
    return values.reshape((-1, *values.shape[3:]))


ROLES = ("parameter", "input", "state")


@lru_cache(maxsize=128)
def directions(case: Case, roles: tuple[str, ...] = ROLES) -> Directions:
    """The unit directions of all arguments of these roles."""
    units: dict[str, Array] = {}
    for symbol in case.cell.program.arguments:
        if symbol.role in roles:
            shape = list(case.point[symbol.name].shape)
            batch = {"parameter": None, "input": 1, "state": 0}[symbol.role]
            if batch is not None:
                shape[batch] = 1
            unit = np.eye(int(np.prod(shape))).reshape(-1, *shape)
            full = (len(unit), *case.point[symbol.name].shape)
            units[symbol.name] = np.broadcast_to(unit, full)
    count = sum(len(unit) for unit in units.values())
    ways, slices, start = {}, {}, 0
    for symbol in case.cell.program.arguments:
        ways[symbol.name] = np.zeros((count, *case.point[symbol.name].shape))
        part = slice(start, start + len(units.get(symbol.name, ())))
        slices[symbol.name], start = part, part.stop
        if symbol.name in units:
            ways[symbol.name][part] = units[symbol.name]
    return Directions(case, ways, slices)


def weighed_by_direction(units: Directions, found: Mapping[str, list[Array]]) -> Array:
    """<cotangents, results> of each sample at each point: (offsets, directions, B)."""
    batch = units.case.sizes["B"]
    split = {
        name: [value.reshape((-1, units.count, batch, *value.shape[1:])) for value in values]
        for name, values in found.items()
    }
    return np.asarray(weighed(units.case, split, 3))


def derivative_of(
    case: Case,
    function: Function,
    gradient: Callable[[Directions], Mapping[str, Any]],
    along: Callable[[Case], Mapping[str, Any]],
    rows: Callable[[Directions], Mapping[str, Any]],
    roles: tuple[str, ...] = ROLES,
) -> Mapping[str, Any]:
    """Which of three computations a function asks for, at the case of its steps."""
    of_steps = case_of(case, function)
    kind = function.partition("_")[2]
    if kind == "vjp":
        return gradient(directions(of_steps, roles))
    if kind == "jvp":
        return along(of_steps)
    return rows(directions(of_steps, ("state",)))


def by_states(case: Case, slopes: Mapping[str, Array]) -> dict[str, Array]:
    """The Jacobian from the slope of each new state along each entry of each old one.

    Args:
        case: of one step.
        slopes: (directions, B, axes of the new state).

    Returns:
        By `new.old`, (B, axes of new, axes of old).
    """
    parts = directions(case, ("state",)).slices
    found = {}
    for new, value in slopes.items():
        for old in case.cell.states:
            part = np.moveaxis(value[parts[old.name]], 0, -1)
            found[f"{new}.{old}"] = part.reshape(
                (*part.shape[:-1], *case.point[old.name].shape[1:])
            )
    return found


__all__ = ["Values"]
