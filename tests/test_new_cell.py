"""A cell that this repository has never seen, in a folder of its own, through everything.

It has what the known cells do not have together: two inputs, a scalar gate, a matrix state beside a
vector state, a kink, and an output that is no state.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

from equations.cell import Cell
from equations.derive.sequence import Recurrence
from equations.printing import Format, render
from equations.program import Program
from equations.registry import load
from verify.cli import run
from verify.report.page import page
from verify.suite import STAGES, Finding, run_stage

DEFINITION = '''
"""A cell nobody needs."""

from equations.boundary import Boundary, Saturation, gradient
from equations.definition import Definition, Input, Output, Parameter, State
from equations.language import absolute, dot, outer, relu, scale, sigmoid, tanh
from equations.theorem import Theorem


class scribe(Definition):
    """A matrix memory that a scalar gate g overwrites with what a rectified unit writes.

    Differs from: everything else.
    """

    source = "none"
    display = {"g": "\\\\gamma_t"}

    x = Input("n_x")
    p = Input("n_k")
    M = State("n_h", "n_k")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    b = b_h = Parameter("n_h")
    w_g = Parameter("n_x")
    b_g = Parameter()

    g = sigmoid(dot(w_g, x) + b_g)
    v = relu(W @ x + U @ h + b)
    M_next = scale(1 - g, M) + scale(g, outer(v, p))
    h_next = tanh(M_next @ p + b_h)
    y = Output(h_next * v)

    gates = {"g": ("keeps the memory", "overwrites the memory")}

    boundaries = (
        Boundary("g = 0 keeps the memory", M_next, "=", M, at={g: 0}, steps=1000),
        Boundary("g = 1 overwrites the memory", M_next, "=", outer(v, p), at={g: 1}),
        Boundary("g = 1 sends no gradient back", gradient(M), "=", 0, at={g: 1}),
        Saturation("a saturated g lets no gradient into its own weights", g),
        Boundary("g = 1 keeps the memory", M_next, "=", M, at={g: 1}, holds=False),
    )
    theorems = (
        Theorem("what is written is nowhere negative", (0, "<=", v)),
        Theorem("a memory that is nowhere negative stays so", (0, "<=", M), given=((0, "<=", p),),
                invariant=True),
        Theorem("the memory stays within [-1, 1]", (absolute(M), "<=", 1), invariant=True,
                holds=False),
    )
'''
DERIVED = ("definition", "forward", "backward", "tangent", "jacobian", "linear_map", "second")
SEQUENCES = ("sequence", "bptt", "tangent_sequence")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The definition in a folder of its own."""
    path = tmp_path_factory.mktemp("elsewhere") / "scribe.py"
    path.write_text(DEFINITION, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cell(file: Path) -> Cell:
    """The cell."""
    return load(file)


@pytest.fixture(scope="module")
def module(file: Path) -> ModuleType:
    """What the command generates, imported."""
    folder = file.parent / "build"
    assert run(["generate", str(file), "--output", str(folder)]) == 0
    spec = importlib.util.spec_from_file_location("scribe_generated", folder / "scribe.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_it_is_derived_and_printed_in_every_format(cell: Cell) -> None:
    """Every pass, every format; none of them empty, and ASCII is seven bits."""
    for name in (*DERIVED, *SEQUENCES):
        derived = getattr(cell, name)()
        assert isinstance(derived, Recurrence if name in SEQUENCES else Program)
        for form in get_args(Format):
            text = render(derived, form)
            assert len(text.splitlines()) >= 2
            assert form != "ascii" or text.isascii()
    assert "δM_{t-1}" in str(cell.backward())


def test_the_generated_module_stands_alone(file: Path, module: ModuleType) -> None:
    """It imports NumPy and the standard library, and names the file it was made from."""
    assert module.__doc__ is not None
    assert file.name in module.__doc__
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    roots = {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert "numpy" in roots
    assert roots <= {"numpy", *sys.stdlib_module_names}


def drawn(module: ModuleType, seed: int = 0) -> tuple[Any, Any, Any]:
    """Parameters, inputs and state; the rectifier is open in some places and closed in others."""
    rng = np.random.default_rng(seed)
    shapes = module.init(rng, n_x=3, n_h=4)
    params = module.Params(*(rng.normal(size=p.shape) for p in shapes))
    x = module.Inputs(x=rng.normal(size=(5, 3)), p=rng.normal(size=(5, 2)))
    return params, x, module.State(M=rng.normal(size=(5, 4, 2)), h=rng.normal(size=(5, 4)))


def test_the_step_is_the_equations(module: ModuleType) -> None:
    """Against the same equations written by hand, sample by sample."""
    params, x, state = drawn(module)
    new, saved = module.step(params, x, state)
    assert 0 < np.count_nonzero(saved.v) < saved.v.size
    for k in range(5):
        g = 1 / (1 + np.exp(-(params.w_g @ x.x[k] + params.b_g)))
        v = np.maximum(params.W @ x.x[k] + params.U @ state.h[k] + params.b, 0)
        memory = (1 - g) * state.M[k] + g * np.outer(v, x.p[k])
        hidden = np.tanh(memory @ x.p[k] + params.b_h)
        # A dozen roundings of values of the size of ten, at most.
        for got, hand in ((new.M[k], memory), (new.h[k], hidden), (new.y[k], hidden * v)):
            assert np.max(np.abs(got - hand)) < 64 * np.finfo(float).eps * 10


def test_every_kind_of_evidence_is_found_and_reported(file: Path, cell: Cell) -> None:
    """The quick suite holds, and the page of the cell tells all of it."""
    found: dict[str, list[Finding]] = {
        stage: list(run_stage(str(file), stage, quick=True, seed=0)) for stage in STAGES
    }
    failed = [str(f) for findings in found.values() for f in findings if f.failed]
    assert failed == []
    text = page(cell, found)
    assert text.startswith("# scribe\n\nA matrix memory that a scalar gate")
    for statement in (*cell.boundaries, *cell.theorems):
        assert statement.name in text
    assert all(found[stage] for stage in STAGES)


def test_the_command_line_takes_it(file: Path, tmp_path: Path) -> None:
    """From the file, as any known cell by its name."""
    target = tmp_path / "evidence.json"
    assert run(["show", str(file), "--pass", "second"]) == 0
    assert run(["show", str(file), "--pass", "bptt", "--format", "numpy"]) == 0
    assert run(["check", str(file), "--quick", "--json", str(target)]) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["passed"] is True
