"""`gateproof list` and `gateproof show`, as a user runs them."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from commands import Here, assert_refused, started

from equations import cells
from equations.printing import render
from verify.cli.show import FORMATS, PASSES

FIRST = next(iter(cells))
RECURRENT = next(name for name in cells if cells[name].states)
PRINTED = [name for name in PASSES if name != "loss"]


def test_list_names_every_cell_with_its_parts(here: Here) -> None:
    """Source, states, parameters and dialect."""
    done = here("list")
    assert done.status == 0
    lines = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert lines == list(cells)
    for cell in map(cells.__getitem__, cells):
        assert f"parameters: {' '.join(map(str, cell.parameters))}" in done.out
    for word in ("  inputs: ", "  states: ", "  dialect: ", "  source: "):
        assert word in done.out


def test_list_as_json_has_a_schema(here: Here) -> None:
    """For programs."""
    done = here("list", "--json")
    listed = json.loads(done.out)
    assert done.status == 0
    assert listed["schema"] == 1
    for entry, name in zip(listed["cells"], cells, strict=True):
        assert entry["name"] == name
        assert entry["states"] == [str(s) for s in cells[name].states]
        assert entry["source"] == cells[name].source


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("which", PRINTED)
def test_show_every_pass_in_every_format(here: Here, which: str, output: str) -> None:
    """What is printed is what the library prints; NumPy is a function of the generated module."""
    done = here("show", RECURRENT, "--pass", which, "--format", output)
    assert done.status == 0
    assert done.err == ""
    if output == "numpy":
        module = Path(str(cells.__path__[0])).parent / "generated" / f"{RECURRENT}.py"
        assert done.out.strip("\n") in module.read_text(encoding="utf-8")
        assert isinstance(ast.parse(done.out).body[0], ast.FunctionDef)
    else:
        assert done.out == render(PASSES[which][0](cells[RECURRENT]), output).rstrip("\n") + "\n"


@pytest.mark.parametrize("name", list(cells))
def test_show_every_cell(here: Here, name: str) -> None:
    """The definition without a word more, the backward pass, and the loss where there is one."""
    assert here("show", name).out == f"{cells[name].definition()}\n"
    backward = here("show", name, "--pass", "backward").out
    for parameter in cells[name].parameters:
        assert any(line.startswith(f"δ{parameter} ") for line in plain(backward)), parameter
    done = here("show", name, "--pass", "loss")
    if cells[name].loss is None:
        assert done.status == 2
        assert "declares no loss" in done.err
    else:
        assert done.status == 0


def plain(text: str) -> list[str]:
    """Lines with the Greek letters that parameters are printed with written out."""
    return [line.replace("β", "beta") for line in text.splitlines()]


@pytest.mark.parametrize("which", PRINTED)
@pytest.mark.parametrize("name", list(cells))
def test_ascii_is_seven_bit(here: Here, name: str, which: str) -> None:
    """Wherever it is asked for; a cell without states says that it has no sequence."""
    done = here("show", name, "--pass", which, "--ascii")
    if which in ("bptt", "jacobian") and not cells[name].states:
        assert_refused(done, name, "has no states", which)
    else:
        assert done.status == 0
        assert done.out.strip()
        assert done.out.isascii()


def test_list_in_ascii(here: Here) -> None:
    """And nothing is lost but the accents."""
    done = here("list", "--ascii")
    assert done.out.isascii()
    assert "sigmoid" in here("show", RECURRENT, "--ascii").out or cells[RECURRENT].gates == {}


def test_a_terminal_that_cannot_gets_ascii() -> None:
    """Without being asked."""
    asked = started("show", FIRST, "--ascii")
    unable = started("show", FIRST, PYTHONIOENCODING="ascii")
    assert unable.status == 0
    assert unable.out == asked.out
    listed = started("list", PYTHONIOENCODING="ascii")
    assert listed.status == 0
    assert listed.out.isascii()


def test_show_a_cell_of_ones_own(here: Here, own_cell: Path) -> None:
    """A file is as good as a name."""
    done = here("show", str(own_cell), "--pass", "backward")
    assert done.status == 0
    assert "δU_f" in done.out


def test_the_module_is_the_command() -> None:
    """`python -m verify` is `gateproof`."""
    command = Path(started.__globals__["sys"].executable).with_name("gateproof")
    assert command.is_file()
    assert started("show", FIRST).out == f"{cells[FIRST].definition()}\n"


@pytest.mark.parametrize("form", ["unicode", "numpy"])
def test_a_loss_that_is_not_declared_is_refused_in_every_format(here: Here, form: str) -> None:
    """And nothing else is shown in its place."""
    recurrent = next(name for name in cells if cells[name].loss is None)
    assert_refused(here("show", recurrent, "--pass", "loss", "--format", form), "declares no loss")
