"""The laws are tested with layers that have the mistakes people make: each breaks one."""

from __future__ import annotations

import numpy as np
import pytest
from laws import LAWS
from points import can_be_stacked, made, module_of
from wrong import wrong_layers

from equations import cells
from equations.layers import Layer

STATEFUL = [name for name in cells if cells[name].states and can_be_stacked(name)]
PLANTED = [
    pytest.param(name, wrong, id=f"{name}-{type(wrong).__name__}")
    for name in STATEFUL
    for wrong in wrong_layers(module_of(name))
]


@pytest.mark.parametrize(("name", "wrong"), PLANTED)
def test_every_planted_mistake_breaks_a_law(name: str, wrong: Layer) -> None:
    point = made(name, wrong, 4, [4, 1, 3])
    broken = []
    for law in LAWS:
        try:
            law(wrong, point)
        except AssertionError:
            broken.append(law)
    assert broken


@pytest.mark.parametrize("name", STATEFUL)
def test_a_mask_that_multiplies_is_seen_by_nan_alone(name: str) -> None:
    """Otherwise it is right, which is why it stands in so much code."""
    (wrong,) = (w for w in wrong_layers(module_of(name)) if type(w).__name__ == "MultipliedMask")
    point = made(name, wrong, 4, [4, 1, 3])
    *others, padding = LAWS
    with np.errstate(invalid="ignore"), pytest.raises(AssertionError):
        padding(wrong, point)
    for law in others:
        law(wrong, point)
