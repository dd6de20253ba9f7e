"""Planted errors in generated modules that the boundary statements must notice."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from equations import cells
from equations.boundary import Boundary, Saturation
from equations.generate.targets import AS_PRINTED
from equations.language import ramp
from verify.boundaries.floats.approach import approach
from verify.boundaries.floats.exact import hit
from verify.target import source_of

GATED = [name for name in cells if cells[name].gates]
HARD = [name for name in GATED if any(eq.value.has(ramp) for eq in cells[name].forward())]
gated = pytest.mark.parametrize("name", GATED)
soft = pytest.mark.parametrize("name", [name for name in GATED if name not in HARD])
QUIET = '@np.errstate(over="ignore", divide="ignore")\n'


def source(name: str) -> str:
    """The text of a generated module."""
    return inspect.getsource(importlib.import_module(f"equations.generated.{name}"))


def compiled(text: str) -> ModuleType:
    """A module of that text, in this process only."""
    module = ModuleType("changed")
    code = compile(text, "changed", "exec")
    exec(code, vars(module))  # noqa: S102 - the text is the module's own with one change
    return module


def noticed(name: str, module: ModuleType, *, second: bool = False) -> bool:
    """Whether any statement, or one of second order, is no longer found to be what it is."""
    cell = cells[name]
    for statement in sorted(cell.boundaries, key=lambda s: not isinstance(s, Saturation)):
        if second and "tangent" not in kinds_of(statement):
            continue
        findings = [approach(cell, module, statement, quick=True)]
        if isinstance(statement, Boundary):
            findings.append(hit(cell, module, statement, quick=True))
        expected = "holds" if statement.holds else "refuted"
        if any(finding.verdict != expected for finding in findings):
            return True
    return False


def kinds_of(statement: Boundary | Saturation) -> set[str]:
    """What a statement speaks of."""
    return {symbol.origin[0] if symbol.origin else "value" for symbol in statement.symbols}


def body(text: str, function: str) -> tuple[int, int]:
    """Where a function's body begins and ends."""
    start = text.index(f"\ndef {function}(")
    return start, text.index("\ndef ", start + 1)


def changes(text: str, function: str, pattern: str, new: str) -> Iterator[str]:
    """The module with one match in the code of a function replaced, for each of them."""
    start, end = body(text, function)
    for match in re.finditer(pattern, text[start:end]):
        line = text[text.rindex("\n", 0, start + match.start()) + 1 :]
        if not line.lstrip().startswith("#"):
            yield text[: start + match.start()] + match.expand(new) + text[start + match.end() :]


@gated
def test_an_unchanged_module_is_fine(name: str) -> None:
    """The control: recompiling alone is not noticed."""
    assert not noticed(name, compiled(source(name)))


@soft
def test_an_overflow_that_is_not_expected_is_noticed(name: str) -> None:
    """A warning where a gate saturates is a failure."""
    text = source(name)
    assert QUIET in text
    assert noticed(name, compiled(text.replace(QUIET, "")))


@soft
def test_a_gate_factor_lost_from_the_backward_pass_is_noticed(name: str) -> None:
    """Each 1 - gate matters where that gate is one."""
    rest = f"one_minus_(?:{'|'.join(cells[name].gates)})"
    texts = list(changes(source(name), "step_vjp", rf"{rest} \* | \* {rest}\b", ""))
    assert texts
    for text in texts:
        assert noticed(name, compiled(text))


@pytest.mark.parametrize(
    ("name", "rate"),
    [(name, s.name) for name in cells for s in cells[name].boundaries if isinstance(s, Saturation)],
)
def test_a_slope_of_a_rounded_gate_is_noticed(name: str, rate: str) -> None:
    """Code of the printed u (1 - u), which has lost its digits, passes no statement of a rate."""
    own = importlib.import_module(f"equations.generated.{name}")
    printed = compiled(AS_PRINTED.text(cells[name], source_of(own)))
    statement = next(s for s in cells[name].boundaries if s.name == rate)
    found = approach(cells[name], printed, statement, quick=True)
    assert found.verdict == "refuted"
    assert "and rounding explains" in found.detail


@soft
def test_a_slope_lost_from_the_second_order_is_noticed(name: str) -> None:
    """Each σ' = (1 - u) u of the Hessian-vector product matters where its gate is one."""
    rest = r"one_minus_\w+"
    slope = rf"(    da_\w+ = .*?)(?:{rest} \* | \* {rest}\b)"
    texts = list(changes(source(name), "step_hvp", slope, r"\1"))
    assert texts
    for text in texts:
        assert noticed(name, compiled(text), second=True)


@pytest.mark.parametrize("name", HARD)
def test_a_mask_lost_from_the_backward_pass_is_noticed(name: str) -> None:
    """A gate that is held at an end passes nothing on."""
    texts = list(changes(source(name), "step_vjp", r"\(\w+ > 0\) & \(\w+ < 1\)", "True"))
    assert texts
    for text in texts:
        assert noticed(name, compiled(text))


@soft
def test_a_gate_mirrored_in_the_forward_pass_is_noticed(name: str) -> None:
    """σ(-a) for σ(a): the other dialect of the gate."""
    texts = list(changes(source(name), "step", r"np\.exp\(-(?=a_)", "np.exp("))
    assert texts
    for text in texts:
        assert noticed(name, compiled(text))


def test_statements_are_about_more_than_one_function_of_the_module() -> None:
    """The forward and the backward pass, the Jacobian and second order all occur in some."""
    kinds = {
        kind
        for name in cells
        for statement in cells[name].boundaries
        if isinstance(statement, Boundary)
        for kind in kinds_of(statement)
    }
    assert kinds == {"value", "cotangent", "jacobian", "direct", "tangent"}
