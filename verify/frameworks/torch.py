"""PyTorch: modules for sequences, with layers, directions and packed lengths, and for one step."""

from __future__ import annotations

import numpy as np

from verify.dialects.record import Dialect
from verify.extras import extra
from verify.frameworks.framework import (
    Float,
    Framework,
    Function,
    Tensor,
    Tensors,
    in_its_order,
    in_our_order,
    kind_of,
)
from verify.frameworks.network import BOTH, Answer, Array, Network, Problem

EXTRA = "torch"


def engine(function: Function, problem: Problem, dtype: Float) -> Answer:
    """Run, and differentiate with autograd, on one thread."""
    torch = extra("torch")

    def leaf(array: Array) -> Tensor:
        return torch.tensor(np.asarray(array, dtype), requires_grad=True)

    arrays = [{name: leaf(a) for name, a in own.items()} for own in problem.arrays]
    states = [tuple(map(leaf, state)) for state in problem.states]
    xs = leaf(problem.xs)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ys, last = function(arrays, xs, states)
        results = [ys, *(s for state in last for s in state)]
        seeds = [problem.dys, *(d for state in problem.dstates for d in state)]
        leaves = [xs, *(s for state in states for s in state)]
        leaves += [a for own in arrays for a in own.values()]
        given = [torch.tensor(np.asarray(seed, dtype)) for seed in seeds]
        found = torch.autograd.grad(results, leaves, given, materialize_grads=True)
    finally:
        torch.set_num_threads(threads)
    dxs, *back = (d.numpy() for d in found)
    taken = iter(back)
    return Answer(
        ys.detach().numpy(),
        tuple(tuple(s.detach().numpy() for s in state) for state in last),
        dxs,
        tuple(tuple(next(taken) for _ in state) for state in states),
        tuple({name: next(taken) for name in own} for own in arrays),
    )


def build(dialect: Dialect, problem: Problem) -> Function:
    """A module of `torch.nn`, called with the given arrays as its parameters."""
    torch = extra("torch")
    n_x, state = problem.xs.shape[-1], problem.states[0]
    options = dict(dialect.options)
    if "proj_size" in options:
        options["proj_size"] = state[0].shape[-1]
    make, n_h = getattr(torch.nn, kind_of(dialect)), state[-1].shape[-1]
    if _of_one_step(dialect):
        return _loop(dialect, make(n_x, n_h, **options))
    network = problem.network
    both = network.directions == BOTH
    module = make(n_x, n_h, num_layers=network.layers, bidirectional=both, **options)
    return _sequence(dialect, module, problem.lengths)


def _sequence(dialect: Dialect, module: Tensors, lengths: Array | None) -> Function:
    torch = extra("torch")

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        named = {name: array for own in arrays for name, array in own.items()}
        first = in_its_order(dialect, [torch.stack(each) for each in zip(*states, strict=True)])
        packing = torch.nn.utils.rnn
        given = xs
        if lengths is not None:
            counts = torch.tensor(lengths)
            given = packing.pack_padded_sequence(xs, counts, enforce_sorted=False)
        ys, last = torch.func.functional_call(module, named, (given, first))
        if lengths is not None:
            ys, _ = packing.pad_packed_sequence(ys, total_length=len(xs))
        return ys, list(zip(*in_our_order(dialect, last), strict=True))

    return function


def _loop(dialect: Dialect, module: Tensors) -> Function:
    torch = extra("torch")

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        ((named,), (state,)) = arrays, states
        ys = []
        for x in xs:
            after = torch.func.functional_call(module, named, (x, in_its_order(dialect, state)))
            state = in_our_order(dialect, after)
            ys.append(state[0])
        return torch.stack(ys), [state]

    return function


def _of_one_step(dialect: Dialect) -> bool:
    return kind_of(dialect).endswith("Cell")


def networks(dialect: Dialect) -> tuple[Network, ...]:
    """One layer; and of a module for sequences all that it can do at once."""
    more = () if _of_one_step(dialect) else (Network(2, BOTH, lengths=True),)
    return (Network(), *more)


FRAMEWORKS = (Framework("torch", EXTRA, engine, build, networks),)
