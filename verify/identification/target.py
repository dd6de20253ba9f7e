"""What is identified: weight arrays by name, and the function that takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verify.dialects.arrays import FIRST, Place
from verify.dialects.layout import Array

Arrays = Mapping[str, Array]
States = tuple[Array, ...]
Run = Callable[[Arrays, Array, States], States]
"""From weights, inputs (T, B, n_x) and old states (B, n) to the states after the last step."""


@dataclass(frozen=True)
class Target:
    """A function of weights, inputs and states.

    Attributes:
        title: what it is called in messages.
        arrays: the weights it holds, of all layers and directions.
        run: the function, of weights that may be others and smaller than its own.
        small: weights of one layer and direction, small where the function does not care.
        n_x: the length of an input that `small` takes.
        lengths: the lengths of its states, in its order.
        base: the framework's own name for it, such as `torch.GRU`; nothing for a callable.
        numbers: what it is known to be set to, such as the clip of a node of ONNX.
        places: the layers and directions there are weights for.
        dtype: float32 or float64, what it computes in.
        whole: whether its weights are those of `small`, so that it can be run with them.
    """

    title: str
    arrays: Arrays
    run: Run
    small: Arrays
    n_x: int
    lengths: tuple[int, ...]
    base: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    places: tuple[Place, ...] = (FIRST,)
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float64))
    whole: bool = False
