"""`gateproof gradients`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import Here, assert_refused

from equations import cells
from verify.gradients.experiment import Decay, Passage, Rate, suits
from verify.gradients.page import SCHEMA, Findings, draw, page

FIT = min(filter(lambda name: suits(cells[name]), cells), key=lambda n: len(str(cells[n])))
UNFIT = next(name for name in cells if not suits(cells[name]))


def made() -> Findings:
    """Findings made by hand."""
    rate = Rate("made", "bias of f", 6.0, -0.01, 0.001, -0.009, -np.inf, 0.1)
    decay = Decay("made", "a gate set to remember", np.array([-0.1, -0.2, -np.inf]))
    passage = Passage("made", "J = f K", "J = f", "f near 1 keeps it")
    return Findings("gateproof gradients made", [passage], [(rate, decay)], [rate, rate])


def test_a_table_of_rates(here: Here) -> None:
    """One line for each setting, with both rates."""
    done = here("gradients", FIT, "--quick")
    assert done.status == 0
    for part in (FIT, "as initialised", "predicted", "steps"):
        assert part in done.out


def test_json_has_a_version_and_no_infinity() -> None:
    """A gradient that is lost is null."""
    found = json.loads(json.dumps(made().to_json(), allow_nan=False))
    assert found["schema"] == SCHEMA
    assert found["settings"][0]["logs"][-1] is None
    assert found["settings"][0]["saturated"] is None


def test_json_says_how_each_field_is_established() -> None:
    """Every number and expression that is not a setting has its word."""
    found = made().to_json()
    fields = {field for part in ("cells", "settings") for field in found[part][0]}
    assert fields - set(found["words"]) == {
        *("cell", "knob", "place", "setting", "overflow", "remembers")
    }
    assert set(found["words"]) <= fields


@pytest.mark.parametrize(
    ("left", "told"),
    [("", "nothing is left"), ("J = f K", "No function in it saturates"), ("J = f", "Here f near")],
)
def test_a_page_tells_what_is_left_at_saturation(left: str, told: str) -> None:
    """Nothing, all of it or a part, with the numbers at each setting in the same paragraph."""
    found = made()
    text = page(replace(found, passages=[replace(found.passages[0], left=left)]), [])
    paragraph = next(part for part in text.split("\n\n") if "one step multiplies" in part)
    assert told in paragraph.replace("\n", " ")
    assert "by 0.99 (predicted 0.991, at saturation 0)" in paragraph.replace("\n", " ")


def test_an_overflow_is_a_word() -> None:
    """In both tables and in the paragraph there is no NaN."""
    found = made()
    rate = Rate("made", "recurrent matrices", 6.0, *[np.nan] * 5)
    decay = Decay("made", "recurrent matrices times 6", np.full(3, np.nan))
    text = page(replace(found, decays=[(rate, decay)], sweeps=[rate]), [])
    assert "| recurrent matrices times 6 | overflow |" in text
    assert "| recurrent matrices | 6 | overflow |" in text
    assert "Recurrent matrices times 6: the state leaves the floats." in text
    assert "nan" not in text


def test_a_cell_that_does_not_fit_is_refused(here: Here) -> None:
    """In one line that says what is expected."""
    assert_refused(here("gradients", UNFIT), f"{UNFIT}: expected a cell with vectors as states")


def test_a_page_and_its_pictures(tmp_path: Path) -> None:
    """The page names the pictures that there are, and those are the same every time."""
    pytest.importorskip("matplotlib", reason='needs pip install "gateproof[plots]"')
    names = draw(made(), tmp_path)
    texts = [(tmp_path / name).read_bytes() for name in names]
    assert [(tmp_path / name).read_bytes() for name in draw(made(), tmp_path)] == texts
    text = page(made(), names)
    assert all(name in text for name in names)
    assert "`gateproof gradients made`" in text
    assert ".svg" not in page(made(), [])
