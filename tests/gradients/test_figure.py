"""Pictures are short, and their labels are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verify.report.figure import panels


def test_coordinates_lose_digits_and_labels_do_not(tmp_path: Path) -> None:
    """A tick at 0.25 says so."""
    pytest.importorskip("matplotlib", reason='needs pip install "gateproof[plots]"')
    path = tmp_path / "made.svg"
    with panels(path, 1, 1, (2, 2)) as (_, places):
        places[0, 0].plot([0, 1 / 3, 1], [0, 0.25, 1])
        places[0, 0].set_yticks([0, 0.25, 0.125])
    text = path.read_text(encoding="utf-8")
    labels = re.findall(r">([\d.]+)</text>", text)
    assert {"0.125", "0.250"} <= set(labels)
    assert not re.search(r"\d\.\d\d", re.sub(r">[^<]*<", "><", text))
