"""`gateproof gradients`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Here, assert_refused

from equations import cells
from verify.gradients.experiment import Decay, Rate, suits
from verify.gradients.page import SCHEMA, Findings, draw, page

FIT = next(name for name in cells if suits(cells[name]))
UNFIT = next(name for name in cells if not suits(cells[name]))


def made() -> Findings:
    """Findings made by hand."""
    rate = Rate("made", "bias of f", 6.0, -0.01, 0.001, -0.009, 0.1)
    decay = Decay("made", "a gate set to remember", np.array([-0.1, -0.2, -np.inf]))
    return Findings("gateproof gradients made", [(rate, decay)], [rate, rate])


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
