"""Sequence layers composed from the generated cells; they import NumPy alone.

A layer maps a sequence and a first state to a sequence and a last state, with its derivatives in
both modes: `unroll`, `unroll_vjp`, `unroll_jvp`, as in a generated module. A generated module is
such a layer once one of its results is chosen as the output; `reverse`, `bidirectional` and
`stacked` make layers of layers, so they nest.

    >>> import numpy as np
    >>> from equations.generated import gru, lstm
    >>> from equations.layers import Unrolled, bidirectional, stacked
    >>> rng = np.random.default_rng(0)
    >>> model = stacked(bidirectional(gru), lstm)
    >>> params = model.init(rng, n_x=3, n_h=4)
    >>> xs, lengths = rng.normal(size=(5, 2, 3)), np.array([5, 2])
    >>> (ys, state), tape = model.unroll(params, xs, model.zero_state(params, 2), lengths)
    >>> ys.shape, state[0].backward.h.shape, state[1].c.shape
    ((5, 2, 4), (2, 4), (2, 4))
    >>> dparams, dxs, dstate0 = model.unroll_vjp(params, tape, Unrolled(ys=2 * ys, state=None))

Lengths: every sample is run over its own steps, and over nothing else. So a state after the last
step is the last state, an output after it is zero, and what stands in the padding, be it NaN, is
never read: it reaches no value, and its gradients are zero. A reversed layer starts at the last
step of each sample and puts its outputs back in the order of the inputs; its last state is that
at the first step. A sample of no steps keeps its first state. PyTorch's packed sequences and ONNX's
`sequence_lens` have the same conventions, except that ONNX Runtime forgets the state of a sample
of no steps; Keras repeats the last output in the padding.
"""

from equations.layers.arrays import map_arrays
from equations.layers.cell import CellLayer, Module, layer
from equations.layers.directions import Bidirectional, Directions, Reverse, bidirectional, reverse
from equations.layers.layer import Layer, Unrolled
from equations.layers.stack import Stack, stacked

__all__ = [
    "Bidirectional",
    "CellLayer",
    "Directions",
    "Layer",
    "Module",
    "Reverse",
    "Stack",
    "Unrolled",
    "bidirectional",
    "layer",
    "map_arrays",
    "reverse",
    "stacked",
]
