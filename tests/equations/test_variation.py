"""Numbers in the brackets of a cell's name: thresholds, and the line of a hard sigmoid."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations import cells
from equations.language import LanguageError
from equations.variation import parts, variation, with_numbers
from verify import dialects
from verify.arithmetic.floats import Floats
from verify.cli import run
from verify.interpret import evaluate
from verify.proof.prove import prove
from verify.target import module_of

RECURRENT = [name for name in cells if cells[name].states]
LSTM, HARD = dialects["torch.LSTM"].cell, dialects["onnx.LSTM[activations=HardSigmoid]"].cell
RELU, GRU = dialects["torch.RNN[nonlinearity=relu]"].cell, dialects["torch.GRU"].cell
PLAIN = dialects["torch.RNN"].cell
HEAD = next(name for name in cells if not cells[name].states)
Array = np.ndarray[Any, Any]


def stepped(name: str) -> list[Array]:
    """A step of a cell, interpreted, at a random point; all axes are 3 long."""
    cell, rng = cells[name], np.random.default_rng(0)
    values = {str(s): rng.normal(size=(3,) * len(s.axes)) for s in cell.program.arguments}
    found = evaluate(cell.program, values, dict.fromkeys(cell.axes, 3), Floats())
    return [found[str(symbol)] for symbol in cell.next_states]


@pytest.mark.parametrize("name", RECURRENT)
def test_every_recurrent_cell_can_be_bounded(name: str) -> None:
    """Bounds that nothing reaches change no bit; near ones are kept."""
    far = [f"clip_{state}=1e6" for state in cells[name].states]
    unmoved = stepped(f"{name}[{','.join(['clip=1e6', *far])}]")
    assert all(map(np.array_equal, unmoved, stepped(name)))
    near = stepped(f"{name}[{','.join(far).replace('1e6', '0.001')}]")
    assert all(np.max(np.abs(value)) <= 0.001 for value in near)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (f"{LSTM}[clip=0.5]", "f_t = σ(clip(W_f x_t + U_f h_{t-1} + b_f, -1/2, 1/2))"),
        (f"{LSTM}[clip=0.5]", "h_t = o_t ∘ tanh(c_t)"),
        (f"{LSTM}[clip_c=3]", "c_t = clip(f_t ∘ c_{t-1} + i_t ∘ g_t, -3, 3)"),
        (f"{LSTM}[slope=0.3]", "i_t = clip(3 (W_i x_t + U_i h_{t-1} + b_i)/10 + 1/2, 0, 1)"),
        (f"{HARD}[offset=0.4]", "i_t = clip((W_i x_t + U_i h_{t-1} + b_i)/5 + 2/5, 0, 1)"),
        (
            f"{HARD}[clip=2]",
            "i_t = clip(clip(W_i x_t + U_i h_{t-1} + b_i, -2, 2)/5 + 1/2, 0, 1)",
        ),
        (f"{RELU}[clip=2]", "h_t = max(clip(W_h x_t + U_h h_{t-1} + b_h, -2, 2), 0)"),
        (f"{GRU}[clip=2]", "h'_t = tanh(clip(W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r, -2, 2))"),
    ],
)
def test_where_the_numbers_stand(name: str, line: str) -> None:
    """On every pre-activation and on no state; on a new state before it is read; on gates."""
    assert line in str(cells[name]).splitlines()


@pytest.mark.parametrize("name", [f"{GRU}[clip=0.5]", f"{HARD}[slope=0.3,clip_c=2]"])
def test_what_is_derived_of_such_a_cell_is_proved(name: str) -> None:
    """As of any other."""
    assert all(proof.holds is not False for proof in prove(cells[name], quick=True))


def test_it_is_generated_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into a file that can be imported, and not into the package."""
    name = f"{GRU}[clip=0.5]"
    assert run(["generate", name]) == 2
    assert "--output" in capsys.readouterr().err
    assert run(["generate", name, "--output", str(tmp_path)]) == 0
    (path,) = tmp_path.iterdir()
    assert path.stem.isidentifier()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module._PARAMS == module_of(GRU, cells[GRU])._PARAMS


def test_names_are_read_and_written() -> None:
    """A number that is given again takes the place of the old one."""
    assert parts("a[clip=0.5,clip_c=3]") == ("a", {"clip": "0.5", "clip_c": "3"})
    assert with_numbers("a[clip=0.5]", {"clip": "1"}) == "a[clip=1]"
    assert with_numbers("a", {}) == "a"


@pytest.mark.parametrize(
    ("brackets", "message"),
    [
        ("clip", "expected numbers such as clip=0.5, got 'clip'"),
        ("clip=1,clip=2", "got 'clip=2'"),
        ("clip=-1", "got 'clip=-1'"),
        ("clip=0", "expected a positive number for clip, got 0"),
        ("clip_q=1", "expected some of clip, clip_h, clip_c, slope, offset, got clip_q"),
    ],
)
def test_what_is_no_number_of_the_cell_is_refused(
    brackets: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In Python and on the command line."""
    with pytest.raises(LanguageError) as caught:
        cells[f"{LSTM}[{brackets}]"]
    assert message in str(caught.value)
    assert run(["show", f"{LSTM}[{brackets}]"]) == 2
    assert message in capsys.readouterr().err


def test_a_number_that_would_change_nothing_is_refused() -> None:
    """A tanh has no line, and a head no pre-activation: such a name would be another's cell."""
    for name, known in ((f"{PLAIN}[slope=0.3]", "clip, clip_h"), (f"{HEAD}[clip=1]", "no numbers")):
        with pytest.raises(LanguageError, match=f"expected some of {known}, got"):
            cells[name]


def test_statements_about_gates_are_left_behind() -> None:
    """They are of another function."""
    made = variation(cells[LSTM], {"clip": "1"})
    assert cells[LSTM].boundaries
    assert not [*made.gates, *made.boundaries, *made.theorems]
