"""A cotangent that is not given is zero, and nothing is computed for it."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from equations import cells
from equations.generate.numpy.module import functions_of
from equations.generate.planning.plan import Plan

SEVERAL = [name for name in cells if len(Plan(cells[name]).results) > 1]


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("B", [1, 3])
def test_a_cotangent_that_is_not_given_is_zero(name: str, B: int) -> None:
    module = importlib.import_module(f"equations.generated.{name}")
    rng = np.random.default_rng(B)
    sizes = {axis: 2 + k for k, axis in enumerate(cells[name].axes)}
    params = module.init(rng, **sizes)
    xs = [rng.normal(size=(9, B, *(sizes[a] for a in s.axes))) for s in cells[name].inputs]
    state = module.State(
        *(rng.normal(size=(B, *(sizes[a] for a in s.axes))) for s in cells[name].states)
    )
    inputs = xs[0] if len(xs) == 1 else module.Inputs(*xs)
    results, tape = module.unroll(params, inputs, state)
    full = type(results)(*(rng.normal(size=result.shape) for result in results))
    for absent in results._fields:
        zero = full._replace(**{absent: np.zeros_like(getattr(full, absent))})
        found = module.unroll_vjp(params, tape, full._replace(**{absent: None}))
        for got, expected in zip(found[0], module.unroll_vjp(params, tape, zero)[0], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_a_cotangent_of_c_costs_nothing_where_there_is_none() -> None:
    lines = dict(functions_of(Plan(cells["lstm"])))["unroll_vjp"]
    at = next(k for k, line in enumerate(lines) if line.strip() == "if c_is_given:")
    assert lines[at + 1].strip() == "add(dc_next, dc_next_given, out=dc_next)"
    assert sum("dc_next_given, " in line for line in lines) == 1
