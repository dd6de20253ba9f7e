"""`gateproof check` as a user runs it: status, evidence as JSON, and how a failure repeats."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from commands import Here, started

from equations import cells
from verify.evidence.record import QUICK
from verify.suite import STAGES

SMALLEST = min(
    (name for name in cells if cells[name].states), key=lambda name: len(cells[name].parameters)
)


def test_a_cell_that_holds(tmp_path: Path) -> None:
    """Status 0, a table, and findings of every stage under a schema."""
    file = tmp_path / "evidence.json"
    done = started("check", SMALLEST, "--quick", "--seed", "3", "--json", str(file))
    assert done.status == 0, done.out
    assert done.err == ""
    assert re.search(r"\d+ claims, all others hold, [\d.]+ s, seed 3\n$", done.out)
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["schema"] == 3
    assert written["passed"] is True
    assert (written["seed"], written["quick"]) == (3, True)
    assert set(written["versions"]) >= {"python", "numpy", "sympy", "gateproof"}
    assert {finding["stage"] for finding in written["findings"]} == set(STAGES)
    words = {finding["word"] for finding in written["findings"]}
    assert words == {"proved", "by construction", "cross-checked"}
    assert all(f["cell"] == SMALLEST for f in written["findings"])
    left_out = [f for f in written["findings"] if not f["passed"]]
    assert all(f["skipped"] and f["detail"] == QUICK for f in left_out)
    assert written["skipped"] == len(left_out) > 0
    assert f"{len(left_out)} claims skipped, not established here: {QUICK}\n" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.json"]


def test_a_cell_that_does_not_hold(wrong_cell: Path) -> None:
    """Status 1, what fails, its seed, and a command that repeats it."""
    done = started("check", str(wrong_cell), "--quick", "--seed", "5", "--ascii")
    assert done.status == 1
    assert done.out.isascii()
    failures = failing(done.out)
    assert failures
    assert all("f = 0 copies the state" in line for line in failures)
    assert re.search(r"\d+ FAILED, [\d.]+ s, seed 5\n$", done.out)
    (command,) = set(re.findall(r"repeat: gateproof (.*)", done.out))
    assert "--seed 5" in command
    again = started(*shlex.split(command), "--json", "-")
    assert again.status == 1
    repeated = json.loads(again.out)
    assert repeated["passed"] is False
    wrong = [f for f in repeated["findings"] if not (f["passed"] or f["skipped"])]
    assert len(wrong) == len(failures)


def failing(out: str) -> list[str]:
    """The lines that say what fails."""
    return [line for line in out.splitlines() if ": FAILED: " in line]


def test_processes_are_started_for_a_run_and_not_for_help(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of commands, and the help of one, import no more than they show."""
    started: list[bool] = []
    monkeypatch.setattr("verify.cli.workers.begin", lambda: started.append(True))
    for arguments in (("--help",), ("check", "--help"), ("list",)):
        here(*arguments)
    assert not started
    here("check", "no_such_cell")
    assert started
