"""What the Jacobian expression says at mean values and at saturation, against values by hand."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from equations import cells
from equations.definition import Definition, Input, Parameter, State
from equations.language import ramp, sigmoid, tanh
from verify.gradients.chain import jacobians, log_radius
from verify.gradients.experiment import Experiment, suits
from verify.gradients.expression import matrix, means, saturated

FIT = [name for name in cells if suits(cells[name])]


class _Leaky(Definition):
    """A state that decays beside a function of it."""

    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    d = Parameter("n_h")

    h_next = d * h + tanh(W @ x + U @ h)


@pytest.mark.parametrize("name", FIT)
def test_at_values_of_one_step_it_is_the_generated_jacobian(name: str) -> None:
    """Without anything to take a mean of, the interpreter and the generated code agree."""
    made = Experiment(cells[name], importlib.import_module(f"equations.generated.{name}"), steps=2)
    params, xs, zero = made.start()
    rng = np.random.default_rng(1)
    state = type(zero)(*(rng.normal(size=s.shape) for s in zero))
    values = means(made.cell, params, xs[:1], type(state)(*(s[None] for s in state)))
    found = matrix(made.cell, made.cell.jacobian(), values)
    expected = jacobians(made.module, params, xs[:1], state)[0]
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_means_are_those_of_the_printed_values() -> None:
    """1 - u and r (1 - r) are made of the means of u and r, as by hand, whatever the code saves.

    The state is made to swing so that a mean of something else would be another number.
    """
    cell, module = cells["gru"], importlib.import_module("equations.generated.gru")
    rng = np.random.default_rng(0)
    params = module.Params(*(3 * p for p in module.init(rng, n_x=2, n_h=4)))
    xs, h = 2 * rng.normal(size=(20, 3, 2)), rng.normal(size=(20, 3, 4))
    saved = [module.step(params, x, module.State(s))[1] for x, s in zip(xs, h, strict=True)]
    u, r, new = (
        np.mean([getattr(s, field) for s in saved], axis=0) for field in ("u", "r", "h_cand")
    )
    state = h.mean(axis=0)

    def diag(values: np.ndarray) -> np.ndarray:
        return values[:, :, None] * np.eye(4)

    seen = diag(r) + diag(state * r * (1 - r)) @ params.U_r
    expected = (
        diag(1 - u)
        + diag((new - state) * u * (1 - u)) @ params.U_u
        + diag(u * (1 - new**2)) @ params.U_h @ seen
    )
    values = means(cell, params, xs, module.State(h))
    assert matrix(cell, cell.jacobian(), values) == pytest.approx(expected, rel=1e-12)
    assert matrix(cell, saturated(cell), values) == pytest.approx(diag(1 - u), rel=1e-12)


@pytest.mark.parametrize("name", FIT)
def test_what_is_left_is_the_expression_at_the_ends(name: str) -> None:
    """With every function at one of its ends the whole expression has the same value, exactly."""
    made = Experiment(cells[name], importlib.import_module(f"equations.generated.{name}"), steps=2)
    params, xs, state = made.start()
    values = means(made.cell, params, xs, type(state)(*(np.stack([s, s]) for s in state)))
    rng = np.random.default_rng(1)
    ends = {sigmoid: (0.0, 1.0), ramp: (0.0, 1.0), tanh: (-1.0, 1.0)}
    for equation in made.cell.forward():
        shape = values[equation.symbol.name].shape
        kind = type(equation.value)
        values[equation.symbol.name] = (
            rng.choice(ends[kind], shape) if kind in ends else rng.normal(size=shape)
        )
    found = matrix(made.cell, saturated(made.cell), values)
    assert np.array_equal(found, matrix(made.cell, made.cell.jacobian(), values))


def test_what_passes_beside_functions_is_left() -> None:
    """A decay that meets no function stays, and a cell without one loses nothing."""
    assert str(saturated(_Leaky.cell)) == "∂h_t/∂h_{t-1} = diag(d)"
    assert log_radius(np.diag([0.5, 0.9])) == pytest.approx(np.log(0.9))
