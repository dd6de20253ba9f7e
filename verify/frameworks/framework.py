"""A framework, as something that runs its recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from verify.dialects.record import Dialect
from verify.frameworks.network import Answer, Network, Problem

Tensor = Any  # a framework's own array
Tensors = Any  # trees of them
Float = type[np.floating[Any]]
Function = Callable[[Tensors, Tensor, Tensors], tuple[Tensor, Tensors]]
"""Of arrays, inputs and first states, formed as in a problem: outputs and last states."""


class Engine(Protocol):
    """How a function on a framework's tensors is run, and differentiated if it can be."""

    def __call__(self, function: Function, problem: Problem, dtype: Float) -> Answer:
        """The answer to a problem."""


@dataclass(frozen=True)
class Framework:
    """A framework whose layers are compared with the equations of their dialects.

    Attributes:
        name: what the names of its dialects begin with, such as `flax.linen`.
        extra: what has to be installed.
        engine: how its functions are run.
        build: the function of a dialect for a problem.
        networks: what a dialect's layer is asked for.
        dtype: the widest floats that it computes with.
        zero_padding: whether its outputs after the end of a sample are zero; elsewhere they are
            the last output again, or what its steps make of the padding.
    """

    name: str
    extra: str
    engine: Engine
    build: Callable[[Dialect, Problem], Function]
    networks: Callable[[Dialect], Sequence[Network]]
    dtype: Float = np.float64
    zero_padding: bool = True

    def answer(self, dialect: Dialect, problem: Problem) -> Answer:
        """What it makes of a problem.

        Raises:
            MissingExtraError: it is not installed.
        """
        return self.engine(self.build(dialect, problem), problem, self.dtype)


def kind_of(dialect: Dialect) -> str:
    """The framework's own name of the layer."""
    return dialect.base.rpartition(".")[2]


def in_its_order(dialect: Dialect, state: Sequence[Tensor]) -> Tensors:
    """A state as the framework takes it: a tuple in its own order, one array bare."""
    names = [str(symbol) for symbol in dialect.symbolic.states]
    ordered = tuple(state[names.index(name)] for name in dialect.states)
    return ordered if len(ordered) > 1 else ordered[0]


def in_our_order(dialect: Dialect, state: Tensors) -> tuple[Tensor, ...]:
    """And back: a tuple in the order of the cell."""
    each = tuple(state) if len(dialect.states) > 1 else (state,)
    names = [str(symbol) for symbol in dialect.symbolic.states]
    return tuple(each[dialect.states.index(name)] for name in names)
