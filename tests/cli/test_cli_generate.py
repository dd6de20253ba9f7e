"""`gateproof generate`: current files, files of a user's, and nothing half done."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import Here, assert_refused

from equations import cells
from equations.generate.targets import TARGETS


def test_the_checked_in_modules_are_current(here: Here) -> None:
    """Nothing to say, and nothing written."""
    done = here("generate", "--check")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_a_cell_of_ones_own_goes_to_a_folder(here: Here, own_cell: Path, tmp_path: Path) -> None:
    """The folder is made, holds one file, and that file is imported and run."""
    folder = tmp_path / "build"
    done = here("generate", str(own_cell), "--output", str(folder))
    assert done.status == 0
    assert [path.name for path in folder.iterdir()] == ["mgu.py"]
    assert str(folder / "mgu.py") in done.out
    spec = importlib.util.spec_from_file_location("generated_mgu", folder / "mgu.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    params = module.init(np.random.default_rng(0), n_x=2, n_h=3)
    state, _ = module.step(params, np.ones((1, 2)), module.State(h=np.ones((1, 3))))
    assert state.h.shape == (1, 3)


def test_a_stale_module_is_named(here: Here, own_cell: Path, tmp_path: Path) -> None:
    """Exit status 1, the file on standard error, and the file as it was."""
    folder = tmp_path / "build"
    arguments = ("generate", str(own_cell), "--output", str(folder))
    here(*arguments)
    assert here(*arguments, "--check").status == 0
    (folder / "mgu.py").write_text("stale", encoding="utf-8")
    done = here(*arguments, "--check")
    assert done.status == 1
    assert "mgu.py is not current" in done.err
    assert (folder / "mgu.py").read_text(encoding="utf-8") == "stale"


def test_a_cell_of_ones_own_needs_a_folder(here: Here, own_cell: Path) -> None:
    """The package holds its own cells and no others."""
    assert_refused(here("generate", str(own_cell)), "needs --output")


def test_two_cells_or_none(
    here: Here, own_cell: Path, ill_typed_cell: Path, tmp_path: Path
) -> None:
    """A wrong definition among several: none is written."""
    folder = tmp_path / "build"
    folder.mkdir()
    done = here("generate", str(own_cell), str(ill_typed_cell), "--output", str(folder))
    assert_refused(done, "mgu: equation f:")
    assert list(folder.iterdir()) == []


def test_a_file_is_no_folder(here: Here, own_cell: Path) -> None:
    """Named, and not overwritten."""
    before = own_cell.read_text(encoding="utf-8")
    assert_refused(here("generate", "--output", str(own_cell)), "--output", "got a file")
    assert own_cell.read_text(encoding="utf-8") == before


def test_all_known_cells_go_to_a_folder(here: Here, tmp_path: Path) -> None:
    """The same bytes as those checked in."""
    assert here("generate", "--output", str(tmp_path)).status == 0
    package = Path(str(cells.__path__[0])).parent / "generated"
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {f"{name}.py": (package / f"{name}.py").read_bytes() for name in cells}


def test_a_compiled_cell_of_ones_own_stands_alone(
    here: Here, own_cell: Path, tmp_path: Path
) -> None:
    """One file, which takes nothing from this project."""
    folder = tmp_path / "build"
    done = here("generate", str(own_cell), "--target", "numba", "--output", str(folder))
    assert done.status == 0
    assert [path.name for path in folder.iterdir()] == ["mgu.py"]
    text = (folder / "mgu.py").read_text(encoding="utf-8")
    assert "from equations" not in text
    assert "def step(" in text
    assert "_unroll_steps_compiled = _compiled(_unroll_steps)" in text
    assert (
        here("generate", str(own_cell), "--target", "numba", "--output", str(folder), "--check").err
        == ""
    )


def test_the_fast_form_goes_to_a_folder_and_says_what_it_lacks(here: Here, tmp_path: Path) -> None:
    """The package holds exact code alone, and the compiled form takes its steps from there."""
    fast = ("generate", "gru", "--no-exact")
    assert_refused(here(*fast), "--no-exact", "--output")
    assert_refused(here(*fast, "--target", "numba", "--output", str(tmp_path)), "--no-exact")
    assert here(*fast, "--output", str(tmp_path)).status == 0
    assert "have a digit left where a gate saturates" in (tmp_path / "gru.py").read_text("utf-8")
    assert here(*fast, "--output", str(tmp_path), "--check").status == 0


def test_a_target_that_is_not_installed_is_refused(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is computed; writing such modules needs nothing."""
    missing = replace(TARGETS["numba"], needs=("a_package_that_is_not_there",))
    command = importlib.import_module("verify.cli.check")
    monkeypatch.setattr(command, "TARGETS", {**TARGETS, "numba": missing})
    assert_refused(here("check", "rnn", "--target", "numba"), 'pip install "gateproof[fast]"')
