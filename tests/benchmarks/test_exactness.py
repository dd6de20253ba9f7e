"""What is compared for the cost of exactness is the same function twice. No time is tested."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.case import Size
from benchmarks.exactness import CELLS, both
from equations import cells
from equations.generate.targets import AS_PRINTED, TARGETS
from verify.target import built


@pytest.mark.parametrize("name", CELLS)
def test_both_forms_have_the_same_gradients(name: str) -> None:
    """Of all parameters, to rounding, and they are not all zero."""
    cell = cells[name]
    found = [
        both(built(cell, "a test", target), cell, "float64", Size(3, 2, 4, 5))()[1][0]
        for target in (TARGETS["numpy"], AS_PRINTED)
    ]
    for own, other in zip(*found, strict=True):
        assert np.any(own)
        assert np.allclose(own, other, rtol=1e-12, atol=1e-14)
