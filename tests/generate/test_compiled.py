"""The compiled form: its functions are accurate, its results are those of the definition."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest

from equations import cells
from equations.generate.targets import TARGETS
from verify.evidence.case import make_case
from verify.evidence.record import Compared
from verify.evidence.run import check
from verify.evidence.subject import generated
from verify.routes import routes
from verify.suite import run_stage
from verify.target import find

TARGET = TARGETS["numba"]
LACKING = f'no {", ".join(TARGET.missing)}: pip install "gateproof[fast]"'
RECURRENT = [name for name in cells if cells[name].states]
ULPS = {np.float64: 4, np.float32: 6}
REACH = {np.float64: 700.0, np.float32: 85.0}
EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "logistic": lambda a: 1 / (1 + mpmath.exp(-a)),
    "complement": lambda a: 1 / (1 + mpmath.exp(a)),
    "tanh": mpmath.tanh,
    "slope": lambda a: 1 / mpmath.cosh(a) ** 2,
}
ARRAYS = """
def _loop(function):
    @njit(**_OPTIONS)
    def loop(values):
        results = np.empty_like(values)
        for k in range(values.size):
            results[k] = function(values[k], values.dtype.type)
        return results

    return loop


exp = _loop(njit(lambda a, real: _exp(a)))
logistic = _loop(njit(lambda a, real: real(1) / (real(1) + _exp(-a))))
complement = _loop(njit(lambda a, real: real(1) / (real(1) + real(1) / _exp(-a))))
tanh = _loop(njit(lambda a, real: _tanh(a)))
slope = _loop(
    njit(lambda a, r: r(4) * _exp(r(-2) * abs(a)) / (r(1) + _exp(r(-2) * abs(a))) ** 2)
)
"""

pytestmark = [
    pytest.mark.skipif(bool(TARGET.missing), reason=LACKING),
    pytest.mark.xdist_group("numba"),  # so that two processes do not compile the same
]


@pytest.fixture(scope="module")
def functions() -> ModuleType:
    """The elementary functions of the compiled modules, on arrays."""
    return made(TARGET.text(cells[RECURRENT[0]], "") + ARRAYS)


def made(text: str) -> ModuleType:
    """A module of that text, in this process only."""
    module = ModuleType("changed")
    exec(compile(text, "changed", "exec"), vars(module))  # noqa: S102 - a generated text
    return module


def errors(values: Any, exact: list[Any]) -> Any:  # noqa: ANN401 - arrays
    """The errors in units of the last place of the exact values."""
    nearest = np.array([abs(float(e)) for e in exact]).astype(values.dtype)
    pairs = zip(values.tolist(), exact, np.spacing(nearest).tolist(), strict=True)
    return np.array([float(abs(mpmath.mpf(v) - e) / mpmath.mpf(u)) for v, e, u in pairs])


@pytest.mark.parametrize("dtype", ULPS)
@pytest.mark.parametrize("name", EXACT)
def test_an_elementary_function_is_accurate(functions: ModuleType, name: str, dtype: Any) -> None:  # noqa: ANN401
    """4 ulps in float64 and 6 in float32, near 0, in between, and as far as results are normal."""
    rng = np.random.default_rng(0)
    reach = REACH[dtype] / (2 if name == "slope" else 1)
    spread = [rng.uniform(-reach, reach, 800), rng.normal(0, 3, 800), rng.normal(0, 0.3, 400)]
    a = np.concatenate([*spread, rng.normal(0, 1e-6, 200), [0.0, -0.0]]).astype(dtype)
    with mpmath.workdps(40):
        exact = [EXACT[name](mpmath.mpf(float(v))) for v in a]
        found = errors(getattr(functions, name)(a), exact)
    assert found.max() <= ULPS[dtype], a[found.argmax()]


@pytest.mark.parametrize("dtype", ULPS)
def test_an_elementary_function_has_its_limits(functions: ModuleType, dtype: Any) -> None:  # noqa: ANN401
    """What is no number stays so, signs of zero stay, and the ends are exact."""
    a = np.array([np.nan, np.inf, -np.inf, 1000, -1000, 0.0, -0.0], dtype)
    expected = {
        "exp": [np.nan, np.inf, 0, np.inf, 0, 1, 1],
        "logistic": [np.nan, 1, 0, 1, 0, 0.5, 0.5],
        "tanh": [np.nan, 1, -1, 1, -1, 0.0, -0.0],
        "complement": [np.nan, 0, 1, 0, 1, 0.5, 0.5],
        "slope": [np.nan, 0, 0, 0, 0, 1, 1],
    }
    for name, values in expected.items():
        found = getattr(functions, name)(a)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.array(values, dtype), err_msg=name)
        np.testing.assert_array_equal(np.signbit(found[1:]), np.signbit(values[1:]), err_msg=name)


@pytest.mark.parametrize("stage", ["code", "boundaries", "routes"])
def test_the_evidence_for_the_compiled_form_is_the_same(compiled: str, stage: str) -> None:
    findings = list(run_stage(compiled, stage, quick=True, seed=0, form="numba"))
    assert [str(finding) for finding in findings if finding.failed or finding.undecided] == []
    assert findings or not cells[compiled].boundaries


def arguments(name: str, steps: int, batch: int, width: int, dtype: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Parameters, inputs and a first state."""
    cell, module = cells[name], importlib.import_module(f"equations.generated.{name}")
    rng = np.random.default_rng(0)

    def drawn(symbol: Any, *lead: int) -> Any:  # noqa: ANN401 - arrays
        shape = (*lead, *(width + cell.axes.index(axis) for axis in symbol.axes))
        return np.asarray(rng.normal(size=shape) / 2).astype(dtype)

    inputs = [drawn(s, steps, batch) for s in cell.inputs]
    xs = module.Inputs(*inputs) if len(inputs) > 1 else inputs[0]
    params = module.Params(*(drawn(s) for s in cell.parameters))
    return params, xs, module.State(*(drawn(s, batch) for s in cell.states))


def results(module: ModuleType, given: tuple[Any, ...]) -> list[Any]:
    """All arrays that the functions over a sequence return, with and without checkpoints."""
    nexts, tape = module.unroll(*given)
    kept = module.unroll(*given, checkpoint_every=2)[1]
    found = [*nexts, *tape]
    for memory in (tape, kept):
        dparams, dxs, dstate = module.unroll_vjp(given[0], memory, nexts)
        pushed = module.unroll_jvp(given[0], memory, *given)
        found += [*dparams, dxs, *dstate, *pushed]
    return found


@pytest.mark.parametrize("large", [False, True], ids=["compiled loop", "Python's loop"])
@pytest.mark.parametrize("size", [(4, 3, 5), (2, 1, 1), (0, 2, 2), (2, 0, 2)])
@pytest.mark.parametrize("name", RECURRENT)
def test_both_forms_give_the_same(
    monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int, int], *, large: bool
) -> None:
    """Within their roundings, whoever runs the loop; also without steps or samples."""
    module = importlib.import_module(f"{TARGET.package}.{name}")
    plain = importlib.import_module(f"equations.generated.{name}")
    monkeypatch.setattr(module, "_LARGE", -1 if large else 2**60)
    given = arguments(name, *size, np.float64)
    for one, other in zip(results(module, given), results(plain, given), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", RECURRENT)
def test_the_types_are_those_of_the_numpy_module(name: str) -> None:
    module = importlib.import_module(f"{TARGET.package}.{name}")
    plain = importlib.import_module(f"equations.generated.{name}")
    assert module.Params is plain.Params
    assert module.step is plain.step
    assert module.unroll is not plain.unroll


def test_an_error_in_the_compiled_text_is_caught() -> None:
    """The last product of the scalar code of a backward pass, with the wrong sign."""
    texts = {name: TARGET.text(cells[name], "") for name in RECURRENT}
    name, text = min(texts.items(), key=lambda item: len(item[1]))
    at = text.rindex(" * ", 0, text.index("def _unroll_vjp_steps("))
    wrong = made(text[:at] + " * -" + text[at + 3 :])
    case = make_case(cells[name], "ordinary")
    route = next(route for route in routes() if route.name == "autograd")
    records = list(check(route, generated(wrong, cells[name]), case))
    assert any(isinstance(record, Compared) and not record.passed for record in records)


def test_code_is_kept_on_disk_where_it_can_be_and_compiled_anyway(tmp_path: Path) -> None:
    """A folder that can be written to gets the code; a module that is in no file does without."""
    text = TARGET.text(find(str(own_file(tmp_path))), "own.py")
    call = (
        "import numpy as np, sys; sys.path.insert(0, sys.argv[1])\n"
        "if sys.argv[2] == 'file':\n    import own as m\n"
        "else:\n    import types; m = types.ModuleType('m')\n"
        "    exec(compile(open(sys.argv[1] + '/own.py').read(), 'no file', 'exec'), vars(m))\n"
        "p = m.init(np.random.default_rng(0), n_h=2, n_x=2)\n"
        "print(m.unroll(p, np.ones((2, 1, 2)), m.State(np.zeros((1, 2))))[0].h.shape)"
    )
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    for kind in ("none", "file"):
        command = [sys.executable, "-c", call, str(tmp_path), kind]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.stdout == "(2, 1, 2)\n", done.stderr
        kept = list(tmp_path.glob("__pycache__/*.nbi"))
        assert bool(kept) == (kind == "file")


def own_file(folder: Path) -> Path:
    """A definition of a user's."""
    path = folder / "definition.py"
    path.write_text(
        '''"""A cell of a user's."""

from equations.definition import Definition, Input, Parameter, State
from equations.language import tanh


class own(Definition):
    """One product."""

    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    h_next = tanh(W @ x + U @ h)
''',
        encoding="utf-8",
    )
    return path


def test_without_numba_the_package_says_what_to_install(tmp_path: Path) -> None:
    """One line that names the extra."""
    code = (
        "import importlib.util, sys; found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'numba' else found(name, *a)\n"
        "try:\n    import equations.generated.numba.gru\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert 'pip install "gateproof[fast]"' in done.stdout
