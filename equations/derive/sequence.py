"""The sequence form for any number of steps, not unrolled: a step that is repeated over time.

Backpropagation through time is the step's own reverse mode with a carry: the cotangent that a
step finds for its old state is what the step before receives for its new state, besides what the
loss sends there. Gradients of parameters are summed over the steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from equations.derive.names import CotangentNames, TangentNames
from equations.derive.reverse import reverse
from equations.derive.tangent import tangent
from equations.language import TensorSymbol
from equations.printable import Printable
from equations.program import Program

Carried = tuple[tuple[TensorSymbol, TensorSymbol], ...]


@dataclass(frozen=True, repr=False)
class Recurrence(Printable):
    """A program repeated over the time steps.

    Args:
        body: one time step.
        carried: pairs (argument, result): the result of one step is that argument of the next.
        backwards: whether time runs from T to 1.
        summed: results that are summed over the steps; all others have a value per step.
    """

    body: Program
    carried: Carried
    backwards: bool = False
    summed: tuple[TensorSymbol, ...] = ()


def forward_sequence(step: Program, carried: Carried) -> Recurrence:
    """The cell over time: `carried` pairs each old state with the new one."""
    return Recurrence(step, carried)


def backward_sequence(
    step: Program,
    carried: Carried,
    parameters: Iterable[TensorSymbol],
    wrt: Iterable[TensorSymbol],
) -> Recurrence:
    """Backpropagation through time."""
    names = CotangentNames(step.symbols)
    body = reverse(step, wrt=wrt, carried=[new for _, new in carried])
    return Recurrence(
        body,
        tuple((names.carry(new), names.total(old)) for old, new in carried),
        backwards=True,
        summed=tuple(names.total(parameter) for parameter in parameters),
    )


def tangent_sequence(step: Program, carried: Carried) -> Recurrence:
    """The Jacobian-vector product over time."""
    names = TangentNames(step.symbols)
    body = tangent(step)
    return Recurrence(body, tuple((names.tangent(old), names.tangent(new)) for old, new in carried))
