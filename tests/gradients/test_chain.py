"""Norms and rates of products of Jacobians, where they are known."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from equations import cells
from equations.definition import Definition, Input, Parameter, State
from verify.gradients import experiment
from verify.gradients.chain import exponents, jacobians, log_norms, log_radius, whole
from verify.gradients.experiment import Experiment, adding, knobs, suits
from verify.target import built

FIT = [name for name in cells if suits(cells[name])]


class _Linear(Definition):
    """A recurrent network without a nonlinearity."""

    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")

    h_next = W @ x + U @ h


def generated(name: str) -> ModuleType:
    """The generated module of a cell."""
    return importlib.import_module(f"equations.generated.{name}")


def started(name: str, steps: int) -> tuple[Any, Any, Any, Any]:
    """Module, parameters, inputs and a state that is not zero."""
    made = Experiment(cells[name], generated(name), steps=steps)
    params, xs, state = made.start()
    rng = np.random.default_rng(1)
    return made.module, params, xs, type(state)(*(rng.normal(size=s.shape) for s in state))


def test_a_linear_network_grows_by_the_spectral_radius() -> None:
    """With U a rotation times 0.9 every norm is 0.9^k, and so is every rate, predicted or found."""
    module = built(_Linear.cell, "a test")
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    params = module.Params(W=rng.normal(size=(5, 2)), U=0.9 * rotation)
    state = module.State(h=np.zeros((3, 5)))
    chain = jacobians(module, params, adding(rng, 40, 3), state)
    expected = np.log(0.9) * np.arange(1, 41)
    assert log_norms(chain) == pytest.approx(np.repeat(expected[:, None], 3, axis=1))
    assert exponents(chain, 0) == pytest.approx(np.full((3, 5), np.log(0.9)))
    assert log_radius(chain[0]) == pytest.approx(np.log(0.9))


def test_exponents_are_the_logarithms_of_the_eigenvalues_of_a_constant_step() -> None:
    """Each direction has its own rate, the largest first."""
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(3, 3))
    step = basis @ np.diag([0.5, 1.5, 0.1]) @ np.linalg.inv(basis)
    chain = np.broadcast_to(step, (100, 1, 3, 3))
    expected = np.log([1.5, 0.5, 0.1])
    assert exponents(chain, 50)[0] == pytest.approx(expected, abs=1e-12)
    assert exponents(chain, 0)[0] != pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", FIT)
def test_norms_are_those_of_the_product(name: str) -> None:
    """Multiplied out plainly, for all distances."""
    chain = jacobians(*started(name, 6))
    found = log_norms(chain)
    for k in range(6):
        product = chain[5]
        for step in chain[5 - k : 5][::-1]:
            product = product @ step
        plain = np.linalg.norm(product, ord=2, axis=(1, 2))
        assert np.exp(found[k]) == pytest.approx(plain, rel=1e-10)


@pytest.mark.parametrize("name", FIT)
def test_a_whole_jacobian_is_the_forward_mode(name: str) -> None:
    """Its blocks lie where they belong: J ds is what `step_jvp` makes of ds."""
    module, params, xs, state = started(name, 2)
    _, saved = module.step(params, xs[0], state)
    rng = np.random.default_rng(2)
    way = type(state)(*(rng.normal(size=s.shape) for s in state))
    nothing = module.Params(*[None] * len(params))
    moved = np.concatenate(list(module.step_jvp(params, saved, nothing, None, way)), axis=1)
    matrix = whole(module.step_jacobian(params, saved))
    assert np.einsum("bij,bj->bi", matrix, np.concatenate(list(way), axis=1)) == pytest.approx(
        moved
    )


def test_a_gate_that_only_carries_keeps_the_gradient_forever() -> None:
    """F = 1 and i = 0 without recurrent weights: the cell state's part is exactly 1 at any time."""
    module = generated("lstm")
    params = module.init(np.random.default_rng(0), n_x=2, n_h=4)
    params = module.Params(
        **{k: 0 * v if k.startswith("U") else v for k, v in params._asdict().items()}
    )._replace(b_f=np.full(4, 800.0), b_i=np.full(4, -800.0))
    state = module.State(h=np.zeros((2, 4)), c=np.ones((2, 4)))
    chain = jacobians(module, params, adding(np.random.default_rng(0), 50, 2), state)
    assert np.array_equal(chain[:, :, 4:, 4:], np.broadcast_to(np.eye(4), (50, 2, 4, 4)))
    assert exponents(chain, 25)[:, 0] == pytest.approx(0, abs=1e-3)
    assert np.all(np.abs(log_norms(chain)[-1]) < 0.5)


def test_a_gradient_that_is_lost_has_no_logarithm() -> None:
    """A step of zero ends every product, without a warning and without NaN."""
    chain = np.zeros((3, 1, 2, 2))
    assert np.all(log_norms(chain) == -np.inf)
    assert np.all(exponents(chain, 1) == -np.inf)


@pytest.mark.parametrize("name", FIT)
def test_every_cell_has_something_to_turn(name: str) -> None:
    """Each gate's bias, and the matrices that see states alone."""
    cell = cells[name]
    found = list(knobs(cell))
    assert {knob.name for knob in found if not knob.scaled} == {f"bias of {g}" for g in cell.gates}
    for knob in found:
        if knob.scaled:
            of_states = {axis for state in cell.states for axis in state.axes}
            assert all(cell[p].axes[-1] in of_states for p in knob.parameters)


@pytest.mark.parametrize("name", [name for name in FIT if cells[name].gates])
def test_a_gate_set_to_remember_is_predicted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory gets longer, as the expression says with all its terms and with gates alone."""
    monkeypatch.setattr(experiment, "UNITS", 4)
    monkeypatch.setattr(experiment, "WASHOUT", 200)
    made = Experiment(cells[name], generated(name), steps=400)
    best = made.remembering()
    assert best is not None
    usual, long = made.at()[0], made.at(*best)[0]
    assert usual.measured < -5 * abs(long.measured)
    assert long.measured == pytest.approx(long.predicted, abs=1e-3)
    assert long.measured == pytest.approx(long.saturated, abs=1e-3)


def test_a_state_that_explodes_is_told() -> None:
    """It leaves the floats, without a warning, a crash or a number that means nothing."""
    module = built(_Linear.cell, "a test")
    made = Experiment(_Linear.cell, module)
    (usual, _), (exploded, decay) = made.decays()
    assert not usual.overflow
    assert usual.measured == pytest.approx(usual.predicted, abs=1e-2)
    assert exploded.overflow
    assert exploded.to_json()["measured"] is None
    assert np.isnan(decay.logs).all()


def test_the_same_seed_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """And another seed others."""
    monkeypatch.setattr(experiment, "WASHOUT", 20)
    made = [Experiment(cells[FIT[0]], generated(FIT[0]), seed, 30).at()[0] for seed in (3, 3, 4)]
    assert made[0] == made[1] != made[2]
