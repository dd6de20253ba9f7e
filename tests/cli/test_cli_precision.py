"""`gateproof precision`: answers, their exit status, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from commands import Here, assert_refused

from equations import cells
from verify.precision.page import Measurement
from verify.precision.run import errors_of, factors_of

NAME = next(iter(cells))


def test_a_difference_that_is_rounding(here: Here) -> None:
    """Yes is status 0."""
    done = here("precision", NAME, "--explain", "1e-9", "--dtype", "float32")
    assert done.status == 0
    assert "float32: yes: two careful computations may differ" in done.out


def test_a_difference_that_is_none(here: Here) -> None:
    """No is status 1, with what rounding could make."""
    done = here("precision", NAME, "--explain", "1e-3", "--dtype", "float64")
    assert done.status == 1
    assert "float64: no: two careful computations differ by" in done.out


def test_answers_as_json(here: Here) -> None:
    """With a version, and one entry for each result in each dtype."""
    done = here("precision", NAME, "--explain", "1e-3", "--of", "step_vjp", "--json")
    found = json.loads(done.out)
    assert found["schema"] == 1
    assert {entry["dtype"] for entry in found["answers"]} == {"float32", "float64"}
    assert all(entry["quantity"].startswith("step_vjp.") for entry in found["answers"])


@pytest.mark.parametrize("difference", ["-1", "nan", "inf"])
def test_a_difference_that_is_no_number_is_refused(here: Here, difference: str) -> None:
    """One line, status 2."""
    done = here("precision", NAME, "--explain", difference)
    assert_refused(done, "--explain: expected a difference of 0 or more")


def test_what_differed_without_a_difference_is_refused(here: Here) -> None:
    """An option that would do nothing is not taken silently."""
    assert_refused(here("precision", NAME, "--of", "step"), "--of goes with --explain")


def test_a_measurement_is_told_and_written(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables on standard output; the page in the folder, whole."""
    pytest.importorskip("flint", reason='needs pip install "gateproof[precision]"')
    monkeypatch.setattr("verify.precision.contenders.RIVALS", ())

    def small(*_: object) -> Measurement:
        errors = errors_of(NAME, "float32", ("ordinary",))
        return Measurement("gateproof precision", errors, factors_of("float32"), {NAME: []}, [])

    monkeypatch.setattr(sys.modules["verify.cli.precision"], "_measured", small)
    done = here("precision", NAME, "--output", str(tmp_path / "new"))
    assert done.status == 0
    for part in ("step_vjp.", "unroll_jvp.", "σ'(a)", "gateproof, float32"):
        assert part in done.out
    text = (tmp_path / "new" / "precision.md").read_text(encoding="utf-8")
    assert text.startswith("# The last bits\n")
    done = here("precision", NAME, "--json")
    assert json.loads(done.out)["worst"]
