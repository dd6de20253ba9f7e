"""Cases: the inputs a cell is checked at, and whether they are adequate to find a mistake.

A gradient check at a zero state, a symmetric matrix or a batch of one is blind to whole kinds of
mistakes; so cases have distinct lengths, non-zero states, distinct biases and three steps, and
some drive every gate to both of its ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import cycle
from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import sympy as sp

from equations.cell import Cell
from equations.language import Contract, TensorSymbol, sigmoid, tanh
from verify.arithmetic.running import Running
from verify.evidence.bounds import BOUNDS
from verify.interpret import evaluate

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

Kind = Literal[
    "ordinary", "saturated", "opposite", "small", "large", "wide", "long", "tiny", "huge"
]

SCALE: Mapping[Kind, float] = {"small": 0.01, "large": 4.0, "tiny": 1e-10, "huge": 8.0}
"""`tiny` leaves products of four in float32 below its normal range; `huge` makes pre-activations of
some hundreds, beyond what exp can hold in float32."""
FALL: Mapping[Kind, float] = {"wide": 1.0, "long": 2.0}
"""Weights are N(0, 1/n) for n inputs, divided by this: over many steps what bounds rounding would
else grow beyond what it bounds."""
SATURATING_SCALE = 2.0
"""Of a cell without gates that is to be saturated: logits of some ±20 saturate a softmax."""
BATCH, STEPS = 2, 3
STATE_LENGTHS, OTHER_LENGTHS = (3, 5, 7), (4, 6, 8)
LONG_STATE_LENGTHS, LONG_STATES, LONG_STEPS = (48, 32), 7168, 20
"""Of a `long` case: lengths that a product cuts into blocks of columns, and so many values of a
state in the batch that a sequence goes some steps at a time."""

DRIVE = (20.0, 0.0, -40.0)
"""What is added to the biases of a logistic gate, unit after unit; half of it to those of a tanh,
which saturates twice as fast. The case `opposite` has the other signs."""


class NoCaseError(ValueError):
    """No inputs are known that satisfy what a cell declares, so nothing can be evaluated there."""


@dataclass(frozen=True, eq=False)
class Case:
    """A point, and the cotangents and tangents for the derivatives there.

    Attributes:
        cell: the cell the inputs are for.
        kind: how they were drawn.
        seed: what they were drawn with.
        sizes: the length of each axis, of the batch `B` and of the time `T`.
        point: parameters with their own axes; states (B, ...); inputs (T, B, ...).
        cotangents: of the results by name, (T, B, ...).
        tangents: of everything in `point`, of the same shapes.
        checkpoint_every: the steps from one kept state of a sequence to the next, where a subject
            keeps states alone; None where it keeps everything.
    """

    cell: Cell
    kind: str
    seed: int
    sizes: Mapping[str, int]
    point: Arrays
    cotangents: Arrays
    tangents: Arrays
    checkpoint_every: int | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its arrays, and of what a subject has to return."""
        return next(iter(self.cotangents.values())).dtype

    def cast(self, dtype: str) -> Case:
        """The case with all its numbers rounded to a kind of floats; its facts stay exact."""
        return _cast(self, dtype)

    def at(self, t: int, states: Arrays, cotangents: Arrays, moved: Arrays) -> Case:
        """One step of the case, from these states with these cotangents and state tangents."""
        inputs = {s.name: self.point[s.name][t : t + 1] for s in self.cell.inputs}
        ways = {s.name: self.tangents[s.name][t : t + 1] for s in self.cell.inputs}
        return replace(
            self,
            sizes={**self.sizes, "T": 1},
            point={**self.point, **inputs, **states},
            cotangents={name: value[None] for name, value in cotangents.items()},
            tangents={**self.tangents, **ways, **moved},
        )

    def sample(self, b: int) -> Case:
        """The case of one sample of the batch."""

        def chosen(values: Arrays) -> Arrays:
            return {name: self._one(name, value, b) for name, value in values.items()}

        return replace(
            self,
            sizes={**self.sizes, "B": 1},
            point=chosen(self.point),
            cotangents={name: value[:, b : b + 1] for name, value in self.cotangents.items()},
            tangents=chosen(self.tangents),
        )

    def _one(self, name: str, value: Array, b: int) -> Array:
        role = self.cell[name].role
        if role == "parameter":
            return value
        return value[:, b : b + 1] if role == "input" else value[b : b + 1]


@lru_cache(maxsize=256)
def _cast(case: Case, dtype: str) -> Case:
    def rounded(values: Arrays) -> Arrays:
        return {name: np.asarray(value, dtype) for name, value in values.items()}

    exact = {name: _dyadic(case.point[name], 1.0) for name in _on_simplex(case.cell)}
    along = {name: _dyadic(case.tangents[name], 0.0) for name in exact}
    return replace(
        case,
        point=rounded({**case.point, **exact}),
        cotangents=rounded(case.cotangents),
        tangents=rounded({**case.tangents, **along}),
    )


def _dyadic(values: Array, total: float) -> Array:
    """Values near these that add up to the total exactly, in any format."""
    steps = 2.0**20
    near = np.floor(values * steps) / steps
    near[..., :1] += total - near.sum(axis=-1, keepdims=True)
    return near


@lru_cache(maxsize=256)
def first_step(case: Case) -> Case:
    """The case of the first step alone, T = 1: what the functions of one step are checked at."""
    return case.at(0, {}, {name: value[0] for name, value in case.cotangents.items()}, {})


@lru_cache(maxsize=256)
def moved(case: Case, step: float) -> Case:
    """The case whose point lies `step` times the tangents away."""
    point = {name: value + step * case.tangents[name] for name, value in case.point.items()}
    return replace(case, point=point)


def default_sizes(cell: Cell, kind: Kind = "ordinary") -> dict[str, int]:
    """Distinct small lengths for the axes; those of states have at least three units.

    In a `wide` case states have eight units and there are ten steps; a `long` one is as large as
    what generated sequences do not do at once.
    """
    of_states = list(dict.fromkeys(axis for state in cell.states for axis in state.axes))
    if kind == "long":
        of_results = of_states or ["n_h"]
        long = dict(zip(of_results, cycle(LONG_STATE_LENGTHS), strict=False))
        rows = max(BATCH, LONG_STATES // max(1, prod(long[axis] for axis in of_states)))
        return {axis: long.get(axis, 5) for axis in cell.axes} | {"B": rows, "T": LONG_STEPS}
    if kind == "wide":
        wide = {axis: 8 if axis in of_states or axis == "n_h" else 5 for axis in cell.axes}
        return {**wide, "B": BATCH, "T": 10}
    lengths: dict[str, int] = {}
    for axes, free in (
        (of_states, STATE_LENGTHS),
        ([axis for axis in cell.axes if axis not in of_states], OTHER_LENGTHS),
    ):
        for k, axis in enumerate(axes):
            lengths[axis] = free[k] if k < len(free) else 2 * k + free[-1]
    return {**lengths, "B": BATCH, "T": STEPS}


def make_case(
    cell: Cell, kind: Kind = "ordinary", seed: int = 0, sizes: Mapping[str, int] | None = None
) -> Case:
    """Draw a case: N(0, 1), or scaled, or with every gate driven to its ends.

    Args:
        cell: the cell.
        kind: `ordinary`; `wide` for more units and steps, with weights of variance 1/(fan in);
            `long` for many of both and of samples, with weights half as large, so that bounds on
            rounding do not grow beyond what they bound;
            `small`, `large`, `tiny` or `huge` values; `saturated` and `opposite`, where biases
            drive some units of every gate to one end and some to the other.
        seed: of the random generator; the same for all kinds, so that they differ in kind alone.
        sizes: lengths of the axes, `B` and `T`; the defaults for those that are not named.
    """
    rng = np.random.default_rng(seed)
    lengths = {**default_sizes(cell, kind), **(sizes or {})}

    def draw(symbol: TensorSymbol) -> Array:
        lead = {"input": ("T", "B"), "state": ("B",), "value": ("T", "B")}.get(symbol.role, ())
        shape = [lengths[axis] for axis in (*lead, *symbol.axes)]
        return np.asarray(rng.standard_normal(shape))

    arguments = cell.program.arguments
    ends = kind in ("saturated", "opposite")
    scale = SCALE.get(kind, 1.0)
    if ends and not any(saturating(cell)):
        scale = SATURATING_SCALE
    point = {s.name: np.asarray(scale * draw(s)) for s in arguments}
    tangents = {s.name: draw(s) for s in arguments}
    if kind in FALL:
        for symbol in cell.parameters:
            if len(symbol.axes) > 1:  # so that N(0, 1) inputs give sums of N(0, 1) again
                point[symbol.name] /= np.sqrt(lengths[symbol.axes[-1]]) * FALL.get(kind, 1)
    for name in _on_simplex(cell):
        point[name] = np.exp(point[name]) / np.exp(point[name]).sum(axis=-1, keepdims=True)
        tangents[name] -= tangents[name].mean(axis=-1, keepdims=True)
    cotangents = {s.name: draw(s) for s in cell.program.results}
    if ends:
        _drive(cell, point, 1.0 if kind == "saturated" else -1.0)
    return Case(cell, kind, seed, lengths, point, cotangents, tangents)


def redrawn(case: Case, seed: int) -> Case:
    """The same point with other cotangents and tangents."""
    other = make_case(case.cell, "ordinary", seed, case.sizes)
    return replace(case, cotangents=other.cotangents, tangents=other.tangents)


def saturating(cell: Cell) -> Iterator[tuple[TensorSymbol, type[sp.Function], TensorSymbol]]:
    """The activations that saturate: their symbol, their function and their argument."""
    for equation in cell.forward():
        if isinstance(equation.value, sigmoid | tanh):
            yield equation.symbol, type(equation.value), equation.value.args[0]


def _drive(cell: Cell, point: dict[str, Array], sign: float) -> None:
    """Drive every saturating function to its ends, in some units and not in others.

    Through the biases of its argument; through the old state, with one sign in one sample and the
    other in the next, where the argument is a new state; else through larger weights.
    """
    old_of = {new: old for old, new in cell.carried}
    for count, (_, function, argument) in enumerate(saturating(cell)):
        strength = sign if function is sigmoid else sign / 2
        value = cell.forward().value_of(argument)
        terms = sp.Add.make_args(value if value is not None else sp.S.Zero)
        parameters = {s for term in terms for s in term.atoms(TensorSymbol) if s in cell.parameters}
        if biases := parameters.intersection(terms):
            for bias in biases:
                point[bias.name] = np.asarray(
                    point[bias.name] + strength * _pattern(bias, point, count)
                )
        elif argument in old_of:
            state = old_of[argument]
            samples = (-1.0) ** np.arange(len(point[state.name]))
            drive = strength * _pattern(state, point, 0)
            point[state.name] = point[state.name] + drive * samples.reshape(
                -1, *[1] * len(state.axes)
            )
        else:
            for weight in parameters:
                point[weight.name] = np.asarray(point[weight.name] * sign * max(DRIVE))


def _pattern(symbol: TensorSymbol, point: Arrays, start: int) -> Array:
    """The drives of the units of a bias or of a state, another unit first for every gate."""
    shape = point[symbol.name].shape[point[symbol.name].ndim - len(symbol.axes) :]
    place = np.arange(int(np.prod(shape))).reshape(shape) + (start if shape else 0)
    return np.asarray(DRIVE)[place % len(DRIVE)]


def _on_simplex(cell: Cell) -> Iterator[str]:
    """The inputs of which a fact says that their components add up to 1."""
    for fact in cell.program.facts:
        of = fact.left.operands if isinstance(fact.left, Contract) else ()
        single = len(of) == 1 and isinstance(of[0], TensorSymbol) and of[0].role == "input"
        if not (single and fact.left.letters[1] == "" and fact.right == 1):
            raise NoCaseError(
                f"no inputs are known to satisfy {fact.left} = {fact.right}: known are facts that "
                "say that the components of an input add up to 1"
            )
        yield of[0].name


def inadequate(cases: Iterable[Case]) -> list[str]:
    """What is wrong with the cases as evidence; nothing when the list is empty.

    Each case is judged for itself, and together they must drive every gate to both its ends.
    """
    cases = list(cases)
    found = [
        f"{case.kind}: {problem}" for case in cases for rule in _RULES for problem in rule(case)
    ]
    for symbol, function, _ in saturating(cases[0].cell):
        reached = [_reached(case, symbol, function) for case in cases]
        for end, name in enumerate(("lower", "upper")):
            if not any(ends[end] for ends in reached):
                found.append(f"{symbol} is never driven to its {name} end")
    return found


def _lengths(case: Case) -> Iterator[str]:
    state_axes = {axis for state in case.cell.states for axis in state.axes}
    for axis in ("B", *state_axes):
        if case.sizes[axis] < 2:
            yield f"{axis} = {case.sizes[axis]} is below 2"
    if case.sizes["T"] < 3:
        yield f"T = {case.sizes['T']} is below three steps"
    lengths = [case.sizes[axis] for axis in ("B", *case.cell.axes)]
    if len(set(lengths)) < len(lengths):
        yield "two axes have the same length"


def _matrices(case: Case) -> Iterator[str]:
    for symbol in case.cell.parameters:
        value = case.point[symbol.name]
        if value.ndim == 2 and symbol.axes[0] == symbol.axes[1] and np.allclose(value, value.T):
            yield f"{symbol} is symmetric"


def _states(case: Case) -> Iterator[str]:
    for symbol in case.cell.states:
        if not np.all(case.point[symbol.name]):
            yield f"the initial {symbol} has zeros"


def _vectors(case: Case) -> Iterator[str]:
    vectors = [case.point[s.name] for s in case.cell.parameters if len(s.axes) <= 1]
    values = np.concatenate([np.ravel(v) for v in vectors]) if vectors else np.ones(1)
    if not np.all(values) or np.unique(values).size < values.size:
        yield "biases are zero or equal"


_RULES: tuple[Callable[[Case], Iterator[str]], ...] = (_lengths, _matrices, _states, _vectors)


def _reached(case: Case, symbol: TensorSymbol, function: type[sp.Function]) -> tuple[bool, bool]:
    """Whether some unit at the first step is at the lower end, and some at the upper."""
    running = Running()
    values = {
        s.name: running.lift(case.point[s.name][0] if s.role == "input" else case.point[s.name])
        for s in case.cell.program.arguments
    }
    value = evaluate(case.cell.forward(), values, case.sizes, running)[symbol.name].value
    low, near = 0.0 if function is sigmoid else -1.0, BOUNDS["end"].value
    return bool(np.any(value < low + near)), bool(np.any(value > 1 - near))
