"""JAX: how its functions are run; and what builds on it: flax (linen and nnx), haiku, equinox."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from verify.dialects.arrays import nested
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
from verify.frameworks.network import Answer, Network, Problem

EXTRA = "jax"
BACKWARD = Network(directions=("backward",), lengths=True)


def engine(function: Function, problem: Problem, dtype: Float) -> Answer:
    """Run and differentiate, compiled; float64 is allowed for as long as that takes."""
    jax = extra("jax")

    def given(tree: Tensors) -> Tensors:
        return jax.tree.map(lambda a: jax.numpy.asarray(a, dtype), tree)

    def results(xs: Tensor, states: Tensors, arrays: Tensors) -> Tensors:
        ys, last = function(arrays, xs, states)
        return ys, tuple(map(tuple, last))

    def both(arguments: Tensors, seeds: Tensors) -> Tensors:
        found, back = jax.vjp(results, *arguments)
        return found, back(seeds)

    with jax.enable_x64(True):  # noqa: FBT003 - jax's own signature
        arguments = given((problem.xs, problem.states, tuple(map(dict, problem.arrays))))
        found, back = jax.jit(both)(arguments, given((problem.dys, problem.dstates)))
        return Answer(*jax.tree.map(np.asarray, (*found, *back)))


def networks(dialect: Dialect) -> tuple[Network, ...]:
    """One layer; flax's wrapper for sequences, the same for all cells, also runs backwards."""
    wrapped = dialect.base.startswith("flax.") and kind_of(dialect) == "LSTMCell"
    return (Network(), BACKWARD) if wrapped else (Network(),)


def _wrapped(module: ModuleType, cell: Tensors, problem: Problem) -> Tensors:
    """A cell of flax in its wrapper for sequences, which both of its interfaces have."""
    backward = problem.network.directions == ("backward",)
    return module.RNN(
        cell, time_major=True, return_carry=True, reverse=backward, keep_order=backward
    )


def linen(dialect: Dialect, problem: Problem) -> Function:
    """A cell of flax.linen; one that convolves has a single pixel."""
    flax = extra("flax.linen")
    options, n_h = dict(dialect.options), problem.states[0][0].shape[-1]
    pixel = "kernel_size" in options
    if pixel:
        options["kernel_size"] = (1, 1)
    wrapped = _wrapped(flax, getattr(flax, kind_of(dialect))(features=n_h, **options), problem)

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        ((own,), (state,)) = arrays, states
        if pixel:
            xs, *state = (a[..., None, None, :] for a in (xs, *state))
        first = in_its_order(dialect, state)
        variables = {"params": {"cell": nested(own)}}
        last, ys = wrapped.apply(variables, xs, initial_carry=first, seq_lengths=problem.lengths)
        state = in_our_order(dialect, last)
        if pixel:
            ys, *state = (a[..., 0, 0, :] for a in (ys, *state))
        return ys, [state]

    return function


def nnx(dialect: Dialect, problem: Problem) -> Function:
    """A cell of flax.nnx."""
    flax = extra("flax.nnx")
    n_x, n_h = problem.xs.shape[-1], problem.states[0][0].shape[-1]
    # One of the cells computes in float32 unless it is told to take what comes, and to start
    # from orthogonal matrices takes seconds.
    zeros = flax.initializers.zeros_init()
    make = getattr(flax, kind_of(dialect))
    cell = make(n_x, n_h, dtype=None, recurrent_kernel_init=zeros, rngs=flax.Rngs(0))
    wrapped = _wrapped(flax, cell, problem)

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        ((own,), (state,)) = arrays, states
        graph, values, others = flax.split(wrapped, flax.Param, ...)
        values = flax.map_state(lambda path, v: v.replace(own["/".join(path[1:])]), values)
        module = flax.merge(graph, values, others)
        first = in_its_order(dialect, state)
        last, ys = module(xs, initial_carry=first, seq_lengths=problem.lengths)
        return ys, [in_our_order(dialect, last)]

    return function


def haiku(dialect: Dialect, problem: Problem) -> Function:
    """A core of haiku."""
    library = extra("haiku")
    n_h = problem.states[0][0].shape[-1]

    def unrolled(xs: Tensor, first: Tensors) -> Tensors:
        core = getattr(library, kind_of(dialect))(n_h, name="core", **dialect.options)
        pair = library.LSTMState(*first) if isinstance(first, tuple) else first
        return library.dynamic_unroll(core, xs, pair)

    pure = library.without_apply_rng(library.transform(unrolled))

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        ((own,), (state,)) = arrays, states
        modules: dict[str, dict[str, Tensor]] = {}
        for path, array in own.items():
            module, _, name = f"core/{path}".rpartition("/")
            modules.setdefault(module, {})[name] = array
        ys, last = pure.apply(modules, xs, in_its_order(dialect, state))
        return ys, [in_our_order(dialect, last)]

    return function


def equinox(dialect: Dialect, problem: Problem) -> Function:
    """A cell of equinox, scanned over time and mapped over the batch."""
    jax, library = extra("jax"), extra("equinox")
    n_x, n_h = problem.xs.shape[-1], problem.states[0][0].shape[-1]
    make = getattr(library.nn, kind_of(dialect))
    made = make(n_x, n_h, key=jax.random.key(0), **dialect.options)

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        ((own,), (state,)) = arrays, states

        def places(cell: Tensors) -> list[Tensor]:
            return [getattr(cell, name) for name in own]

        cell = library.tree_at(places, made, list(own.values()))

        def step(state: tuple[Tensor, ...], x: Tensor) -> tuple[Tensors, Tensor]:
            after = in_our_order(dialect, jax.vmap(cell)(x, in_its_order(dialect, state)))
            return after, after[0]

        last, ys = jax.lax.scan(step, tuple(state), xs)
        return ys, [last]

    return function


FRAMEWORKS = (
    Framework("flax.linen", EXTRA, engine, linen, networks, zero_padding=False),
    Framework("flax.nnx", EXTRA, engine, nnx, networks, zero_padding=False),
    Framework("haiku", EXTRA, engine, haiku, networks),
    Framework("equinox", EXTRA, engine, equinox, networks),
)
