"""Derivation: textbook results come out, names stay unique, and the output is always the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from equations import cells
from equations.derive.normal import normal_form
from equations.derive.reverse import reverse
from equations.derive.tangent import tangent


def test_the_gradient_of_the_softmax_cost_is_the_textbooks() -> None:
    head = cells["softmax_cross_entropy"]
    text = str(head.gradient())
    assert "δz_t = (ŷ_t - y_t)/T" in text
    assert "using Σ y_t = 1" in text


@pytest.mark.parametrize("name", list(cells))
def test_a_program_in_normal_form_is_unchanged(name: str) -> None:
    forward = cells[name].forward()
    assert normal_form(forward) == forward


@pytest.mark.parametrize("name", list(cells))
def test_derivations_can_be_repeated_without_a_name_meaning_two_things(name: str) -> None:
    forward = cells[name].forward()
    twice = normal_form(forward.then(reverse(forward), "backward"))
    again = twice.then(reverse(twice), "twice")
    assert len({symbol.name for symbol in again.symbols}) == len(again.symbols)
    moved = forward.then(tangent(forward), "tangent")
    moved = normal_form(moved)
    moved = moved.then(tangent(moved), "tangents")
    assert len({symbol.name for symbol in moved.symbols}) == len(moved.symbols)


def test_a_gradient_of_nothing_is_zero_and_said_so() -> None:
    forward = cells["softmax_cross_entropy"].forward()
    only = reverse(forward, results=[forward["y_hat"]])
    assert {str(eq.symbol): eq.value for eq in only}["dy"] == 0


SHOW = """
from equations import cells
for name in cells:
    cell = cells[name]
    print(cell.forward(), cell.backward(), cell.tangent(), cell.jacobian(), cell.second())
    print(cell.bptt())
"""


def test_output_is_the_same_under_every_hash_seed() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", SHOW],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(3)
    }
    assert len(texts) == 1


def test_derived_equations_show_themselves_at_a_prompt() -> None:
    """The representation is the equations, of a step and of a sequence."""
    cell = cells[next(iter(cells))]
    for derived in (cell.backward(), cell.bptt()):
        assert repr(derived) == str(derived)
