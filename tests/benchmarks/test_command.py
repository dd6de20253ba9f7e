"""The command measures, says what is missing, and writes its files. No time is tested."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks import frameworks, own
from benchmarks.case import CELLS, MissingError, Size, make
from benchmarks.measure import CONTENDERS, Growth, Row
from benchmarks.report import ratio

QUICK = ["--size", "tiny", "--repeats", "1", "--cell", CELLS[0], "--dtype", "float64"]

every_cell = pytest.mark.parametrize("cell", CELLS)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own: threads are limited before NumPy is loaded."""
    arguments = [sys.executable, "-m", "benchmarks", *options]
    root = Path(__file__).parents[2]
    return subprocess.run(arguments, capture_output=True, text=True, cwd=root, check=False)


def test_it_writes_a_page_and_prints_it(tmp_path: Path) -> None:
    done = run(*QUICK, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    for said in ("numpy 2", "python -m benchmarks --size tiny", "off the line", *CONTENDERS):
        assert said in page
    for name in ("torch", "jax"):
        assert (f"gateproof[{name}]" in page) == (find_spec(name) is None)
    assert "hand-written" in done.stdout


def test_it_draws_a_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason='no plot: pip install "gateproof[plots]"')
    assert run(*QUICK, "--output", str(tmp_path)).returncode == 0
    for name in ("speed.svg", "speed-growth.svg"):
        assert "<svg" in (tmp_path / name).read_text(encoding="utf-8")


def test_it_prints_json(tmp_path: Path) -> None:
    done = run(*QUICK, "--json", "--output", str(tmp_path))
    found = json.loads(done.stdout)
    assert {row["contender"] for row in found["rows"]} == set(CONTENDERS)
    assert all((row["median"] is None) == bool(row["missing"]) for row in found["rows"])


def test_wrong_use_is_one_line() -> None:
    done = run("--size", "huge")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_growth_is_a_line_and_how_far_the_times_are_from_it() -> None:
    steps, size = [4, 8, 16], Size(4, 1, 1, 1)
    fit = Growth("", "", size, "T", steps, [0.3 + 0.1 * T for T in steps])
    assert fit.line == pytest.approx((0.3, 0.1))
    assert fit.off == pytest.approx(0, abs=1e-12)
    square = Growth("", "", size, "T", steps, [0.1 * T**2 for T in steps])
    assert square.off > 0.1
    assert square.powers == pytest.approx([2, 2])


def test_rounds_are_compared_only_where_they_were_run_together() -> None:
    size = Size(1, 1, 1, 1)
    ours = Row("", "", size, "both", "generated", ("generated", "other"), (1.0, 2.0, 4.0))
    beside = replace(ours, contender="other", samples=(4.0, 2.0, 12.0))
    assert ratio(beside, ours) == 3  # of 4, 1 and 3
    apart = replace(ours, contender="jax", group=("jax",), samples=(4.0, 2.0))
    assert ratio(apart, ours) == 1.5
    assert ratio(replace(apart, samples=()), ours) is None


def test_several_threads_have_processes_of_their_own(tmp_path: Path) -> None:
    done = run(*QUICK, "--threads", "2", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "speed-2-threads.md").read_text(encoding="utf-8")
    assert "2 threads each" in page
    assert "--threads 2" in page


@every_cell
def test_autograd_computes_the_same(cell: str) -> None:
    case = make(cell, "float64", Size(5, 3, 2, 4))
    expected = own.generated(case)
    found = own.autograd(case)
    close(found.forward(), expected.forward()[0].h)
    dparams, dxs, dstate = found.both()[1]
    wanted = expected.both()[1]
    for got, value in zip(
        (*dparams, dxs, *dstate), (*wanted[0], wanted[1], *wanted[2]), strict=True
    ):
        close(got, value)


@every_cell
def test_the_limit_has_all_products(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every weight meets every row once on the way forward, and twice on the way back."""
    T, B, n_x, n_h = size = Size(5, 3, 2, 4)
    case = make(cell, "float64", size)
    counted: list[int] = []

    def matmul(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
        assert out.shape == (left @ right).shape
        counted.append(left.size * right.shape[1])

    monkeypatch.setattr(own.np, "matmul", matmul)
    own.products(case).both()
    assert sum(counted) == 3 * T * B * len(case.gates) * n_h * (n_x + n_h)


@every_cell
@pytest.mark.parametrize("name", ["torch_nn", "torch_loop", "jax_scan"])
def test_frameworks_compute_the_same(cell: str, name: str) -> None:
    case = make(cell, "float64", Size(5, 3, 2, 4))
    try:
        work = getattr(frameworks, name)(case)
    except MissingError as error:
        pytest.skip(str(error))
    if (cell, name) == ("gru", "torch_nn"):
        pytest.skip("torch.nn.GRU resets after the product: another cell")
    hs = work.forward()
    close(
        np.asarray(hs.detach() if hasattr(hs, "detach") else hs), own.generated(case).forward()[0].h
    )
    dxs = work.both()[1][3 if name != "torch_nn" else 4]
    close(np.asarray(dxs), own.generated(case).both()[1][1])


def close(got: object, expected: np.ndarray) -> None:
    """Equal to rounding."""
    np.testing.assert_allclose(np.asarray(got), expected, rtol=0, atol=1e-12)
