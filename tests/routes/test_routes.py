"""Every route on every cell: the derived equations pass, planted errors do not."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from equations import cells
from equations.registry import load
from verify.evidence.case import Case, Kind, make_case
from verify.evidence.derived import Function, programs_of
from verify.evidence.record import Planted, Stated
from verify.evidence.run import Coverage, check, plant, planted, run_routes
from verify.evidence.subject import Subject, generated, interpreted
from verify.evidence.verdict import judge
from verify.mutants import Mutant, mutants
from verify.routes import routes
from verify.routes.route import ElementRoute, Route
from verify.target import built

ROUTES = {route.name: route for route in routes()}
FAST = {name: route for name, route in ROUTES.items() if route.asked(quick=True)}
KINDS: tuple[Kind, ...] = ("ordinary", "saturated")


@pytest.fixture(scope="module", params=list(cells))
def case_of(request: pytest.FixtureRequest) -> dict[str, Case]:
    """The cases of one cell, kept for all routes."""
    return {kind: make_case(cells[request.param], kind) for kind in KINDS}


def subject_of(case: Case) -> Subject:
    """The generated module of a case's cell."""
    name = case.cell.name
    return generated(importlib.import_module(f"equations.generated.{name}"), case.cell)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FAST)
def test_generated_code_passes(case_of: dict[str, Case], name: str, kind: Kind) -> None:
    """No element that the route decides disagrees."""
    records = list(check(FAST[name], subject_of(case_of[kind]), case_of[kind]))
    assert records
    assert [record.note for record in records if not record.passed] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FAST)
def test_planted_errors_are_caught(case_of: dict[str, Case], name: str, kind: Kind) -> None:
    """Five and more are caught; none that should be seen is missed."""
    records = list(plant(FAST[name], case_of[kind], 0))
    assert [record for record in records if not record.passed] == []
    caught = [r for r in records if isinstance(r, Planted) and r.outcome == "caught"]
    assert len(caught) >= 5


def test_elements_are_decided_at_saturation(case_of: dict[str, Case]) -> None:
    """Autograd and the complex step decide nearly every first derivative where gates saturate."""
    coverage = Coverage()
    for name in ("autograd", "complex step"):
        list(check(ROUTES[name], subject_of(case_of["saturated"]), case_of["saturated"], coverage))
    counts = [n for (_, quantity), n in coverage.counts.items() if "hvp" not in quantity]
    decided = sum(int((n >= 2).sum()) for n in counts)
    assert decided >= 0.99 * sum(n.size for n in counts)


@pytest.mark.parametrize("name", [name for name in cells if cells[name].gates])
def test_differences_are_undecided_at_saturated_gates(name: str) -> None:
    """Where a gate saturates a float64 difference is noise, and says so."""
    route, case = ROUTES["central differences"], make_case(cells[name], "saturated")
    records = list(check(route, subject_of(case), case, functions=("step_vjp",)))
    assert sum(record.undecided for record in records) > 0
    assert any(route.undecided in record.note for record in records)
    ordinary = list(check(route, subject_of(case), make_case(cells[name]), functions=("step_vjp",)))
    assert sum(record.undecided for record in ordinary) == 0


def first_mutant(case: Case, words: str) -> Mutant:
    """The first planted error whose name contains these words."""
    return next(mutant for mutant in mutants(case.cell) if words in mutant.name)


def test_a_factor_wrong_by_5e4_is_seen_element_by_element(case_of: dict[str, Case]) -> None:
    """Every elementwise route sees the smallest planted error at ordinary inputs."""
    case = case_of["ordinary"]
    mutant = first_mutant(case, "1.0005")
    for route in ROUTES.values():
        if route.elementwise and "step_vjp" in route.functions and route.name in FAST:
            assert planted(route, case, mutant).outcome == "caught"


def test_an_equivalent_mutant_is_shown_to_be_equivalent(case_of: dict[str, Case]) -> None:
    """An error that changes nothing at this input is proved to, in many digits, not skipped."""
    case = case_of["ordinary"]
    same = Mutant("nothing", "equation", ("step_vjp",), lambda make: make(programs_of(case.cell)))
    assert planted(ROUTES["autograd"], case, same).outcome == "equivalent"


def test_a_route_that_misses_what_it_should_see_fails(case_of: dict[str, Case]) -> None:
    """If the exact values of an error are beyond the bounds and the route is silent, it fails."""
    case = case_of["ordinary"]
    right, wrong = programs_of(case.cell), first_mutant(case, "flipped")

    def hidden(make: object) -> Subject:
        return interpreted(right) if make is interpreted else wrong.subject(make)  # type: ignore[arg-type]

    record = planted(ROUTES["autograd"], case, Mutant("hidden", "equation", ("step_vjp",), hidden))
    assert record.outcome == "missed"
    assert not record.passed


def test_a_subject_that_raises_fails(case_of: dict[str, Case]) -> None:
    """An exception is a failed comparison with its message, not a crash."""

    def broken(*_arguments: object) -> dict[str, np.ndarray]:
        raise ValueError("no such shape")

    records = list(check(ROUTES["autograd"], Subject("broken", broken), case_of["ordinary"]))
    assert records
    assert all(not record.passed and "no such shape" in record.note for record in records)


@pytest.mark.parametrize("name", ["high-precision differences", "dual numbers"])
def test_slow_routes_agree(case_of: dict[str, Case], name: str) -> None:
    """The routes in many digits decide every element of the step, also at saturated gates."""
    route, case = ROUTES[name], case_of["saturated"]
    functions: tuple[Function, ...] = ("step_vjp", "step_jvp", "step_jacobian", "unroll_jvp")
    records = list(check(route, subject_of(case), case, functions=functions))
    assert all(record.passed and not record.undecided for record in records)


def test_routes_in_many_digits_see_planted_errors(case_of: dict[str, Case]) -> None:
    """The slow routes have their planted errors too."""
    case = case_of["saturated"]
    for name in ("high-precision differences", "dual numbers"):
        route: Route = ROUTES[name]
        found = [
            planted(route, case, mutant).outcome
            for mutant in mutants(case.cell)
            if set(mutant.functions) <= {"step_vjp", "unroll_vjp", "step_jvp", "unroll_jvp"}
        ]
        assert found.count("caught") >= 5
        assert "missed" not in found


def test_the_whole_run_passes_and_turns_into_json() -> None:
    """The quick run of the smallest cell: every record passes and is plain data."""
    cell = min((cells[name] for name in cells), key=lambda cell: len(cell.program.symbols))
    records = list(run_routes(cell, quick=True, seed=1))
    assert [record for record in records if not record.passed] == []
    assert any(isinstance(r, Stated) and "two routes" in r.statement for r in records)
    for record in records:
        plain = record.to_json()
        assert plain["cell"] == cell.name
        assert {type(value) for value in plain.values()} <= {str, int, float, bool}


def test_wrong_generated_code_is_found_with_its_place() -> None:
    """A subject with one wrong element fails, and the record says where."""
    cell = cells[next(iter(cells))]
    case = make_case(cell)
    right = interpreted(programs_of(cell))
    name = cell.parameters[0].name

    def compute(function: str, at: Case) -> dict[str, np.ndarray]:
        found = {field: np.array(v) for field, v in right.compute(function, at).items()}  # type: ignore[arg-type]
        if function == "step_vjp":
            found[name].flat[1] *= 1.001
        return found

    wrong = Subject("one element wrong", compute)
    records = [r for r in check(ROUTES["autograd"], wrong, case) if not r.passed]
    assert [record.quantity for record in records] == [f"step_vjp.{name}"]
    assert records[0].disagreed == 1
    assert "[0, 1]: expected" in records[0].note
    assert not judge(next(iter(ROUTES["autograd"].compare(right, case, ("step_vjp",))))).disagrees


def test_a_reserve_finds_what_is_missing_and_leaves_the_rest(case_of: dict[str, Case]) -> None:
    """Asked about one element it decides that one, with the value that it finds among all."""
    case, route = case_of["ordinary"], ROUTES["dual numbers"]
    assert isinstance(route, ElementRoute)
    name = case.cell.parameters[0].name
    mask = np.zeros(case.point[name].shape, bool)
    mask.flat[-1] = True
    asked = route.among({"step_vjp": {name: mask}}).reference(case, "step_vjp")
    whole = route.reference(case, "step_vjp")
    assert asked[name].value[mask] == whole[name].value[mask]
    assert np.array_equal(np.isfinite(asked[name].bound), mask)


def test_derivatives_that_are_zero_warn_of_nothing(tmp_path: Path) -> None:
    """The second derivatives of a sum are; warnings are errors here."""
    path = tmp_path / "plain.py"
    path.write_text(
        """
from equations.definition import Definition, Input, State


class plain(Definition):
    x = Input("n_h")
    h = State("n_h")
    h_next = h + x
""",
        encoding="utf-8",
    )
    cell = load(path)
    subject = generated(built(cell, "plain.py"), cell)
    records = list(check(ROUTES["autograd"], subject, make_case(cell)))
    assert records
    assert all(record.passed for record in records)
