"""The error against one pre-activation: of factors of derivatives, and of a gate in its cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from equations.cell import Cell
from equations.definition import Definition, Input, Output, Shift
from equations.language import (
    Contract,
    TensorSymbol,
    broadcast,
    dot,
    exp,
    largest,
    log,
    sigmoid,
    tanh,
    total,
)
from verify.arithmetic.formats import Format
from verify.evidence.case import Array, Case, make_case, saturating
from verify.evidence.derived import Function
from verify.evidence.subject import Subject
from verify.precision.allowance import conditions
from verify.precision.contenders import contenders
from verify.precision.truth import enclosures, errors, middle
from verify.target import built

REACH = {"float64": 700.0, "float32": 85.0}
"""How far pre-activations go: to where exp(-a) is still a normal number."""

POINTS, POINTS_OF_GATE = 1001, 81
LINEAR = 1.0
"""Points are spread evenly to here, and beyond in equal ratios."""

MOVED = ("input", "state")
"""The arguments whose gradients are told against a gate: those of the parameters are products with
them."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Errors along a sweep.

    Attributes:
        of: what is swept: a factor, or a gate with the order of its derivatives.
        dtype: the floats computed in.
        contender: who computed.
        at: pre-activations.
        ulps: the error at each, in ulps, for a gate in ulps times the condition.
    """

    of: str
    dtype: str
    contender: str
    at: Array
    ulps: Array

    def to_json(self) -> dict[str, Any]:
        """The worst of it."""
        worst = int(np.argmax(self.ulps)) if self.ulps.size else 0
        ulps = float(self.ulps[worst])
        return {
            "of": self.of,
            "dtype": self.dtype,
            "contender": self.contender,
            "worst": ulps if np.isfinite(ulps) else None,
            "at": float(self.at[worst]),
        }


class _Logistic(Definition):
    """The logistic function."""

    a = Input("n")
    y = Output(sigmoid(a))


class _Complement(Definition):
    """One minus the logistic function, as gated cells have it."""

    a = Input("n")
    u = sigmoid(a)
    y = Output(1 - u)


class _Tanh(Definition):
    """The hyperbolic tangent."""

    a = Input("n")
    y = Output(tanh(a))


class _Head(Definition):
    """Softmax and cross entropy of logits."""

    a = Input("n")
    y = Input("n")
    m = Shift(largest(a))
    z = a - broadcast(m, "n")
    e = exp(z)
    s = total(e)
    cost = Output(-dot(y, z - broadcast(log(s), "n")))
    facts = ((total(y), 1),)


FACTORS: Sequence[tuple[str, type[Definition], Function, str]] = (
    ("σ(a)", _Logistic, "step", "y"),
    ("1 - σ(a)", _Complement, "step", "y"),
    ("σ'(a)", _Logistic, "step_vjp", "a"),
    ("tanh'(a)", _Tanh, "step_vjp", "a"),
    ("σ''(a)", _Logistic, "step_hvp", "a"),
    ("tanh''(a)", _Tanh, "step_hvp", "a"),
    ("-log ŷ", _Head, "step", "cost"),
    ("ŷ - y", _Head, "step_vjp", "a"),
    ("(-log ŷ)''", _Head, "step_hvp", "a"),
)
"""A name, the cell of one line that has it, and the result of that cell which it is."""

CLASSES = 3
"""How many logits the line with a softmax has: the first is swept, its class is the target."""


def factors(of: Format) -> Iterator[Curve]:
    """Every factor by every contender, each from a cell of one line, generated for the purpose."""
    at = spread(of, POINTS)
    for name, definition, function, field in FACTORS:
        cell = definition.cell
        case = case_of_line(cell, at)
        true = enclosures(case, function, of)[field]
        for subject in contenders_of(definition):
            with np.errstate(all="ignore"):
                got = subject.compute(function, case)[field]
            each = errors(got, true, of).reshape(len(at), -1)
            yield Curve(name, of.name, subject.name, at, each.max(axis=1))


@cache
def contenders_of(definition: type[Definition]) -> Sequence[Subject]:
    """Generated code of a line, and the libraries; kept, since both formats ask."""
    return contenders(definition.cell, built(definition.cell, "a sweep"))[0]


def case_of_line(cell: Cell, at: Array) -> Case:
    """A line at many points, each a sample of its own, with seeds of one.

    Of a line with several components the first is at the points, and moves; the others are zero.
    What adds up to 1 is all in the first.
    """
    length = CLASSES if cell.program.facts else 1
    first = np.zeros(length, at.dtype)
    first[0] = 1
    case = make_case(cell, sizes={"n": length, "B": len(at), "T": 1})
    ones = np.ones_like(at)[None, :, None]
    moved, *held = cell.inputs
    point = {symbol.name: ones * first for symbol in held}
    tangents = {
        symbol.name: np.zeros_like(value)
        for symbol, value in zip(held, point.values(), strict=True)
    }
    return replace(
        case,
        point={moved.name: at[None, :, None] * first, **point},
        tangents={moved.name: ones * first, **tangents},
        cotangents={
            s.name: np.ones_like(at).reshape(1, -1, *[1] * len(s.axes))
            for s in cell.program.results
        },
    )


def gates(cell: Cell, subjects: Iterable[Subject], of: Format) -> Iterator[Curve]:
    """The gradients by inputs and old states against the pre-activation of each gate in turn."""
    subjects = list(subjects)
    at = spread(of, POINTS_OF_GATE)
    for gate, case in swept(cell, at):
        for order, function in (("first", "step_vjp"), ("second", "step_hvp")):
            worst = _worst_of_samples(case, function, subjects, of)  # type: ignore[arg-type]
            for name, ulps in worst.items():
                yield Curve(f"{gate}, {order} derivatives", of.name, name, at, ulps)


def _worst_of_samples(
    case: Case, function: Function, subjects: Sequence[Subject], of: Format
) -> Mapping[str, Array]:
    """The largest error of each sample in ulps times the condition, by contender."""
    true = enclosures(case, function, of, MOVED)
    values = {name: middle(balls) for name, balls in true.items()}
    condition = conditions(case, function, values, of)
    worst = {}
    for subject in subjects:
        with np.errstate(all="ignore"):
            got = subject.compute(function, case)
        each = [
            (errors(got[name], balls, of) / condition[name]).reshape(case.sizes["B"], -1)
            for name, balls in true.items()
        ]
        worst[subject.name] = np.concatenate(each, axis=1).max(axis=1)
    return worst


def swept(cell: Cell, at: Array) -> Iterator[tuple[TensorSymbol, Case]]:
    """For each gate a case in which its pre-activation is exactly `at`, a sample for each point.

    One component of an input drives it with weight one. All else that its pre-activation reads is
    zero, as are the other weights of that component, so that nothing else moves; what other gates
    read besides is ordinary. A gate that reads no input is left out.
    """
    for gate, _, argument in saturating(cell):
        driver = _driver(cell, cell.forward().value_of(argument))
        if driver is None:
            continue
        weight, source, read = driver
        axis = source.axes[-1]
        case = make_case(cell, sizes={axis: 2, "B": len(at), "T": 1}).cast(at.dtype.name)
        point = {name: np.array(value) for name, value in case.point.items()}
        for symbol in read:
            point[symbol.name][...] = 0
        for symbol in (weight, *_weights_of(cell, source)):
            np.moveaxis(point[symbol.name], symbol.axes.index(axis), 0)[0] = int(symbol == weight)
        point[source.name][..., 0] = at.reshape(1, -1, *[1] * (len(source.axes) - 1))
        # Second derivatives along the pre-activation alone: nothing else moves.
        tangents = {name: np.zeros_like(value) for name, value in case.tangents.items()}
        tangents[source.name][..., 0] = 1
        yield gate, replace(case, kind=f"sweep of {gate}", point=point, tangents=tangents)


def _driver(
    cell: Cell, value: sp.Expr | None
) -> tuple[TensorSymbol, TensorSymbol, set[TensorSymbol]] | None:
    """The weight and the input that drive a pre-activation, and all the parameters it reads."""
    terms = sp.Add.make_args(value) if value is not None else ()
    for term in terms:
        parts = term.operands if isinstance(term, Contract) else ()
        weights = [part for part in parts if part in cell.parameters]
        inputs = [part for part in parts if part in cell.inputs]
        if len(parts) == 2 and weights and inputs:
            return weights[0], inputs[0], set(_read(cell, value))
    return None


def _read(cell: Cell, value: sp.Expr) -> Iterator[TensorSymbol]:
    """The parameters that a value is made of, those behind another gate left out."""
    for symbol in value.atoms(TensorSymbol):
        inner = cell.forward().value_of(symbol)
        if symbol in cell.parameters:
            yield symbol
        elif inner is not None and not isinstance(inner, sigmoid | tanh):
            yield from _read(cell, inner)


def _weights_of(cell: Cell, source: TensorSymbol) -> Iterator[TensorSymbol]:
    """The parameters that an input meets."""
    for equation in cell.forward():
        for node in equation.value.atoms(Contract):
            if source in node.operands:
                yield from (part for part in node.operands if part in cell.parameters)


def spread(of: Format, count: int) -> Array:
    """Pre-activations in a format: dense around zero, to both ends of the reach."""
    end = np.arcsinh(REACH[of.name] / LINEAR)
    return np.asarray(LINEAR * np.sinh(np.linspace(-end, end, count)), of.dtype)
