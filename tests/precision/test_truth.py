"""The enclosures hold the true values and are narrow, whatever cancels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equations import cells
from verify.arithmetic.formats import FLOAT32, FLOAT64, FORMATS, Format
from verify.arithmetic.precise import Precise
from verify.evidence.case import Kind, make_case
from verify.evidence.derived import Function, compute, programs_of
from verify.extras import MissingExtraError
from verify.precision import truth
from verify.precision.sweep import FACTORS, case_of_line
from verify.precision.truth import GUARD_BITS, enclosures, errors, spacing, ulp

flint = pytest.importorskip("flint", reason='needs pip install "gateproof[precision]"')
MANY = Precise(400)


def ball(value: float) -> object:
    """An exact number as a ball."""
    return flint.arb(value)


@pytest.mark.parametrize(("kind", "dtype"), [("saturated", "float32"), ("huge", "float64")])
@pytest.mark.parametrize("function", ["step_vjp", "step_hvp"])
@pytest.mark.parametrize("name", cells)
def test_enclosures_hold_the_value_of_the_derived_equations_and_are_narrow(
    name: str, function: Function, kind: Kind, dtype: str
) -> None:
    """Two ways that share no derivative meet: dual balls, and derived programs in 400 digits."""
    of, case = FORMATS[dtype], make_case(cells[name], kind).cast(dtype)
    derived = compute(function, programs_of(case.cell), case, MANY)
    expected = {field: np.asarray(value, object) for field, value in derived.items()}
    found = enclosures(case, function, of)
    assert set(found) == set(expected)
    for field, balls in found.items():
        assert balls.shape == expected[field].shape
        for one, many in zip(balls.ravel(), expected[field].ravel(), strict=True):
            with flint.ctx.workprec(1400):
                point = flint.arb(str(many)) + flint.arb(0, flint.arb(10) ** -340)
            assert one.overlaps(point), f"{function}.{field}"
            assert one.rad() * 2**GUARD_BITS <= ulp(one, of)


def test_precision_rises_until_nothing_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    """With too few bits allowed the enclosure is refused, and not handed out wide."""
    name, definition, function, _ = FACTORS[1]
    assert name == "1 - σ(a)"
    case = case_of_line(definition.cell, np.array([700.0]))
    (found,) = enclosures(case, function, FLOAT64)["y"].ravel()
    assert float(found.mid()) == math.exp(-700)
    monkeypatch.setattr(truth, "MOST_BITS", truth.FIRST_BITS)
    with pytest.raises(ArithmeticError, match=r"bits are not enough: y too wide"):
        enclosures.__wrapped__(case, function, FLOAT64)


@pytest.mark.parametrize("of", [FLOAT64, FLOAT32])
def test_an_error_is_counted_in_ulps_of_the_true_value(of: Format) -> None:
    """The neighbour of 1 is one ulp away above and half of one below; 3 units are 3 units."""
    kind = of.dtype.type
    for true in (1.0, 1.5, 1024.0, 2.0**-100):
        expected = float(np.spacing(kind(true)))
        assert spacing(np.array([ball(true)], object), of)[0] == expected
        got = np.array([true + 3 * expected], of.dtype)
        assert errors(got, np.array([ball(true)], object), of)[0] == pytest.approx(3)
    one = np.array([ball(1.0)], object)
    assert errors(np.array([1 - of.unit], of.dtype), one, of)[0] == pytest.approx(0.5)


@pytest.mark.parametrize("of", [FLOAT64, FLOAT32])
def test_below_the_normal_range_an_ulp_is_the_smallest_number(of: Format) -> None:
    """A true value that is flushed to zero is as wrong as it is large."""
    true = np.array([ball(5 * of.smallest), ball(0.0)], object)
    got = np.array([0, of.smallest], of.dtype)
    assert errors(got, true, of) == pytest.approx([5, 1])
    assert of.normal == np.finfo(of.dtype).smallest_normal
    assert of.smallest == np.finfo(of.dtype).smallest_subnormal


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_infinitely_wrong(wrong: float) -> None:
    """NaN is not a small error."""
    assert errors(np.array([wrong]), np.array([ball(0.0)], object), FLOAT64)[0] == math.inf


def test_another_shape_is_refused() -> None:
    """A result of another shape is not broadcast."""
    with pytest.raises(ValueError, match=r"expected shape \(1,\), got \(2,\)"):
        errors(np.zeros(2), np.array([ball(0.0)], object), FLOAT64)


def test_an_error_is_never_understated() -> None:
    """The width of the enclosure is added to the distance."""
    wide = np.array([flint.arb(1, 2.0**-53)], object)
    assert errors(np.array([1.0]), wide, FLOAT64)[0] >= 0.5


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    case = make_case(cells[next(iter(cells))])

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("verify.extras.importlib.import_module", absent)
    with pytest.raises(MissingExtraError, match=r'pip install "gateproof\[precision\]"'):
        enclosures.__wrapped__(case, "step", FLOAT64)
