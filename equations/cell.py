"""A cell: its definition as a class body that reads like the paper, and what is derived from it.

    class gru(Definition):
        '''Gated recurrent unit.'''

        source = "Cho et al. 2014, arXiv:1406.1078v3"
        x = Input("n_x")
        h = State("n_h")
        W_u = W_r = W_h = Parameter("n_h", "n_x")
        ...
        u = sigmoid(W_u @ x + U_u @ h + b_u)
        h_next = (1 - u) * h + u * h_cand

The body is run in order: a declaration or an expression that is assigned to a name becomes the
symbol or the equation of that name, and from then on the name stands for its symbol. Everything
else is metadata. `gru.cell` is the finished `Cell`.
"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import sympy as sp

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
from equations.language import LanguageError, Role, TensorSymbol, axes_of
from equations.program import Equation, Fact, Program

METADATA = ("source", "display", "gates", "boundaries", "facts", "loss")
RESERVED = frozenset({"np", "params", "state", "states", "saved", "tape", "inputs", "steps", "xs"})


@dataclass(frozen=True)
class Gate:
    """A gate and what its two ends mean."""

    at_zero: str
    at_one: str


@dataclass(frozen=True)
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

    def forward(self) -> Program:
        """The equations with every inner value named, ready to be derived."""
        return self._forward

    @cached_property
    def _forward(self) -> Program:
        return normal_form(self.program)

    def backward(self) -> Program:
        """Reverse mode: the cotangents of parameters, inputs and states."""
        return self._backward

    @cached_property
    def _backward(self) -> Program:
        return recognise(reverse(self.forward(), wrt=self._by_role), self.forward())

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

    def tangent(self) -> Program:
        """Forward mode: the tangents of the new states and outputs."""
        return tangent(self.forward())

    def jacobian(self) -> Program:
        """The derivative of every new state by every old one."""
        return jacobian(self.forward(), by=self.states, results=self.next_states)

    def linear_map(self) -> Program:
        """The same derivative as a linear map dS ↦ ..., for states that are matrices."""
        return tangent(self.forward(), wrt=self.states, results=self.next_states)

    def second(self) -> Program:
        """Second order: the tangents of the gradients, the derivation applied to its own result."""
        backward = self.backward()
        whole = normal_form(self.forward().then(backward, f"{self.name} and its backward"))
        derived = tangent(whole, wrt=self.forward().arguments, results=backward.results)
        return whole.needed_for(
            [s for s in derived.arguments if whole.value_of(s) is not None]
        ).then(derived, derived.name)

    def sequence(self) -> Recurrence:
        """The cell over any number of steps."""
        return forward_sequence(self.forward(), self.carried)

    def bptt(self) -> Recurrence:
        """Backpropagation through time."""
        recurrence = backward_sequence(
            self.forward(), self.carried, self.parameters, self._by_role
        )
        return replace(recurrence, body=recognise(recurrence.body, self.forward()))

    def tangent_sequence(self) -> Recurrence:
        """Forward mode over any number of steps."""
        return tangent_sequence(self.forward(), self.carried)


def Input(*axes: str) -> TensorSymbol:  # noqa: N802 - declarations read as types
    """Declare an input with these axes."""
    return TensorSymbol("?", axes, role="input")


def State(*axes: str) -> TensorSymbol:  # noqa: N802
    """Declare a state `v`; the equation `v_next` gives its new value."""
    return TensorSymbol("?", axes, role="state")


def Parameter(*axes: str) -> TensorSymbol:  # noqa: N802
    """Declare a parameter with these axes; weights are (n_out, n_in)."""
    return TensorSymbol("?", axes, role="parameter")


@dataclass(frozen=True)
class Marked:
    """An expression with a role: an output that is no state, or a shift."""

    value: sp.Expr
    role: Role | str


def Output(value: sp.Expr) -> sp.Expr:  # noqa: N802
    """Mark an equation as an output of the cell that is no state."""
    return Marked(sp.sympify(value), "output")


def Shift(value: sp.Expr) -> sp.Expr:  # noqa: N802
    """A value the results are independent of, held constant in every derivation.

    The independence is a claim, and is proved for every cell that declares a shift.
    """
    return Marked(sp.sympify(value), "shift")


class _Body(dict[str, Any]):
    """The namespace of a definition: collects symbols and equations in the order written."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.cell = cell
        self.arguments: list[TensorSymbol] = []
        self.equations: list[Equation] = []
        self.outputs: list[TensorSymbol] = []
        self.metadata: dict[str, Any] = {}

    def __setitem__(self, name: str, value: object) -> None:
        if name.startswith("__") or inspect.isfunction(value):
            super().__setitem__(name, value)
        elif name in METADATA:
            self.metadata[name] = value
        else:
            super().__setitem__(name, self.symbol(name, value))

    def symbol(self, name: str, value: object) -> TensorSymbol:
        """Declare the symbol or the equation of that name."""
        if name in self:
            raise LanguageError(f"{self.cell}: {name} is defined twice")
        if keyword.iskeyword(name) or name in RESERVED or name.startswith("_"):
            raise LanguageError(f"{self.cell}: {name!r} cannot be a name: it is reserved")
        if isinstance(value, TensorSymbol) and value.name == "?":
            symbol = TensorSymbol(name, value.axes, self.display(name, value.role), value.role)
            self.arguments.append(symbol)
            return symbol
        mark = ""
        if isinstance(value, Marked):
            value, mark = value.value, value.role
        if not isinstance(value, sp.Expr):
            raise LanguageError(
                f"{self.cell}: {name} is neither a declaration, an expression nor one of "
                f"{', '.join(METADATA)}; got {type(value).__name__}"
            )
        try:
            axes = axes_of(value) or ()
        except LanguageError as error:
            raise LanguageError(f"{self.cell}: equation {name}: {error}") from None
        role: Role = "shift" if mark == "shift" else "value"
        symbol = TensorSymbol(name, axes, self.display(name, role), role)
        self.equations.append(Equation(symbol, value))
        if mark == "output":
            self.outputs.append(symbol)
        return symbol

    def display(self, name: str, role: Role) -> str:
        """How the symbol is printed, in LaTeX: at time t, the old state at t-1."""
        given: str | None = self.metadata.get("display", {}).get(name)
        if given is not None:
            return given
        if role == "parameter":
            return name
        base = name.removesuffix("_next")
        time = "t-1" if role == "state" else "t"
        head, _, sub = base.partition("_")
        return f"{head}_{{{sub},{time}}}" if sub else f"{head}_{{{time}}}" if role == "state" else f"{head}_{time}"


class _DefinitionType(type):
    @classmethod
    def __prepare__(cls, name: str, _bases: tuple[type, ...], /, **_kwargs: object) -> _Body:
        return _Body(name)

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _DefinitionType:
        made = super().__new__(cls, name, bases, dict(body))
        if isinstance(body, _Body) and bases:
            made.cell = _finished(name, inspect.cleandoc(body.get("__doc__") or ""), body)
        return made


class Definition(metaclass=_DefinitionType):
    """Base of every cell definition; the class body holds the equations."""

    cell: ClassVar[Cell]


def _finished(name: str, doc: str, body: _Body) -> Cell:
    """Build and check the cell of a definition."""
    by_role: dict[str, list[TensorSymbol]] = {"input": [], "state": [], "parameter": []}
    for symbol in body.arguments:
        by_role[symbol.role].append(symbol)
    defined = {equation.symbol.name: equation.symbol for equation in body.equations}
    next_states = []
    for state in by_role["state"]:
        new = defined.get(f"{state}_next")
        if new is None:
            raise LanguageError(f"{name}: state {state} has no equation {state}_next")
        if new.axes != state.axes:
            raise LanguageError(
                f"{name}: equation {new}: expected the axes of {state} ({', '.join(state.axes)}), "
                f"got ({', '.join(new.axes)})"
            )
        next_states.append(new)
    if not by_role["input"]:
        raise LanguageError(f"{name}: a cell needs at least one Input")
    if not (next_states or body.outputs):
        raise LanguageError(f"{name}: a cell needs a State or an Output")
    arguments = (*by_role["input"], *by_role["state"], *by_role["parameter"])
    program = Program(
        name,
        arguments,
        tuple(body.equations),
        (*next_states, *body.outputs),
        tuple(Fact(left, sp.sympify(right)) for left, right in body.metadata.get("facts", ())),
    )
    used = {s for equation in body.equations for s in equation.value.atoms(TensorSymbol)}
    for symbol in arguments:
        if symbol not in used:
            raise LanguageError(f"{name}: {symbol.role} {symbol} is in no equation")
    dead = [e.symbol for e in program.equations if e not in program.needed_for(program.results).equations]
    if dead:
        raise LanguageError(f"{name}: equation {dead[0]} is used by nothing")
    _check_derived_names(name, program)
    gates = {gate: Gate(*ends) for gate, ends in body.metadata.get("gates", {}).items()}
    for key in (*gates, *body.metadata.get("display", {})):
        if key not in {s.name for s in program.symbols}:
            raise LanguageError(f"{name}: {key!r} in gates or display is not one of its names")
    return Cell(
        name,
        doc,
        body.metadata.get("source", ""),
        program,
        tuple(by_role["input"]),
        tuple(by_role["state"]),
        tuple(by_role["parameter"]),
        tuple(next_states),
        tuple(body.outputs),
        gates,
        tuple(body.metadata.get("boundaries", ())),
        defined.get(body.metadata.get("loss", "")),
    )


def _check_derived_names(name: str, program: Program) -> None:
    """Refuse a name that a derivation would give to something else."""
    names = {symbol.name for symbol in program.symbols}
    for symbol in program.symbols:
        for derived in (f"d{symbol}", f"a_{symbol}", f"{symbol}_dot", f"d{symbol}_given", f"d{symbol}_later"):
            if derived in names:
                raise LanguageError(
                    f"{name}: {derived} is the name of a value derived from {symbol}; choose another"
                )
