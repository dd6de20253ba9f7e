"""Every derived program of every cell, against its definition in exact arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from equations import cells
from equations.program import Program
from verify.proof.prove import prove
from verify.proof.record import Derived

SMALLEST = min(cells, key=lambda name: len(cells[name].program.arguments))


@pytest.mark.parametrize("name", list(cells))
def test_all_proofs_hold(name: str) -> None:
    """What is derived from a cell is the derivative of what was written."""
    proofs = list(prove(cells[name]))
    assert [proof for proof in proofs if not proof.holds] == []
    assert {proof.kind for proof in proofs} == {"proved", "cross-checked"}
    for proof in proofs:
        if proof.kind == "cross-checked":
            assert proof.error_probability is not None
            assert 0 < proof.error_probability < 1e-12
        else:
            assert proof.error_probability is None


def test_quick_proofs_repeat() -> None:
    """The same seed gives the same records, each under a name of its own."""
    first, second = (list(prove(cells[SMALLEST], quick=True, seed=3)) for _ in range(2))
    assert first == second
    assert len({proof.name for proof in first}) == len(first)


@pytest.mark.parametrize("field", ["forward", "backward", "tangent", "second"])
def test_a_replaced_program_is_refuted(field: str) -> None:
    """A wrong derived program is named, with a component and by how much it is off."""
    name = SMALLEST
    derived = Derived.of(cells[name])
    program: Program = getattr(derived, field)
    last = program.equations[-1]
    wrong = (*program.equations[:-1], replace(last, value=2 * last.value))
    changes: dict[str, Any] = {field: replace(program, equations=wrong)}
    mutant = replace(derived, **changes)
    refuted = [proof for proof in prove(cells[name], derived=mutant) if not proof.holds]
    assert {proof.kind for proof in refuted} == {"proved", "cross-checked"}
    own = [proof for proof in refuted if proof.name.startswith(field)]
    assert own
    for proof in own:
        assert str(last.symbol) in proof.detail
        assert proof.error_probability is None
