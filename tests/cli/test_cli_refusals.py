"""Wrong use: exit status 2, one line that says what, where, expected and got, and no traceback."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Here, assert_refused, started

from equations import cells
from verify.cli import COMMANDS as ALL

COMMANDS = ("show", "check", "generate", "report")
FIRST = next(iter(cells))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_cell_gets_a_suggestion(here: Here, command: str) -> None:
    """The nearest name, or all of them."""
    assert_refused(here(command, FIRST + "x"), f"'{FIRST}x'", f"did you mean {FIRST}?")
    assert_refused(here(command, "qqqqqqqq"), "'qqqqqqqq'", f"known: {', '.join(cells)}")


def test_the_exit_status_is_the_commands_own() -> None:
    """In a process of its own."""
    assert_refused(started("show", FIRST + "x"), "did you mean")
    assert started("list").status == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("frobnicate",), ("No such command 'frobnicate'",)),
        (("show",), ("Missing argument 'CELL'",)),
        (("show", FIRST, "--pass", "sideways"), ("'--pass'", "'sideways'", "'backward'")),
        (("show", FIRST, "--format", "pdf"), ("'--format'", "'pdf'", "'latex'")),
        (("check", "--seed", "-1"), ("'--seed'", "-1")),
        (("check", "--seed", "one"), ("'--seed'", "'one'")),
        (("list", "--xml"), ("--xml",)),
    ],
)
def test_wrong_options(here: Here, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Named with what was expected."""
    assert_refused(here(*arguments), *words)


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_definition_that_does_not_type_check(
    here: Here, ill_typed_cell: Path, command: str
) -> None:
    """The cell, the equation and both axes."""
    done = here(command, str(ill_typed_cell))
    assert_refused(done, "mgu: equation f:", "W_f has n_x where h has n_h")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class Broken(:\n", ("invalid syntax",)),
        ("x = 1\n", ("expected one cell definition, got none",)),
        ("x = later\n", ("name 'later' is not defined",)),
        ("import nowhere_at_all\n", ("nowhere_at_all",)),
        ("1 / 0\n", ("division by zero",)),
        ("raise SystemExit(0)\n", ("SystemExit",)),
        ("from equations.language import *\nwhere(1, 2)\n", ("where()", "missing")),
    ],
)
def test_a_file_that_is_no_definition(
    here: Here, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    """The file and what is wrong with it, not a traceback through gateproof."""
    path = tmp_path / "broken.py"
    path.write_text(text, encoding="utf-8")
    assert_refused(here("show", str(path)), "broken", *words)


def test_files_that_cannot_be_read(here: Here, tmp_path: Path) -> None:
    """A missing file, a folder, bytes that are no text."""
    assert_refused(here("show", str(tmp_path / "none.py")), "none.py: no such file")
    assert_refused(here("show", f"{tmp_path}/"), "no such file")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\x00")
    assert_refused(here("show", str(tmp_path / "bytes.py")), "bytes.py")


@pytest.mark.parametrize("command", ["check", "generate", "report"])
def test_two_cells_of_one_name(
    here: Here, tmp_path: Path, own_cell: Path, wrong_cell: Path, command: str
) -> None:
    """One would overwrite what is said of the other."""
    folder = tmp_path / "out"
    output = () if command == "check" else ("--output", str(folder))
    done = here(command, str(own_cell), str(wrong_cell), *output)
    assert_refused(done, "two cells of the name mgu", str(own_cell), str(wrong_cell))
    assert not list(tmp_path.glob("out/*"))


def test_an_unknown_function(here: Here, own_cell: Path) -> None:
    """The cell, the equation and the function, before anything is generated."""
    text = own_cell.read_text(encoding="utf-8").replace("tanh", "sin")
    own_cell.write_text("from sympy import sin\n" + text.replace(", sin", ""), encoding="utf-8")
    done = here("generate", str(own_cell), "--output", str(own_cell.parent / "out"))
    assert_refused(done, "mgu: equation h_cand: sin is not of the language")


def test_no_half_written_json(here: Here, tmp_path: Path) -> None:
    """A folder that is not there is refused before anything is verified."""
    target = tmp_path / "nowhere" / "evidence.json"
    assert_refused(here("check", FIRST, "--quick", "--json", str(target)), "--json", "nowhere")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("check", FIRST, "--json"), "file"),
        (("frameworks", "--json"), "file"),
        (("generate", FIRST, "--output"), "folder"),
        (("report", FIRST, "--output"), "folder"),
        (("gradients", "--output"), "folder"),
        (("precision", FIRST, "--output"), "folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(
    here: Here, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    """A place below a file can be no file and no folder: one line that names the option."""
    if arguments[0] == "precision":
        pytest.importorskip("flint")
    taken = tmp_path / "taken"
    taken.write_text("", encoding="utf-8")
    done = here(*arguments, str(taken / "x"))
    words = f"{arguments[-1]} {taken / 'x'}: expected a {expected} that can be written, got "
    assert_refused(done, words, str(taken))
    if expected == "folder":
        assert_refused(here(*arguments, str(taken)), "that can be written, got a file")
    else:
        assert_refused(here(*arguments, str(tmp_path)), "that can be written, got a folder")
    assert list(tmp_path.iterdir()) == [taken]


def test_report_outside_a_checkout(
    here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In another folder, or from a package without reports/, the place has to be given."""
    monkeypatch.chdir(tmp_path)
    assert_refused(here("report"), str(tmp_path), "not in a checkout", "give --output")
    module = importlib.import_module("verify.cli.report")
    monkeypatch.setattr(module, "REPORTS", tmp_path / "reports")
    assert_refused(here("report"), "not in a checkout", "give --output")
    assert list(tmp_path.iterdir()) == []


def test_report_of_a_file_needs_a_folder(
    here: Here, monkeypatch: pytest.MonkeyPatch, own_cell: Path
) -> None:
    """The reports of the checkout are for its own cells."""
    monkeypatch.chdir(own_cell.parent)
    module = importlib.import_module("verify.cli.report")
    (own_cell.parent / "reports").mkdir()
    monkeypatch.setattr(module, "REPORTS", own_cell.parent / "reports")
    assert_refused(here("report", str(own_cell)), "needs --output")
    assert_refused(here("report", f"{FIRST}[clip=0.5]"), "needs --output")


@pytest.mark.parametrize("name", ["", *ALL])
def test_help_has_an_example(here: Here, name: str) -> None:
    """Of the whole and of every command; each example is a command that is there."""
    done = here(*filter(None, [name]), "--help")
    assert done.status == 0
    examples = [
        line.split() for line in done.out.splitlines() if line.lstrip().startswith("gateproof ")
    ]
    assert examples
    for words in examples:
        assert words[1] in ALL
        assert name in ("", words[1])


def test_version(here: Here) -> None:
    """The distribution's."""
    done = here("--version")
    assert done.status == 0
    assert done.out.startswith("gateproof, version ")


def test_no_command_shows_the_help(here: Here) -> None:
    """With the status of wrong use."""
    done = here()
    assert done.status == 2
    assert "Usage: gateproof" in done.out + done.err


def test_an_interruption_while_modules_are_imported(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, as later on."""

    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("verify.cli.importlib.import_module", interrupted)
    done = here("check", FIRST)
    assert done.status == 2
    assert done.err.strip() == "gateproof: interrupted"


def test_a_command_is_imported_when_it_is_asked_for() -> None:
    """What takes long to import is imported where an interruption is caught."""
    code = "import sys, verify.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert {"sympy", "numpy", "rich"}.isdisjoint(done.stdout.split())
