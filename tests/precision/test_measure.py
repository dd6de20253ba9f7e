"""The measurement: what is measured, beside what, and how it is told."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from equations import cells
from verify.arithmetic.floats import Floats
from verify.arithmetic.formats import FLOAT64, FORMATS
from verify.evidence.case import Case, Kind, make_case, saturating
from verify.evidence.derived import Function
from verify.evidence.subject import Subject, generated
from verify.interpret import evaluate
from verify.precision import contenders, page, sweep
from verify.precision.contenders import OWN, RIVALS
from verify.precision.measure import Worst, worst
from verify.precision.page import Measurement, number
from verify.precision.plot import plot
from verify.precision.sweep import REACH, Curve, gates, spread, swept
from verify.target import module_of

pytest.importorskip("flint", reason='needs pip install "gateproof[precision]"')

GATED = max(cells, key=lambda name: len(cells[name].gates))


def measured(ulps: float = 3.0) -> Measurement:
    """A small measurement made by hand."""
    errors = [
        Worst("made", dtype, "ordinary", name, "step.h", ulps, 1.0, 0.5, 6)
        for dtype in FORMATS
        for name in (OWN, "other")
    ]
    curves = [
        Curve("σ(a)", dtype, name, np.array([-1.0, 0.0, 1.0]), np.array([0.5, ulps, 1e20]))
        for dtype in FORMATS
        for name in (OWN, "other")
    ]
    return Measurement("gateproof precision made", errors, curves, {"made": curves}, [])


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("function", ["step_vjp", "step_hvp"])
def test_libraries_compute_the_same_functions(rival: str, function: Function) -> None:
    """At ordinary inputs all are right to rounding, in the dtype of the inputs."""
    cell = cells[GATED]
    found, missing = contenders.contenders(cell, module_of(GATED, cell))
    subject = next((each for each in found if each.name == rival), None)
    if subject is None:
        pytest.skip(next(line for line in missing if rival in line))
    case = make_case(cell).cast("float32")
    for name, value in subject.compute(function, case).items():
        assert value.dtype == np.float32, name
    records = list(worst(case, [subject], FORMATS["float32"], [function]))
    assert records
    assert all(record.conditioned < GRADIENT for record in records)


@pytest.mark.parametrize("name", [n for n in cells if cells[n].gates])
def test_a_swept_gate_meets_exactly_the_pre_activations(name: str) -> None:
    """In floats of any kind: nothing but the driving input enters its argument; the rest lives."""
    cell = cells[name]
    at = spread(FORMATS["float32"], 9)
    driven = dict(swept(cell, at))
    assert driven
    for gate, function, _ in saturating(cell):
        if gate not in driven:
            continue
        case = driven[gate]
        values = {
            s.name: case.point[s.name][0] if s.role == "input" else case.point[s.name]
            for s in cell.program.arguments
        }
        arithmetic = Floats(np, "float32")
        known = evaluate(cell.forward(), values, case.sizes, arithmetic)
        expected = arithmetic.functions[function.__name__](at)
        got = known[gate.name].reshape(len(at), -1)
        assert np.array_equal(got, np.broadcast_to(expected[:, None], got.shape))
        assert all(np.any(known[s.name]) for s in cell.program.results), "nothing to measure"


def test_the_sweep_goes_to_both_ends() -> None:
    """±700 and ±85, dense in the middle."""
    for name, end in REACH.items():
        at = spread(FORMATS[name], 101)
        assert at.dtype == name
        assert (at[0], at[50], at[-1]) == pytest.approx((-end, 0, end))
        assert np.all(np.diff(at) > 0)


def test_a_sweep_sees_where_the_digits_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definition as written loses them at one end of a gate, and is right in the middle."""
    cell = cells[GATED]
    found, _ = contenders.contenders(cell, module_of(GATED, cell))
    monkeypatch.setattr(sweep, "POINTS_OF_GATE", 13)
    written = [each for each in found if each.name == "autograd"]
    curves = list(gates(cell, written, FLOAT64))
    assert {curve.contender for curve in curves} == {"autograd"}
    assert any(np.max(curve.ulps) > 1e6 for curve in curves)
    for curve in curves:
        assert curve.ulps[len(curve.at) // 2] < 10


def test_a_page_holds_all_of_it() -> None:
    """Machine, versions, command, tables, and the pictures that there are."""
    text = page.page(measured(), [page.picture("made")])
    for part in ("`gateproof precision made`", "numpy", "step.h", "σ(a)", "precision-made.svg"):
        assert part in text
    assert page.picture("factors") not in text


def test_json_has_a_version_and_no_infinity() -> None:
    """What is infinitely wrong is null, which every reader of JSON takes."""
    text = json.dumps(measured(math.inf).to_json(), allow_nan=False)
    found = json.loads(text)
    assert found["schema"] == page.SCHEMA
    assert found["words"] == {"truth": "proved", "errors": "cross-checked"}
    assert found["worst"][0]["ulps"] is None
    assert found["factors"][0]["worst"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.456, "0.46"), (9.6, "9.6"), (123.4, "123"), (1.2e13, "1e13"), (math.inf, "no number")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    """Two digits are enough."""
    assert number(value) == text


def test_a_picture_is_the_same_every_time(tmp_path: object) -> None:
    """And is read on white and on black: it has no background."""
    pytest.importorskip("matplotlib", reason='needs pip install "gateproof[plots]"')
    texts = []
    for name in ("one.svg", "two.svg"):
        path = tmp_path / name  # type: ignore[operator]
        plot(measured(math.inf).factors, path, "ulps")
        texts.append(path.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert "#ffffff" not in texts[0]


GRADIENT = 16.0
"""Ulps times the condition that a result may be off; six were met, in any cell."""

FIRST_ORDER = {"float64": 4.0, "float32": 6.0}
"""Ulps that a factor of one argument may be off."""


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated code without the libraries."""
    monkeypatch.setattr(contenders, "RIVALS", ())
    monkeypatch.setattr(sweep, "contenders_of", sweep.contenders_of.__wrapped__)
    monkeypatch.setattr(sweep, "POINTS", 301)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("dtype", "bound"), FIRST_ORDER.items())
def test_generated_factors_are_right_to_a_few_ulps_from_end_to_end(
    dtype: str, bound: float
) -> None:
    """σ(a), σ(-a), σ' and tanh', and the head's log ŷ and ŷ - y, at every argument of the sweep."""
    curves = [curve for curve in sweep.factors(FORMATS[dtype]) if "''" not in curve.of]
    assert len(curves) == 6
    for curve in curves:
        assert np.max(curve.ulps) <= bound, curve.of


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("dtype", "bound"), FIRST_ORDER.items())
def test_second_derivatives_are_right_to_two_factors_times_their_condition(
    dtype: str, bound: float
) -> None:
    """σ'', tanh'' and (-log ŷ)'' are products of two factors; 1 - 2σ(a) cancels near a = 0."""
    of, needy = FORMATS[dtype], []
    for name, definition, function, field in sweep.FACTORS:
        if "''" in name:
            case = sweep.case_of_line(definition.cell, spread(of, sweep.POINTS))
            found = {
                e.quantity: e for e in worst(case, sweep.contenders_of(definition), of, [function])
            }
            error = found[f"{function}.{field}"]
            assert error.conditioned <= 2 * bound, name
            needy += [name] * (error.ulps > 2 * bound)
    assert needy == ["σ''(a)"]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", [n for n in cells if cells[n].gates])
def test_generated_gradients_keep_their_digits_at_every_gate(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First and second derivatives, saturated or not."""
    monkeypatch.setattr(sweep, "POINTS_OF_GATE", 13)
    cell = cells[name]
    for curve in gates(cell, [generated(module_of(name, cell), cell)], FORMATS[dtype]):
        assert np.max(curve.ulps) <= GRADIENT, curve.of


@pytest.mark.parametrize(("kind", "dtype"), [("opposite", "float32"), ("tiny", "float64")])
@pytest.mark.parametrize("name", cells)
def test_generated_gradients_are_right_to_a_few_ulps_times_the_condition(
    name: str, kind: Kind, dtype: str
) -> None:
    """Those of all arguments, of first and second order, with every gate in reach."""
    cell = cells[name]
    case = make_case(cell, kind).cast(dtype)
    subject = generated(module_of(name, cell), cell)
    for each in worst(case, [subject], FORMATS[dtype], ("step_vjp", "step_hvp")):
        assert each.conditioned <= GRADIENT, each.quantity


@pytest.mark.parametrize("kind", ["ordinary", "saturated"])
@pytest.mark.parametrize("dtype", FORMATS)
def test_the_condition_excuses_no_error_of_a_thousand_ulps(kind: Kind, dtype: str) -> None:
    """Planted in every element it is above the bound in every result."""
    cell, of = cells[GATED], FORMATS[dtype]
    right = generated(module_of(GATED, cell), cell)

    def off(function: Function, case: Case) -> dict[str, np.ndarray]:
        factor = of.dtype.type(1 + 2048 * of.unit)
        return {name: value * factor for name, value in right.compute(function, case).items()}

    case = make_case(cell, kind).cast(dtype)
    for each in worst(case, [Subject("off", off)], of, ("step", "step_vjp", "step_hvp")):
        assert each.conditioned > GRADIENT, each.quantity
