"""The gradient at the trained point goes through the routes of the verification itself."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from equations import cells
from examples.charlm.gradient import TrainedPoint, trained_point
from examples.charlm.model import CELLS
from examples.charlm.text import Corpus
from examples.charlm.train import Settings, start, train
from verify.evidence.case import Case
from verify.evidence.run import check
from verify.evidence.subject import generated
from verify.routes import routes

ROUTES = ("autograd", "dot products", "laws", "taylor remainder")


@pytest.fixture(params=sorted(CELLS), scope="module")
def trained(request: pytest.FixtureRequest, corpus: Corpus) -> tuple[str, TrainedPoint]:
    """A cell and the point that a short training has reached."""
    settings = Settings(cell=request.param, hidden=8, streams=4, steps=8, updates=60)
    *_, (state, _) = train(settings, corpus, start(settings, corpus))
    return request.param, trained_point(settings, corpus, state, steps=3, streams=2)


def case_at(name: str, point: TrainedPoint) -> Case:
    """The trained point with the cotangents that the real loss sends to the states there."""
    cell = cells[name]
    inputs = point.batch.inputs
    step = point.model.loss_and_gradients(point.params, point.hparams, point.batch, point.state)
    sent = {new.name: np.zeros_like(step.hidden) for new in cell.next_states}
    sent["h_next"] = step.hidden
    at = {**point.params._asdict(), **point.state._asdict(), "x": inputs}
    rng = np.random.default_rng(0)
    steps, streams, n_x = inputs.shape
    sizes = {"T": steps, "B": streams, "n_x": n_x, "n_h": step.hidden.shape[-1]}
    moved = {key: rng.standard_normal(value.shape) for key, value in at.items()}
    return Case(cell, "trained", 0, sizes, at, sent, moved)


@pytest.mark.parametrize("route", ROUTES)
def test_every_element_a_route_decides_agrees(
    trained: tuple[str, TrainedPoint], route: str
) -> None:
    name, point = trained
    module = importlib.import_module(f"equations.generated.{name}")
    chosen = next(found for found in routes() if found.name == route)
    case = case_at(name, point)
    records = list(check(chosen, generated(module, case.cell), case))
    assert sum(record.agreed for record in records) > 0
    assert [f"{r.quantity}: {r.note}" for r in records if not r.passed] == []
