"""Driving gates: which bias moves the pre-activation of a gate, and inputs with it moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from equations.language import TensorSymbol, ramp, sigmoid
from equations.program import Program
from verify.boundaries.record import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from equations.cell import Cell

Array = Any


@dataclass(frozen=True)
class Handle:
    """What moves a gate.

    Attributes:
        gate: the gate.
        argument: its pre-activation.
        bias: the parameter that is a term of the pre-activation on its own.
        weights: all other parameters in it, and in what it is a sum of short of a function.
    """

    gate: TensorSymbol
    argument: TensorSymbol
    bias: TensorSymbol
    weights: tuple[TensorSymbol, ...]


def handle(cell: Cell, gate: TensorSymbol) -> Handle:
    """Find what moves a gate.

    Raises:
        UndecidedError: it is not a function of a pre-activation with a bias of its own.
    """
    program = cell.forward()
    value = program.value_of(gate)
    argument = value.args[0] if isinstance(value, sp.Function) else None
    affine = program.value_of(argument) if isinstance(argument, TensorSymbol) else None
    if affine is None or argument is None:
        raise UndecidedError(f"{gate} is not a function of a pre-activation")
    terms = sp.Add.make_args(affine)
    biases = [term for term in terms if term in cell.parameters and term.axes == gate.axes]
    if len(biases) != 1:
        raise UndecidedError(f"the pre-activation of {gate} has {len(biases)} biases, expected one")
    uses = [eq.symbol for eq in program.equations if biases[0] in eq.value.atoms(TensorSymbol)]
    if uses != [argument]:
        raise UndecidedError(
            f"the bias {biases[0]} of {gate} is used in {', '.join(map(str, uses))}"
        )
    inside = _summed(affine, program)
    weights = tuple(p for p in cell.parameters if p in inside and p != biases[0])
    return Handle(gate, argument, biases[0], weights)


def _summed(value: sp.Expr, program: Program) -> set[TensorSymbol]:
    """The symbols that a value is made of, without those behind the value of a function."""
    found: set[TensorSymbol] = value.atoms(TensorSymbol)
    for symbol in tuple(found):
        behind = program.value_of(symbol)
        if behind is not None and not isinstance(behind, sp.Function):
            found |= _summed(behind, program)
    return found


def movable(cell: Cell) -> list[Handle]:
    """What moves each value that can be driven; those that cannot are left out."""
    if cell.program not in _movable:
        _movable[cell.program] = _found(cell)
    return _movable[cell.program]


_movable: dict[Program, list[Handle]] = {}
"""What was found already, by the program that defines the cell."""


def _found(cell: Cell) -> list[Handle]:
    handles = []
    for equation in cell.forward().equations:
        try:
            handles.append(handle(cell, equation.symbol))
        except UndecidedError:
            continue
    return handles


def driven(
    inputs: Mapping[str, Array], ends: Mapping[Handle, float], *, keep_weights: bool = False
) -> dict[str, Array]:
    """The inputs with each handle's pre-activation at exactly that value.

    With `keep_weights` the value is only added to the pre-activation.
    """
    moved = dict(inputs)
    for own, value in ends.items():
        moved[own.bias.name] = np.full_like(np.asarray(moved[own.bias.name]), value)
        if not keep_weights:
            for weight in own.weights:
                moved[weight.name] = np.zeros_like(np.asarray(moved[weight.name]))
    return moved


def towards(cell: Cell, gate: TensorSymbol, end: int) -> float:
    """The sign of the pre-activation that drives a gate to 0 or to 1."""
    value = cell.forward().value_of(gate)
    if isinstance(value, ramp) and value.args[3:] == (0, 1):
        rising = bool(value.args[1] > 0)
    elif isinstance(value, sigmoid):
        rising = True
    else:
        raise UndecidedError(f"{gate} does not run from 0 to 1")
    return 1.0 if bool(end) == rising else -1.0
