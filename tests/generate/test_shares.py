"""What a normalised exponential makes of a difference keeps its digits, in whatever cell it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest

from equations import cells
from equations.cell import Cell
from equations.definition import Definition, Input, Output, Parameter, Shift, State
from equations.derive.normalised import normalised
from equations.generate.planning.plan import Plan
from equations.generate.planning.shares import MOST, exact_shares
from equations.language import (
    Select,
    broadcast,
    dot,
    exp,
    largest,
    log,
    scale,
    tanh,
    total,
)
from equations.program import Program
from verify.arithmetic.floats import Floats
from verify.interpret import evaluate
from verify.target import built

HEADS = [name for name in cells if list(normalised(cells[name].forward()))]


class LogarithmAlone(Definition):
    """A cost without a name for the probabilities, and its logarithm before all else."""

    a = Input("n")
    y = Input("n")
    m = Shift(largest(a))
    z = a - broadcast(m, "n")
    log_y_hat = z - broadcast(log(total(exp(z))), "n")
    cost = Output(-dot(y, log_y_hat))


class SharesAlone(Definition):
    """A cell that spreads its attention, without a logarithm and without a shift."""

    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    e = exp(W @ x + h)
    p = scale(1 / total(e), e)
    h_next = tanh(p * h)


def moved(head: ModuleType, logits: Any, y: Any) -> Mapping[str, float]:  # noqa: ANN401
    """Cost and gradients of the first of some logits, in float64 code."""
    params, state = head.Params(), head.State()
    x = head.Inputs(a=np.array([logits]), y=np.array([y]))
    nexts, saved = head.step(params, x, state)
    _, dx, _ = head.step_vjp(params, saved, head.Next(cost=np.ones(1)))
    return {"cost": nexts.cost[0], "da": dx.a[0, 0]}


@pytest.mark.parametrize("logit", [0.5, 5.0, 46.0, 300.0, 700.0])
@pytest.mark.parametrize("met", [True, False])
def test_cost_and_gradient_keep_their_digits_however_sure_the_cell_is(
    logit: float, *, met: bool
) -> None:
    """From an even chance to 1 - 1e-304, for a target that is met and one that is missed."""
    head = built(LogarithmAlone.cell, "a test")
    got = moved(head, [logit, 0.0, -1.0], [float(met), float(not met), 0.0])
    with mpmath.workdps(700):
        others = 1 + mpmath.exp(-1)
        sum_ = mpmath.exp(logit) + others
        true = {
            "cost": mpmath.log(sum_) - (logit if met else 0),
            "da": -others / sum_ if met else mpmath.exp(logit) / sum_,
        }
        for name, value in true.items():
            error = abs(mpmath.mpf(float(got[name])) - value) / abs(value)
            assert error < 6 * np.finfo(np.float64).eps, name


def test_any_target_is_right_and_not_those_alone_that_add_up_to_one() -> None:
    """Generated code relies on no fact: a target of twice the weight has twice the gradient."""
    head = built(LogarithmAlone.cell, "a test")
    logits, y = [2.0, -1.0, 0.5], [0.2, 0.7, 0.1]
    once, twice = moved(head, logits, y), moved(head, logits, [2 * v for v in y])
    assert twice["da"] == pytest.approx(2 * once["da"], rel=1e-15)


def rewritten(cell: Cell) -> list[tuple[Program, Program]]:
    """The derived programs of a cell, and the same with differences computed exactly."""
    free = Plan(cell).factless
    programs = (free.backward(), free.tangent(), free.second())
    return [(each, exact_shares(each, free.forward())) for each in programs]


@pytest.mark.parametrize("scale_", [0.1, 4.0])
@pytest.mark.parametrize(
    "cell", [*(cells[n] for n in HEADS), LogarithmAlone.cell, SharesAlone.cell], ids=str
)
def test_it_is_what_it_stands_for(cell: Cell, scale_: float) -> None:
    """Where no share is over a half, and where one is: the same values but for rounding."""
    rng = np.random.default_rng(0)
    sizes = {axis: 3 + k for k, axis in enumerate(cell.axes)} | {"T": 3}
    arithmetic = Floats(np, "float64")
    lengths = {s: [sizes[axis] for axis in s.axes] for s in cell.program.arguments}
    point = {s.name: scale_ * rng.normal(size=shape) for s, shape in lengths.items()}
    values = evaluate(cell.forward(), point, sizes, arithmetic)
    shares = [np.max(values[each.share.name]) for each in normalised(cell.forward())]
    assert all((share > MOST) == (scale_ > 1) for share in shares)
    for program, exact in rewritten(cell):
        assert any(eq.value.has(Select) for eq in exact)
        given = {
            s.name: values.get(s.name, rng.normal(size=[sizes[axis] for axis in s.axes]))
            for s in exact.arguments
        }
        plain = evaluate(program, given, sizes, arithmetic)
        careful = evaluate(exact, given, sizes, arithmetic)
        for symbol in program.results:
            np.testing.assert_allclose(careful[symbol.name], plain[symbol.name], rtol=1e-9)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_derived_through_its_logarithm(name: str) -> None:
    """What people print: no derivative reads the exponentials or their sum."""
    (found,) = normalised(cells[name].forward())
    for program in (cells[name].backward(), cells[name].tangent()):
        assert not {found.exponential, found.sum} & set(program.arguments)
