"""Which equations each generated function needs, and what it reads and returns.

The plan of a cell holds no text and no order of execution; `schedule` decides where the equations
of a plan run and `functions` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from equations.cell import Cell
from equations.derive.names import CotangentNames, TangentNames, jacobian_name
from equations.derive.sequence import Recurrence
from equations.generate.planning.exact import exact, fast
from equations.generate.planning.schedule import Schedule, schedule
from equations.generate.planning.shares import exact_shares
from equations.generate.planning.signs import signs_folded
from equations.language import TensorSymbol
from equations.program import Program


@dataclass(frozen=True)
class Plan:
    """What the functions of one cell compute.

    Args:
        cell: the cell.
        exact: whether complements are computed without cancellation, or as they are printed.
    """

    cell: Cell
    exact: bool = True

    @cached_property
    def factless(self) -> Cell:
        """The cell without its declared facts, which code need not rely on.

        A sum that a fact makes 1 has to stay a sum, beside the terms that it cancels with.
        """
        program = replace(self.cell.program, facts=())
        return replace(self.cell, program=program) if self.cell.program.facts else self.cell

    @cached_property
    def saved(self) -> tuple[TensorSymbol, ...]:
        """What a step keeps: inputs, states, and every value but arguments no derivative reads."""
        derived = (self.factless.backward(), self.factless.tangent(), self.factless.jacobian())
        known = self.forward.symbols
        read = {s for program in derived for s in self.evaluated(program).given(known).arguments}
        values = (eq.symbol for eq in self.forward if eq.symbol in read or not _is_inner(eq.symbol))
        kept = (*self.cell.inputs, *self.cell.states, *values)
        return tuple(symbol for symbol in kept if symbol.role != "shift")

    @cached_property
    def forward(self) -> Program:
        """The step itself, with the complements that derivatives read or it reads itself."""
        return self.evaluated(self.cell.forward())

    @cached_property
    def backward(self) -> Program:
        """Reverse mode from saved values."""
        return self._from_saved(self.evaluated(self.factless.backward()))

    @cached_property
    def tangent(self) -> Program:
        """Forward mode from saved values."""
        return self._from_saved(self.evaluated(self.factless.tangent()))

    @cached_property
    def second(self) -> Program:
        """The tangents of the gradients from saved values."""
        return self._from_saved(self.evaluated(self.factless.second()))

    @cached_property
    def jacobian(self) -> Program:
        """New states by old states from saved values."""
        return self._from_saved(self.evaluated(self.factless.jacobian()))

    @cached_property
    def sequence(self) -> Schedule:
        """The sequence, split into what waits and what does not."""
        return schedule(self.repeated, self.saved)

    @cached_property
    def signed_sequence(self) -> Schedule:
        """The same with signs in parameters, for code in which a change of sign is a call."""
        body = signs_folded(self.repeated.body, self.saved)
        return schedule(replace(self.repeated, body=body), self.saved)

    @cached_property
    def repeated(self) -> Recurrence:
        """A step with its complements, over time."""
        return replace(self.factless.sequence(), body=self.forward)

    @cached_property
    def bptt(self) -> Schedule:
        """Backpropagation through time from the tape."""
        return schedule(self._from_tape(self.factless.bptt()))

    @cached_property
    def tangent_sequence(self) -> Schedule:
        """Forward mode over time from the tape."""
        return schedule(self._from_tape(self.factless.tangent_sequence()))

    @property
    def results(self) -> tuple[TensorSymbol, ...]:
        """New states and then outputs."""
        return (*self.cell.next_states, *self.cell.outputs)

    def field(self, symbol: TensorSymbol) -> str:
        """The name of a result where it is a field: a new state has its state's name."""
        for old, new in self.cell.carried:
            if symbol == new:
                return str(old)
        return str(symbol)

    def seed(self, result: TensorSymbol, program: Program) -> TensorSymbol:
        """The argument of a backward program by which a result's cotangent comes in."""
        names = CotangentNames(self.cell.forward().symbols)
        given = names.seed(result)
        return given if given in program.arguments else names.total(result)

    def cotangent(self, symbol: TensorSymbol) -> TensorSymbol:
        """The cotangent of an argument of the cell."""
        return CotangentNames(self.cell.forward().symbols).total(symbol)

    def moved(self, symbol: TensorSymbol) -> TensorSymbol:
        """The tangent of a symbol of the cell or of its backward pass."""
        return TangentNames(self.cell.forward().symbols).tangent(symbol)

    def by_state(self, new: TensorSymbol, old: TensorSymbol) -> TensorSymbol:
        """The derivative of a new state by an old one."""
        return jacobian_name(new, old)

    def evaluated(self, program: Program) -> Program:
        """The equations that code evaluates in place of those that are printed."""
        if not self.exact:
            return fast(program)
        forward = self.cell.forward()
        return exact(exact_shares(program, forward), forward)

    def _from_tape(self, recurrence: Recurrence) -> Recurrence:
        return replace(recurrence, body=self._from_saved(self.evaluated(recurrence.body)))

    def _from_saved(self, program: Program) -> Program:
        return program.given(self.saved)


def _is_inner(symbol: TensorSymbol) -> bool:
    return symbol.origin is not None and symbol.origin[0] in ("argument", "beside", "copy")
