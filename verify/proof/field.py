"""Cross-check in the field: derived programs against dual numbers at random points.

`verify.proof.point` says why agreement at a random point is evidence, and how strong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from equations.cell import Cell
from equations.derive.sequence import Recurrence, forward_sequence
from equations.language import TensorSymbol
from equations.program import Program
from verify.arithmetic.field import Residues
from verify.arithmetic.polynomials import component
from verify.interpret import Values, batch_sum, evaluate, run
from verify.proof.meaning import Demand, demands, given
from verify.proof.point import Point, Source
from verify.proof.record import Derived
from verify.proof.unroll import at_step

Array = Any


def refutations(point: Point, forward: Program, derived: Program) -> Iterator[str]:
    """The components of a derived program that differ from the definition's derivatives.

    Args:
        point: where to compare; its definition is what `derived` was derived from.
        forward: computes the values that `derived` reads, from the arguments of the definition.
        derived: the program to check.
    """
    found = computed(point.source, forward, derived)
    wanted = demands(derived, point.definition)
    truth = truths(point, wanted, given(derived, _names(forward)).tangents)
    for demand in wanted:
        yield from differences(demand.symbol, found[demand.symbol.name], truth[demand.symbol.name])


def computed(source: Source, forward: Program, derived: Program) -> Values:
    """The results of a derived program, those of parameters summed over the batch."""
    known = evaluate(forward, source.values, source.sizes, source.arithmetic)
    extra = given(derived, known)
    for name, parts in extra.cotangents.items():
        known |= _shared_out(source, name, parts)
    curved = any(demand.sort == "curvature" for demand in demands(derived, forward))
    directions = source.along_facts if curved else source.directions
    for name, symbol in extra.tangents.items():
        known[symbol.name] = directions[name]
    return batch_sum(derived, evaluate(derived, known, source.sizes, source.arithmetic))


def truths(point: Point, wanted: Iterable[Demand], moving: Iterable[str]) -> Values:
    """What the results must be, from dual numbers alone."""
    definition = point.definition
    wanted = tuple(wanted)
    by_sort: dict[str, list[Demand]] = {}
    for demand in wanted:
        by_sort.setdefault(demand.sort, []).append(demand)
    found: Values = {}
    for sort, group in by_sort.items():
        if sort == "jacobian":
            for demand in group:
                of, by = definition[demand.of], definition[demand.by]
                found[demand.symbol.name] = point.jacobian(of, by)
            continue
        arguments = tuple(s for s in definition.arguments if s.name in {d.of for d in group})
        if sort == "cotangent":
            values = point.cotangents_of(arguments)
        elif sort == "curvature":
            values = point.curvatures_of(arguments)
        elif sort == "tangent":
            values = point.tangents(moving)
        else:
            values = evaluate(definition, point.values, point.sizes, point.field)
        found |= {demand.symbol.name: values[demand.of] for demand in group}
    return found


def differences(symbol: TensorSymbol, found: Residues, truth: Residues) -> Iterator[str]:
    """The components in which two values differ; a sample's number is left out of the name."""
    shape = np.broadcast_shapes(found.shape, truth.shape)
    rank = len(symbol.axes)
    if rank and found.shape[-rank:] != truth.shape[-rank:]:
        yield f"{symbol}: shape {found.shape}, expected {truth.shape}"
        return
    one, other = found.broadcast_to(shape).words, truth.broadcast_to(shape).words
    named: set[tuple[int, ...]] = set()
    for place in np.argwhere(one != other):
        index = tuple(int(k) for k in place[len(shape) - rank :])
        if index not in named:
            named.add(index)
            values = f"{int(one[tuple(place)])}, true is {int(other[tuple(place)])}"
            yield f"{component(symbol.name, index)}: derived is {values} modulo 2^61 - 1"


def bptt(source: Source, cell: Cell, derived: Derived, steps: int) -> Values:
    """Backpropagation through time, by the names that the unrolled definition has.

    Returns:
        The cotangents under the names of parameters, first states and inputs `..._at_t`.
    """
    shared, first = _shared(source, cell), {s.name: source.values[s.name] for s in cell.states}
    body = derived.bptt.body
    trace = _forward(source, cell, derived, steps)
    extra = given(body, _names(derived.forward))
    per_step: dict[str, list[Array]] = {
        s.name: [known[s.name] for known in trace]
        for s in body.arguments
        if s.name in trace[0] and s.name not in shared
    }
    start = dict(shared)
    for name, parts in extra.cotangents.items():
        for part in parts:
            if part.origin is not None and part.origin[0] == "carry":
                start[part.name] = source.zero
            else:
                result = derived.forward[name]
                per_step[part.name] = [
                    source.cotangents[at_step(result, t).name] for t in range(1, steps + 1)
                ]
    total, back = _run(derived.bptt, start, per_step, source)
    found: Values = {}
    for demand in demands(body, cell.program):
        name = demand.symbol.name
        if demand.of in shared:
            # Where the recurrence fails to sum it, what step 1 adds is not the sum.
            found[demand.of] = total.get(name, back[0][name])
        elif demand.of in first:
            found[demand.of] = back[0][name]
        else:
            for t in range(1, steps + 1):
                found[at_step(cell[demand.of], t).name] = back[t - 1][name]
    return found


def tangent_sequence(source: Source, cell: Cell, derived: Derived, steps: int) -> Values:
    """Forward mode over time, by the names of the unrolled definition's results."""
    body = derived.tangent_sequence.body
    trace = _forward(source, cell, derived, steps)
    extra = given(body, _names(derived.forward))
    shared = _shared(source, cell)
    per_step: dict[str, list[Array]] = {
        s.name: [known[s.name] for known in trace]
        for s in body.arguments
        if s.name in trace[0] and s.name not in shared
    }
    start: Values = dict(shared)
    for name, symbol in extra.tangents.items():
        if cell[name] in cell.inputs:
            per_step[symbol.name] = [
                source.directions[at_step(cell[name], t).name] for t in range(1, steps + 1)
            ]
        else:
            start[symbol.name] = source.directions[name]
    _, pushed = _run(derived.tangent_sequence, start, per_step, source)
    return {
        at_step(cell[demand.of], t).name: pushed[t - 1][demand.symbol.name]
        for demand in demands(body, cell.program)
        for t in range(1, steps + 1)
    }


def _forward(source: Source, cell: Cell, derived: Derived, steps: int) -> list[Values]:
    """All values of every step."""
    inputs = {
        s.name: [source.values[at_step(s, t).name] for t in range(1, steps + 1)]
        for s in cell.inputs
    }
    start = {**_shared(source, cell), **{s.name: source.values[s.name] for s in cell.states}}
    return _run(forward_sequence(derived.forward, cell.carried), start, inputs, source)[1]


def _run(
    recurrence: Recurrence,
    values: Mapping[str, Array],
    steps: Mapping[str, list[Array]],
    source: Source,
) -> tuple[Values, list[Values]]:
    return run(recurrence, values, dict(steps), source.sizes, source.arithmetic)


def _shared(source: Source, cell: Cell) -> Values:
    """What is the same at every step."""
    return {s.name: source.values[s.name] for s in cell.parameters}


def _names(program: Program) -> set[str]:
    return {symbol.name for symbol in program.symbols}


def _shared_out(source: Source, name: str, parts: tuple[TensorSymbol, ...]) -> Values:
    """The cotangent of a result as the sum of its parts: all but the first are part of it."""
    whole = source.cotangents[name]
    values: Values = {}
    for k, part in enumerate(parts[1:], start=2):
        values[part.name] = whole * k
        whole = whole + values[part.name] * -1
    return values | {parts[0].name: whole}
