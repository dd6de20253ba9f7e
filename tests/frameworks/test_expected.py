"""Layers of generated cells beside the interpreter: another derivation of the same networks."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from equations import cells
from equations.layers import Unrolled, bidirectional, layer, map_arrays, reverse, stacked
from verify.evidence.bounds import BOUNDS
from verify.frameworks.expected import expected
from verify.frameworks.network import BOTH, Network, Problem

Arrays = Any

NETWORKS = (
    Network(lengths=True),
    Network(2, ("backward",), lengths=True),
    Network(2, BOTH),
    Network(2, BOTH, lengths=True),
)
ONE = {("forward",): layer, ("backward",): reverse, BOTH: bidirectional}
RECURRENT = [name for name in cells if cells[name].states and len(cells[name].inputs) == 1]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("name", RECURRENT)
def test_layers_compute_what_the_equations_say(name: str, network: Network) -> None:
    """Values and gradients of each sample by itself, within the bound on rounding."""
    module, cell = importlib.import_module(f"equations.generated.{name}"), cells[name]
    rng = np.random.default_rng(0)

    def drawn(tree: Arrays) -> Arrays:
        return map_arrays(lambda a: rng.standard_normal(a.shape), tree)

    model = stacked(*[ONE[network.directions](module)] * network.layers)
    sizes = {axis: 3 + k for k, axis in enumerate(cell.axes)}
    params = drawn(model.init(rng, **sizes))
    state0, lengths = drawn(model.zero_state(params, 3)), None
    xs = rng.standard_normal((4, 3, sizes[cell.inputs[0].axes[0]]))
    if network.lengths:
        lengths = np.array([4, 0, 3])
    nexts, tape = model.unroll(params, xs, state0, lengths)
    dnexts = Unrolled(*drawn(tuple(nexts)))
    dparams, dxs, dstate0 = model.unroll_vjp(params, tape, dnexts)

    def each(of: Arrays) -> list[Arrays]:
        both = len(network.directions) > 1
        return [part for own in of for part in own] if both else list(of)

    problem = Problem(
        network, (), xs, tuple(each(state0)), lengths, dnexts.ys, tuple(each(dnexts.state))
    )
    right = expected(cell, [own._asdict() for own in each(params)], problem)
    pairs = [(nexts.ys, right.ys), (dxs, right.dxs)]
    for got, wanted in ((nexts.state, right.states), (dstate0, right.dstates)):
        for own, bounded in zip(each(got), wanted, strict=True):
            pairs += zip(own, bounded, strict=True)
    for own, bounded in zip(each(dparams), right.dparams, strict=True):
        pairs += [(own._asdict()[name], bounded[name]) for name in bounded]
    for value, bounded in pairs:
        assert value.shape == bounded.value.shape
        room = BOUNDS["code"].value * bounded.error
        assert np.all(np.abs(value - bounded.value) <= room)
