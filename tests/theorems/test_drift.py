"""Invariants in floats: generated code leaves them no further than its roundings explain."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy as sp

from equations import cells
from equations.generated import gru
from equations.language import absolute
from equations.theorem import Theorem
from verify.theorems.check import check_theorems
from verify.theorems.drift import drift, with_slack

CELL = cells["gru"]
h = CELL["h"]
BOUNDED = next(t for t in CELL.theorems if t.invariant)
PLANTED = [(n, t) for n in cells for t in cells[n].theorems if t.invariant and not t.holds]


def growing(rate: float) -> ModuleType:
    """The GRU with a state that is too large by this part after every step."""
    module = ModuleType("growing")
    vars(module).update(vars(gru))

    def unroll(params: gru.Params, xs: Any, state: gru.State) -> tuple[gru.State, None]:  # noqa: ANN401
        states = []
        for x in xs:
            state = gru.State((gru.step(params, x, state)[0].h * (1 + rate)).astype(xs.dtype))
            states.append(state.h)
        return gru.State(np.stack(states)), None

    vars(module)["unroll"] = unroll
    return module


def test_the_module_itself_keeps_to_its_bound() -> None:
    """The control, and a bound that leaves no room for more than roundings."""
    found = drift(CELL, growing(0.0), BOUNDED)
    assert found == drift(CELL, gru, BOUNDED)
    assert not found.refuted
    assert 0 < found.units < 64


def test_a_state_that_grows_by_some_roundoffs_a_step_is_noticed() -> None:
    """In float64, where they are a hundred; no single step would be seen in float32."""
    found = drift(CELL, growing(100 * 2.0**-53), BOUNDED)
    assert found.refuted.startswith("float64: after step ")


@pytest.mark.parametrize(("name", "theorem"), PLANTED, ids=lambda p: getattr(p, "name", p))
def test_a_planted_invariant_is_not_kept_with_a_slack(name: str, theorem: Theorem) -> None:
    """So nothing false is followed."""
    prove = pytest.importorskip("verify.theorems.prove", reason="z3 is an extra").prove
    slack = with_slack(theorem)
    assert slack is not None
    assert prove(cells[name], slack).outcome == "open"


def test_a_bound_that_does_not_hold_is_noticed_in_code() -> None:
    """A memory that grows beyond 1."""
    false = next(t for t in cells["lstm"].theorems if t.invariant and not t.holds)
    lstm = importlib.import_module("equations.generated.lstm")
    assert "and rounding explains" in drift(cells["lstm"], lstm, false).refuted


def test_assumptions_that_no_sequence_satisfies_say_nothing() -> None:
    """States start at 1 or -1."""
    assert drift(CELL, gru, Theorem("small", (absolute(h), "<=", sp.S.Half))).samples == 0


def test_an_equation_has_no_slack() -> None:
    """A step that only kept it exactly would say nothing of states that are off."""
    assert with_slack(Theorem("zero", (h, "=", 0), invariant=True)) is None


def test_each_relation_of_a_chain_has_the_slack_once() -> None:
    """-1 <= h + s <= 1 + 2 s."""
    slack = with_slack(Theorem("chain", (-1, "<=", h, "<=", 1), invariant=True))
    assert slack is not None
    off = [str(right - left) for left, _, right in slack.links]
    assert off == ["h + slack + 1", "-h + slack + 1"]


def test_every_invariant_has_a_float_form() -> None:
    """Where it is followed, and a quick run says that it leaves it out."""
    for quick in (False, True):
        found = {r.name: r for r in check_theorems(CELL, gru, quick=quick) if r.way == "in floats"}
        assert list(found) == [BOUNDED.name]
        assert found[BOUNDED.name].skipped == quick or "needs z3" in found[BOUNDED.name].detail
