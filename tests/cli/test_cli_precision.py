"""`gateproof precision`: answers, their exit status, and what is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Here, assert_refused

from equations import cells
from verify.evidence.case import make_case
from verify.precision.page import Measurement
from verify.precision.run import errors_of, factors_of

NAME = next(iter(cells))
FIRST = cells[NAME].parameters[0].name
STATE = cells[NAME].states[0].name

Arrays = dict[str, np.ndarray]


def test_a_difference_that_is_rounding(here: Here) -> None:
    """Yes is status 0."""
    done = here("precision", NAME, "--explain", "1e-9", "--dtype", "float32")
    assert done.status == 0
    assert "rounding cannot be excluded in any element" in done.out


def test_a_difference_that_is_none(here: Here) -> None:
    """No is status 1, with what rounding could make."""
    done = here("precision", NAME, "--explain", "1e-3", "--dtype", "float64")
    assert done.status == 1
    assert "float64: no: two careful computations differ by" in done.out


def test_answers_as_json(here: Here) -> None:
    """With a version, and one entry for each result in each dtype."""
    done = here("precision", NAME, "--explain", "1e-3", "--of", "step_vjp", "--json")
    found = json.loads(done.out)
    assert found["schema"] == 3
    assert {entry["word"] for entry in found["answers"]} == {"by construction"}
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


def arrays(dtype: str = "float32") -> dict[str, np.ndarray]:
    """Arguments of the cell that fit."""
    return dict(make_case(cells[NAME], sizes={"T": 1}).cast(dtype).point)


def saved(path: Path, found: dict[str, np.ndarray]) -> str:
    """A file of these arrays."""
    np.savez(path, **found)  # type: ignore[arg-type]
    return str(path)


def test_own_inputs_are_answered_in_their_own_floats(here: Here, tmp_path: Path) -> None:
    """The same numbers as those that were drawn give the same answer."""
    drawn = dict(make_case(cells[NAME]).cast("float32").point)
    done = here(
        "precision", NAME, "--explain", "1e-9", "--at", saved(tmp_path / "a.npz", drawn), "--json"
    )
    other = here("precision", NAME, "--explain", "1e-9", "--dtype", "float32", "--json")
    own, expected = (json.loads(each.out)["answers"] for each in (done, other))
    assert [answer["most"] for answer in own] == [answer["most"] for answer in expected]
    assert {answer["dtype"] for answer in own} == {"float32"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: {k: v for k, v in found.items() if k != FIRST}, "missing"),
        (lambda found: {**found, "zzz": np.ones(1)}, "zzz unknown"),
        (lambda found: {**found, FIRST: found[FIRST][None]}, "expected shape"),
        (lambda found: {**found, FIRST: found[FIRST] * np.nan}, "expected finite numbers"),
        (lambda found: {**found, FIRST: found[FIRST].astype("float64")}, "all float32 or all"),
    ],
)
def test_own_inputs_that_do_not_fit_are_refused(
    here: Here, tmp_path: Path, change: Callable[[Arrays], Arrays], words: str
) -> None:
    """In one line that names the file and the array."""
    file = saved(tmp_path / "mine.npz", change(arrays()))
    assert_refused(here("precision", NAME, "--explain", "1e-9", "--at", file), "mine.npz", words)


def test_own_cotangents_and_tangents_count(here: Here, tmp_path: Path) -> None:
    """Those that were drawn give the answers at drawn inputs; others are ones, which is told."""
    drawn = make_case(cells[NAME]).cast("float32")
    seeds = {f"d{name}": value for name, value in drawn.cotangents.items()}
    ways = {f"{name}_dot": value for name, value in drawn.tangents.items()}
    asked = ("precision", NAME, "--explain", "1e-9", "--of", "step_hvp", "--json")
    whole = here(*asked, "--at", saved(tmp_path / "a.npz", {**drawn.point, **seeds, **ways}))
    expected = here(*asked, "--dtype", "float32")
    own, drawn_ones = (json.loads(each.out)["answers"] for each in (whole, expected))
    assert [answer["most"] for answer in own] == [answer["most"] for answer in drawn_ones]
    assert "taken as ones" not in whole.err
    some = here(*asked, "--at", saved(tmp_path / "b.npz", {**drawn.point, **ways}))
    assert f"b.npz has no {', '.join(seeds)}: taken as ones" in some.err
    forward = here(*asked[:4], "--at", saved(tmp_path / "c.npz", dict(drawn.point)))
    assert "taken as ones" not in forward.err


def test_every_element_has_its_own_difference_and_verdict(here: Here, tmp_path: Path) -> None:
    """A file of differences answers for the results it has: one wrong element is one no."""
    drawn = make_case(cells[NAME], sizes={"T": 1}).cast("float32")
    wrong = np.zeros(drawn.point[FIRST].shape)
    wrong[1, 2] = 1.0
    inputs = saved(tmp_path / "mine.npz", dict(drawn.point))
    for name in (FIRST, f"step_vjp.{FIRST}"):
        file = saved(tmp_path / "off.npz", {name: -wrong})
        asked = ("precision", NAME, "--explain", file, "--of", "step_vjp", "--at", inputs)
        done = here(*asked, "--json")
        (answer,) = json.loads(done.out)["answers"]
        assert done.status == 1
        assert answer["quantity"] == f"step_vjp.{FIRST}"
        assert np.array_equal(np.array(answer["verdicts"]) == "no", wrong > 0)
        assert "most beyond it: [1, 2] 1 of" in here(*asked).out
    right = saved(tmp_path / "right.npz", {FIRST: 0 * wrong})
    assert here("precision", NAME, "--explain", right, "--of", "step_vjp").status == 0


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"zzz": np.ones(1)}, "step.zzz unknown; expected some of step."),
        ({STATE: np.ones(1)}, "expected shape"),
        ({STATE: np.array("text")}, "expected shape"),
        ({}, "got no arrays"),
    ],
)
def test_differences_that_do_not_fit_are_refused(
    here: Here, tmp_path: Path, found: Arrays, words: str
) -> None:
    """In one line that names the file."""
    file = saved(tmp_path / "off.npz", found)
    assert_refused(here("precision", NAME, "--explain", file), "--explain: ", "off.npz", words)
    (tmp_path / "text.npz").write_text("1e-7", encoding="utf-8")
    done = here("precision", NAME, "--explain", str(tmp_path / "text.npz"))
    assert_refused(done, "--explain: ", "expected a .npz file of arrays")
    assert_refused(here("precision", NAME, "--explain", "much"), "a .npz file of them, got much")


def test_differences_that_are_no_numbers_are_refused(here: Here, tmp_path: Path) -> None:
    """NaN is not explained."""
    shape = make_case(cells[NAME]).point[STATE].shape
    file = saved(tmp_path / "off.npz", {STATE: np.full(shape, np.nan)})
    done = here("precision", NAME, "--explain", file)
    assert_refused(done, "off.npz", "expected finite numbers, got NaN or infinity")


def test_a_file_that_holds_no_arrays_is_refused(here: Here, tmp_path: Path) -> None:
    """Whatever its name is."""
    file = tmp_path / "mine.npz"
    file.write_text("not arrays", encoding="utf-8")
    done = here("precision", NAME, "--explain", "1e-9", "--at", str(file))
    assert_refused(done, "expected a .npz file of arrays")
