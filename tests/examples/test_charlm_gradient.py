"""The check of the gradient at the trained point, and that it finds errors."""

from dataclasses import replace

import numpy as np
import pytest

from examples.charlm.gradient import (
    DirectionCheck,
    TrainedPoint,
    Verdict,
    check_gradients,
    trained_point,
)
from examples.charlm.model import CELLS, Gradients
from examples.charlm.text import Corpus
from examples.charlm.train import Settings, start, train
from examples.charlm.trees import leaves, map_leaves, paths, rebuild


@pytest.fixture(params=sorted(CELLS), scope="module")
def point(request: pytest.FixtureRequest, corpus: Corpus) -> TrainedPoint:
    """A point after a short training."""
    settings = Settings(cell=request.param, hidden=8, streams=4, steps=8, updates=60)
    *_, (state, _) = train(settings, corpus, start(settings, corpus))
    return trained_point(settings, corpus, state)


def check(point: TrainedPoint, gradients: Gradients) -> dict[str, DirectionCheck]:
    """The checks by the name of their direction."""
    checks = check_gradients(point, gradients, np.random.default_rng(0))
    return {check.name: check for check in checks}


def test_trained_point_is_adequate(point: TrainedPoint) -> None:
    """In float64, several steps and samples, a state that is not zero and biases that differ."""
    assert {array.dtype for array in leaves(point.arguments)} == {np.dtype(np.float64)}
    steps, streams, _ = point.batch.inputs.shape
    assert (steps, streams) == (8, 4)
    for name, array in zip(paths(point.arguments), leaves(point.arguments), strict=True):
        if name.startswith("state") or ".b_" in name:
            assert len(np.unique(array)) == array.size


def test_trained_point_is_where_training_goes_on(corpus: Corpus) -> None:
    """Its gradient is that of the next update, but for the precision and the dropout."""
    settings = Settings(cell="gru", hidden=8, streams=4, steps=8, updates=4, dropout=0)
    *_, (state, _) = train(settings, corpus, start(settings, corpus))
    point = trained_point(settings, corpus, state)
    _, loss = next(train(replace(settings, updates=5), corpus, state))
    assert point.loss(point.arguments) == pytest.approx(loss, rel=1e-6)


def test_gradient_at_the_trained_point_agrees(point: TrainedPoint) -> None:
    """Every argument agrees with differences and leaves a Taylor remainder of order 2."""
    checks = check(point, point.gradients())
    assert list(checks) == [*paths(point.arguments), "everything"]
    for found in checks.values():
        assert found.verdict is Verdict.AGREES, found
        assert found.order == pytest.approx(2, abs=0.1)


def test_planted_errors_are_found(point: TrainedPoint) -> None:
    """A gradient that is a millionth too large disagrees in every argument."""
    planted = map_leaves(lambda array: array * (1 + 1e-6), point.gradients())
    for found in check(point, planted).values():
        assert found.verdict is Verdict.DISAGREES, found


def test_a_planted_error_is_found_where_it_is(point: TrainedPoint) -> None:
    """If one array of the gradient is wrong, no other argument is accused."""
    gradients = point.gradients()
    wrong = next(name for name in paths(gradients) if "U_" in name)
    named = zip(paths(gradients), leaves(gradients), strict=True)
    planted = rebuild(gradients, (2 * array if name == wrong else array for name, array in named))
    checks = check(point, planted)
    found = {name for name, one in checks.items() if one.verdict is Verdict.DISAGREES}
    assert found == {wrong, "everything"}


def test_wrong_gradient_leaves_the_tangent_linearly(point: TrainedPoint) -> None:
    """The Taylor remainder of a gradient that is twice too large has order 1."""
    planted = map_leaves(lambda array: 2 * array, point.gradients())
    for found in check(point, planted).values():
        assert found.order < 1.5


def test_gradient_that_is_no_number_disagrees(point: TrainedPoint) -> None:
    """NaN never passes."""
    planted = map_leaves(lambda array: np.full_like(array, np.nan), point.gradients())
    assert {found.verdict for found in check(point, planted).values()} == {Verdict.DISAGREES}


def test_a_flat_loss_decides_nothing(point: TrainedPoint) -> None:
    """Where the derivative drowns in rounding the answer is that there is none."""
    zero = map_leaves(np.zeros_like, point.arguments)
    flat = replace(point, hparams=zero.hparams)
    undecided = {
        name
        for name, found in check(flat, flat.gradients()).items()
        if found.verdict is Verdict.UNDECIDED
    }
    # With a head of zeros the cell and its inputs have no say in the loss.
    assert undecided == {name for name in paths(zero) if not name.startswith("hparams")}
