"""Factors where they are subnormal, and where their pre-activation is out of reach."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from verify.arithmetic.formats import FORMATS
from verify.precision import contenders, sweep

pytest.importorskip("flint", reason='needs pip install "gateproof[precision]"')

POINTS = 101


def worst(
    dtype: str, start: float, end: float, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, float]:
    """The largest error of each factor in ulps, which are smallest subnormals below normal."""
    side = np.linspace(start, end, POINTS).astype(dtype)
    monkeypatch.setattr(contenders, "RIVALS", ())
    monkeypatch.setattr(sweep, "contenders_of", sweep.contenders_of.__wrapped__)
    first = [factor for factor in sweep.FACTORS if "''" not in factor[0]]
    monkeypatch.setattr(sweep, "FACTORS", first)
    monkeypatch.setattr(sweep, "spread", lambda _of, _count: np.concatenate([-side, side]))
    return {curve.of: float(np.max(curve.ulps)) for curve in sweep.factors(FORMATS[dtype])}


@pytest.mark.parametrize(("dtype", "start", "end"), [("float32", 44.4, 53), ("float64", 355, 376)])
def test_a_subnormal_slope_is_right_to_three_smallest_subnormals(
    dtype: str, start: float, end: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slope of tanh is 4 e^(-2|a|) there, and has 4 times what that power is rounded by."""
    assert 4 * np.exp(-2 * start) < np.finfo(dtype).tiny
    assert worst(dtype, start, end, monkeypatch)["tanh'(a)"] <= 3


@pytest.mark.parametrize(("dtype", "start", "end"), [("float32", 86, 110), ("float64", 705, 760)])
def test_out_of_reach_a_gate_is_zero_before_it_has_to_be(
    dtype: str, start: float, end: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """σ is 0 where e^-a overflows: off by less than a normal number. The head is right on."""
    found = worst(dtype, start, end, monkeypatch)
    info = np.finfo(dtype)
    for factor in ("σ(a)", "1 - σ(a)", "σ'(a)"):
        assert 4 < found[factor] < info.tiny / info.smallest_subnormal
    for factor in ("tanh'(a)", "-log ŷ", "ŷ - y"):
        assert found[factor] <= 2
