"""A cell as data, and everything that is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import TypeVar

from equations.boundary import Boundary, Saturation
from equations.derive.normal import normal_form
from equations.derive.recognise import propagate, recognise
from equations.derive.reverse import reverse
from equations.derive.sequence import (
    Carried,
    Recurrence,
    backward_sequence,
    forward_sequence,
    tangent_sequence,
)
from equations.derive.tangent import jacobian, tangent
from equations.language import LanguageError, TensorSymbol
from equations.program import Program
from equations.theorem import Theorem

Made = TypeVar("Made")


def kept(derive: Callable[[Cell], Made]) -> Callable[[Cell], Made]:
    """A derivation that is made once for each cell, since all stages ask for it again."""
    name = f"_{derive.__name__}"

    @wraps(derive)
    def derived(cell: Cell) -> Made:
        known: dict[str, Made] = cell.__dict__
        if name not in known:
            known[name] = derive(cell)
        return known[name]

    return derived


@dataclass(frozen=True)
class Gate:
    """A gate and what its two ends mean."""

    at_zero: str
    at_one: str


@dataclass(frozen=True, repr=False)
class Cell:
    """A recurrent cell in equations; build one with a `Definition`.

    Attributes:
        program: the equations as they were written, from inputs, states and parameters.
        inputs, states, parameters: its arguments by role, in declaration order.
        next_states: the new value of each state, in the order of `states`.
        outputs: results that are not states.
        gates: the gates, with the meaning of their ends.
        boundaries: statements about the ends of the gates.
        loss: the scalar output that is minimised, for a cell that has one.
        theorems: statements for all real inputs and every size.
    """

    name: str
    doc: str
    source: str
    program: Program
    inputs: tuple[TensorSymbol, ...]
    states: tuple[TensorSymbol, ...]
    parameters: tuple[TensorSymbol, ...]
    next_states: tuple[TensorSymbol, ...]
    outputs: tuple[TensorSymbol, ...]
    gates: Mapping[str, Gate]
    boundaries: tuple[Boundary | Saturation, ...]
    loss: TensorSymbol | None = None
    theorems: tuple[Theorem, ...] = ()

    def __str__(self) -> str:
        """The equations as written."""
        return str(self.program)

    def __repr__(self) -> str:
        """Short: a cell is mostly looked at by printing it."""
        return f"<cell {self.name}>"

    def _repr_latex_(self) -> str:
        """The equations as written, for a notebook."""
        return self.program._repr_latex_()

    def __getitem__(self, name: str) -> TensorSymbol:
        """The symbol of that name."""
        return self.program[name]

    @property
    def carried(self) -> Carried:
        """Each old state with its new value."""
        return tuple(zip(self.states, self.next_states, strict=True))

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of all axes, in order of appearance."""
        return tuple(dict.fromkeys(axis for s in self.program.arguments for axis in s.axes))

    def definition(self) -> Program:
        """The equations as written."""
        return self.program

    @kept
    def forward(self) -> Program:
        """The equations with every inner value named, ready to be derived."""
        return normal_form(self.program)

    @kept
    def backward(self) -> Program:
        """Reverse mode: the cotangents of parameters, inputs and states."""
        return _with_its_facts(
            lambda forward: recognise(reverse(forward, wrt=self._by_role), forward), self.forward()
        )

    def gradient(self) -> Program:
        """The gradient of the loss, for a cell that declares one: its cotangent is 1.

        Raises:
            LanguageError: the cell declares no loss.
        """
        if self.loss is None:
            raise LanguageError(f"{self.name} declares no loss; ask for backward")
        forward = self.forward()
        derived = propagate(reverse(forward, wrt=self._by_role, loss=self.loss), forward)
        return propagate(recognise(derived, forward), forward)

    @property
    def _by_role(self) -> tuple[TensorSymbol, ...]:
        return (*self.parameters, *self.inputs, *self.states)

    @kept
    def tangent(self) -> Program:
        """Forward mode: the tangents of the new states and outputs."""
        return tangent(self.forward())

    @kept
    def jacobian(self) -> Program:
        """The derivative of every new state by every old one."""
        return jacobian(self.forward(), by=self.states, results=self.next_states)

    @kept
    def linear_map(self) -> Program:
        """The same derivative as a linear map dS ↦ ..., for states that are matrices."""
        return tangent(self.forward(), wrt=self.states, results=self.next_states)

    def state_derivative(self) -> Program:
        """The derivative by the old states as people write it: matrices, or a linear map."""
        matrices = all(len(state.axes) <= 1 for state in self.states)
        return self.jacobian() if matrices else self.linear_map()

    @kept
    def second(self) -> Program:
        """Second order: the tangents of the gradients, the derivation applied to its own result."""
        backward = self.backward()
        forward = replace(self.forward(), facts=backward.facts)
        whole = normal_form(forward.then(backward, f"{self.name} and its backward"))
        derived = tangent(whole, wrt=self.forward().arguments, results=backward.results)
        read = [s for s in derived.arguments if whole.value_of(s) is not None]
        second = whole.needed_for(read).then(derived, derived.name)
        return replace(second, results=derived.results)

    @kept
    def sequence(self) -> Recurrence:
        """The cell over any number of steps."""
        return forward_sequence(self.forward(), self.carried)

    @kept
    def bptt(self) -> Recurrence:
        """Backpropagation through time."""
        recurrence = backward_sequence(self.forward(), self.carried, self.parameters, self._by_role)
        body = recognise(recurrence.body, self.forward())
        return replace(recurrence, body=replace(body, facts=self.backward().facts))

    @kept
    def tangent_sequence(self) -> Recurrence:
        """Forward mode over any number of steps."""
        return tangent_sequence(self.forward(), self.carried)


def _with_its_facts(derive: Callable[[Program], Program], forward: Program) -> Program:
    """What is derived from equations with their facts, or without them where it is the same."""
    derived = derive(forward)
    if not forward.facts:
        return derived
    without = derive(replace(forward, facts=()))
    return without if without.equations == derived.equations else derived
