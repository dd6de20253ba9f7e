"""What the README shows is what happens: its snippets are run, its commands compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

import verify
from equations import cells
from equations.registry import load
from verify.cli import gateproof, run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks in one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def definition() -> str:
    """The snippet that defines a cell."""
    (found,) = (block for block in blocks("python") if "(Definition)" in block)
    return found


def test_the_two_commands_are_one_line_each() -> None:
    """Each makes its own environment, so that a fresh clone and Python are enough."""
    check, tests, *_ = blocks("sh")
    for block, ends in ((check, "gateproof check\n"), (tests, "python -m pytest -n auto\n")):
        assert block.count("\n") == 1
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert block.endswith(ends)
        assert "&&" in block


def test_continuous_integration_runs_these_two_commands() -> None:
    """It looks them up here instead of keeping a copy."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    patterns = re.findall(r"\$\(grep -m 1 '([^']*)' README\.md\)", script)
    found = [next(line for line in README.splitlines() if re.search(p, line)) for p in patterns]
    assert [line + "\n" for line in found] == blocks("sh")[:2]


def test_the_definition_is_a_cell(tmp_path: Path) -> None:
    """In a file of its own, with the very equations of the cell it is said to be."""
    path = tmp_path / "my_cell.py"
    path.write_text(definition(), encoding="utf-8")
    cell = load(path)
    source = re.search(r"\]\((equations/cells/(\w+)\.py)\)", README)
    assert source is not None
    known = cells[source[2]]
    own = [(str(e.symbol), str(e.value)) for e in cell.program.equations]
    assert own == [(str(e.symbol), str(e.value)) for e in known.program.equations]
    assert [str(s) for s in cell.program.arguments] == [str(s) for s in known.program.arguments]
    text = (ROOT / source[1]).read_text(encoding="utf-8")
    body = definition().partition('product."""')[2].strip("\n")
    assert body
    for paragraph in body.split("\n\n"):
        assert paragraph in text


def test_the_import_runs_and_the_step_goes_downhill() -> None:
    """The snippet takes a step of gradient descent on the sum of squares."""
    snippet, _ = (block for block in blocks("python") if "unroll_vjp" in block)
    names: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), names)  # noqa: S102 - the snippet is ours
    states, _ = names["gru"].unroll(
        names["params"], names["xs"], names["gru"].State(names["dstate0"].h * 0)
    )
    assert (states.h**2).sum() < (names["states"].h ** 2).sum()


def test_the_layers_run_on_the_same_sequence() -> None:
    """Their outputs after the end of a sample are zero, and so are the gradients of its inputs."""
    names: dict[str, Any] = {}
    for snippet in (block for block in blocks("python") if "unroll_vjp" in block):
        exec(compile(snippet, "README.md", "exec"), names)  # noqa: S102 - the snippets are ours
    (end,) = set(names["lengths"]) - {len(names["xs"])}
    for values in (names["ys"], names["dxs"]):
        assert values[:end, 1].all()
        assert not values[end:, 1].any()


@pytest.mark.parametrize("block", blocks("console"))
def test_console_output_is_what_is_printed(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Line by line."""
    command, _, shown = block.partition("\n")
    words = shlex.split(command.removeprefix("$ "))
    assert words[0] == "gateproof"
    assert run(words[1:]) == 0
    assert capsys.readouterr().out == shown


def commands() -> list[list[str]]:
    """Every command of ours in a block for a shell."""
    lines = [line for block in blocks("sh")[2:] for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("gateproof ")]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_on_a_cell_of_ones_own(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are there with these options; the quick ones are run."""
    monkeypatch.chdir(tmp_path)
    Path("my_cell.py").write_text(definition(), encoding="utf-8")
    record = verify.dialects["keras.GRU"]
    shapes = {name: layout.shape({"n_x": 3, "n_h": 4}) for name, layout in record.layouts.items()}
    np.savez("keras.npz", **{name: np.ones(shape) for name, shape in shapes.items()})
    command = gateproof.get_command(click.Context(gateproof), words[0])
    assert command is not None
    command.make_context(words[0], words[1:])
    if words[0] != "check":
        assert run(words) == 0


def test_options_named_in_the_text_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """The passes and formats that the README lists."""
    sentence = re.search(r"`--pass` also takes (.*?); `--format` takes (.*?)\.", README, re.DOTALL)
    assert sentence is not None
    name = next(iter(cells))
    for option, words in zip(("--pass", "--format"), sentence.groups(), strict=True):
        values = re.findall(r"`(\w+)`", words)
        assert len(values) >= 4
        for value in values:
            assert run(["show", name, option, value]) == 0
    assert capsys.readouterr().err == ""


def test_weights_of_another_framework_are_packed_and_read() -> None:
    """The snippet goes there and back."""
    first, _, second = (
        block for block in blocks("python") if "unroll_vjp" in block or "verify.dialects" in block
    )
    names: dict[str, Any] = {}
    exec(compile(first + second, "README.md", "exec"), names)  # noqa: S102 - the snippet is ours
    assert list(names["arrays"]) == ["kernel", "recurrent_kernel", "bias"]
    assert names["params"]._fields == names["gru_after_keep"].Params._fields


def test_the_cell_that_no_framework_has_is_identified() -> None:
    """As the comment in the snippet says."""
    (snippet,) = (block for block in blocks("python") if "verify.identify" in block)
    names: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), names)  # noqa: S102 - the snippet is ours
    found = names["found"]
    said = re.search(r"# the cell (\w+); A = (\S+ \S+ \S+\]), \.\.\.", snippet)
    assert said is not None
    assert (found.cell, found.arrays["A"]) == said.groups()
    assert f"ready for equations.generated.{found.cell}" in snippet


def test_the_setting_is_the_plugins() -> None:
    """The one line for a project's pyproject.toml."""
    plugin = (ROOT / "verify" / "plugin.py").read_text(encoding="utf-8")
    (block,) = blocks("toml")
    for line in block.strip().splitlines():
        assert line in plugin
