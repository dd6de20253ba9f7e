"""Every statement of every cell is established, and every planted one refuted, in every way."""

from __future__ import annotations

import importlib
from functools import cache

import pytest

from equations import cells
from equations.boundary import Boundary, Saturation, hvp
from equations.language import ramp, sigmoid
from verify.boundaries.check import check_boundaries
from verify.boundaries.record import BoundaryResult
from verify.boundaries.text import statement_text

every_cell = pytest.mark.parametrize("name", list(cells))


@cache
def results(name: str) -> tuple[BoundaryResult, ...]:
    """All results of a cell."""
    module = importlib.import_module(f"equations.generated.{name}")
    return tuple(check_boundaries(cells[name], module))


@every_cell
def test_statements_hold_and_planted_ones_are_refuted(name: str) -> None:
    """No statement is undecided, none is taken for its opposite."""
    assert [str(result) for result in results(name) if not result.as_expected] == []


@every_cell
def test_every_statement_is_examined_in_every_way_that_can_decide_it(name: str) -> None:
    """Three ways for a claim; proof and approach for a rate, which exact ends cannot tell apart."""
    for statement in cells[name].boundaries:
        ways = [result.way for result in results(name) if result.statement is statement]
        exact = [] if isinstance(statement, Saturation) else ["hit exactly"]
        assert ways == ["over the reals", *exact, "approached"]


@every_cell
def test_a_refutation_shows_a_counterexample(name: str) -> None:
    """Numbers, not only a verdict."""
    for result in results(name):
        assert ("counterexample: " in result.detail) == (result.verdict == "refuted")


@every_cell
def test_a_cell_with_gates_has_statements_about_both_ends_and_a_planted_one(name: str) -> None:
    """Each gate at one of its ends at least, its saturation, and one statement to be refuted.

    A hard gate reaches its ends, so it has statements at both and does not saturate.
    """
    cell = cells[name]
    if not cell.gates:
        return
    claims = [s for s in cell.boundaries if isinstance(s, Boundary)]
    assert any(not claim.holds for claim in claims)
    for gate in cell.gates:
        symbol = cell[gate]
        value = cell.forward().value_of(symbol)
        assert isinstance(value, sigmoid | ramp)
        ends = {end for claim in claims for s, end in claim.at.items() if s == symbol}
        if isinstance(value, sigmoid):
            assert ends
            assert any(isinstance(s, Saturation) and s.gate == symbol for s in cell.boundaries)
        else:
            assert ends == {0, 1}


@every_cell
def test_a_recurrent_cell_has_statements_of_second_order_and_a_planted_one(name: str) -> None:
    """What is left of the curvature at an end, and something that is not."""
    second = [s.holds for s in of_second_order(name)]
    assert set(second) == ({True, False} if cells[name].states else set())


def of_second_order(name: str) -> list[Boundary | Saturation]:
    """The statements about what Hessian-vector products are."""
    products = frozenset(map(hvp, cells[name].program.arguments))
    return [s for s in cells[name].boundaries if s.symbols & products]


@every_cell
@pytest.mark.parametrize("form", ["unicode", "ascii", "latex", "markdown"])
def test_statements_print_in_every_format(name: str, form: str) -> None:
    """One line each, in the characters of the format, with what it is held at."""
    for statement in cells[name].boundaries:
        text = statement_text(cells[name], statement, form)  # type: ignore[arg-type]
        assert text
        assert "\n" not in text
        assert form != "ascii" or text.isascii()
        assert not (isinstance(statement, Boundary) and statement.at) or " at " in text


@every_cell
def test_quick_results_are_as_expected_too(name: str) -> None:
    """Fewer points decide the same, and all but proofs of second order is looked at."""
    module = importlib.import_module(f"equations.generated.{name}")
    found = list(check_boundaries(cells[name], module, quick=True))
    assert [str(result) for result in found if not result.as_expected] == []
    looked = [(result.name, result.way) for result in found]
    left_out = [r for r in results(name) if (r.name, r.way) not in looked]
    second = [(s.name, "over the reals") for s in of_second_order(name)]
    assert [(result.name, result.way) for result in left_out] == second
