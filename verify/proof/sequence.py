"""Sequences of any length: an induction from the step, and cross-checks for a few steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from equations.cell import Cell
from equations.derive.reverse import reverse
from equations.language import TensorSymbol
from equations.program import Program
from verify.arithmetic.field import Residues
from verify.interpret import Values
from verify.proof.field import bptt, computed, differences, tangent_sequence
from verify.proof.meaning import demands
from verify.proof.point import Point
from verify.proof.record import Derived
from verify.proof.unroll import unroll

BACKWARD_INDUCTION = (
    "Let L_t be the loss that steps t to T add, as a function of the parameters, of the inputs of "
    "those steps and of the states before step t. Base: L_{T+1} = 0, so nothing is carried into "
    "step T. Step: L_t is the loss of step t plus L_{t+1} at the states that step t returns. By "
    "the chain rule those states receive what the loss sends them plus what step t+1 carries back, "
    "and reverse mode of step t, applied to that sum, gives the gradients by the inputs of step t "
    "and by the states before it, and the share of step t in the gradients by the parameters, "
    "which add up over the steps."
)
"""Why backpropagation through time is right for every T once its one step is."""

FORWARD_INDUCTION = (
    "Base: before step 1 the tangents of the states are those given. Step: if the tangents of the "
    "states before step t are right, the forward mode of step t gives those after it."
)
"""Why forward mode over a sequence is right for every T once its one step is."""


def wiring_of_bptt(cell: Cell, derived: Derived) -> Iterator[str]:
    """What is wrong with how the steps of backpropagation through time are joined."""
    recurrence = derived.bptt
    if not recurrence.backwards:
        yield "time runs forwards"
    carried = {
        (_source(argument, "carry"), _source(result, "cotangent"))
        for argument, result in recurrence.carried
    }
    yield from _unequal("carried back", carried, {(new, old) for old, new in cell.carried})
    summed = {_source(symbol, "cotangent") for symbol in recurrence.summed}
    yield from _unequal("summed over the steps", summed, set(cell.parameters))


def wiring_of_tangents(cell: Cell, derived: Derived) -> Iterator[str]:
    """What is wrong with how the steps of forward mode are joined."""
    recurrence = derived.tangent_sequence
    if recurrence.backwards:
        yield "time runs backwards"
    carried = {
        (_source(argument, "tangent"), _source(result, "tangent"))
        for argument, result in recurrence.carried
    }
    yield from _unequal("carried on", carried, set(cell.carried))
    yield from _unequal("summed over the steps", set(recurrence.summed), set())


def refuted_bptt(point: Point, cell: Cell, derived: Derived, steps: int) -> Iterator[str]:
    """Where backpropagation through time differs from dual numbers, pushed through all steps."""
    arguments = point.definition.arguments
    found = bptt(point.source, cell, derived, steps)
    yield from _differences(arguments, found, point.cotangents_of(arguments))


def refuted_tangents(point: Point, cell: Cell, derived: Derived, steps: int) -> Iterator[str]:
    """Where forward mode over time differs from dual numbers, pushed through all steps."""
    found = tangent_sequence(point.source, cell, derived, steps)
    yield from _differences(point.definition.results, found, point.tangents(point.values))


def refuted_unrolled(point: Point, cell: Cell, derived: Derived, steps: int) -> Iterator[str]:
    """Where backpropagation through time differs from reverse mode of the unrolled program."""
    forward, backward = unrolled_backward(cell, derived, steps)
    found = bptt(point.source, cell, derived, steps)
    expected = computed(point.source, forward, backward)
    for demand in demands(backward, point.definition):
        symbol = point.definition[demand.of]
        yield from differences(symbol, found[demand.of], expected[demand.symbol.name])


def unrolled_backward(cell: Cell, derived: Derived, steps: int) -> tuple[Program, Program]:
    """The forward program written out `steps` times, and its reverse mode as one program."""
    forward = unroll(derived.forward, cell.carried, steps)
    return forward, reverse(forward)


def _differences(
    symbols: Iterable[TensorSymbol], found: Values, truth: dict[str, Residues]
) -> Iterator[str]:
    for symbol in symbols:
        yield from differences(symbol, found[symbol.name], truth[symbol.name])


def _source(symbol: TensorSymbol, kind: str) -> object:
    """The symbol that a derived one belongs to, or the derived one where its kind is another."""
    if symbol.origin is None or symbol.origin[0] != kind:
        return symbol
    return symbol.origin[1][0]


def _unequal(what: str, found: AbstractSet[object], expected: AbstractSet[object]) -> Iterator[str]:
    for extra in sorted(str(item) for item in found if item not in expected):
        yield f"{what}, but should not be: {extra}"
    for missing in sorted(str(item) for item in expected if item not in found):
        yield f"not {what}: {missing}"
