"""`gateproof frameworks`, as a user runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from verify import dialects
from verify.cli import run

ONE = "onnx.RNN"  # the framework that is imported fastest


def test_results_are_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the record, the cell and the network of each."""
    pytest.importorskip("onnxruntime", reason='pip install "gateproof[onnx]"')
    path = tmp_path / "found.json"
    assert run(["frameworks", ONE, "--json", str(path)]) == 0
    out = capsys.readouterr().out
    assert "none disagrees, seed 0" in out
    written = json.loads(path.read_text(encoding="utf-8"))
    assert (written["schema"], written["passed"], written["seed"]) == (1, True, 0)
    names = {result["dialect"] for result in written["results"]}
    plain = {name for name, dialect in dialects.items() if dialect.base == ONE}
    with_numbers = names - plain
    assert plain <= names
    assert with_numbers
    assert all(dialects[name].base == ONE and "=" in name for name in with_numbers)
    for result in written["results"]:
        assert result["outcome"] == "agrees"
        assert result["dialect"] in out
        assert result["cell"] == dialects[result["dialect"]].cell


def test_what_is_not_installed_is_skipped_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["frameworks", "torch.GRUCell"]) == 0
    out = capsys.readouterr().out
    assert 'skipped: torch is not installed: pip install "gateproof[torch]"' in out
    assert "1 comparisons, 1 skipped" in out


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    assert run(["frameworks", "nothing"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gateproof: unknown framework or dialect 'nothing'; frameworks: ")
    assert err.count("\n") == 1
