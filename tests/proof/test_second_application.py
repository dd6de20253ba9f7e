"""A derivation applied to its own result: names stay unique, and the result is right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from equations import cells
from equations.derive.normal import normal_form
from equations.derive.reverse import reverse
from equations.derive.tangent import tangent
from equations.program import Program
from verify.interpret import Values, evaluate
from verify.proof.field import differences, refutations
from verify.proof.meaning import given, sizes_of
from verify.proof.point import Point


def twice(name: str) -> dict[str, tuple[Program, Program]]:
    """The cell with a first derivative as one program, and a derivative of that."""
    forward = cells[name].forward()
    found = {}
    for first in (cells[name].backward(), cells[name].tangent()):
        joined = normal_form(forward.then(first, f"{name} and {first.name}"))
        whole = replace(joined, results=first.results)
        found[f"reverse of {first.name}"] = (whole, reverse(whole))
        found[f"tangent of {first.name}"] = (whole, tangent(whole))
    return found


@pytest.mark.parametrize("name", list(cells))
def test_names_stay_unique(name: str) -> None:
    """A program and its derivative can stand in one program: no name is given twice."""
    for description, (whole, derived) in twice(name).items():
        joined = whole.then(derived, description)
        names = [symbol.name for symbol in joined.symbols]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", list(cells))
def test_second_application_is_the_derivative_of_the_first(name: str) -> None:
    """All four second derivatives agree with dual numbers through the first."""
    for description, (whole, derived) in twice(name).items():
        point = Point(whole, sizes_of(whole), seed=7, batch=None)
        assert (description, list(refutations(point, whole, derived))) == (description, [])


@pytest.mark.parametrize("name", [name for name in cells if not cells[name].program.facts])
def test_reverse_of_reverse_is_the_hessian_of_the_definition(name: str) -> None:
    """Contracted with a direction it gives the Hessian times that direction, and J times it.

    Where facts are declared this holds along them only, so cells with facts are left to the test
    above.
    """
    cell = cells[name]
    whole, derived = twice(name)[f"reverse of {cell.backward().name}"]
    point = Point(cell.program, sizes_of(cell.program), seed=8, batch=None)
    known: Values = dict(point.values)
    for result, (seed,) in given(whole, known).cotangents.items():
        known[seed.name] = point.cotangents[result]
    known = evaluate(whole, known, point.sizes, point.field)
    for cotangent, (seed,) in given(derived, known).cotangents.items():
        known[seed.name] = point.along_facts[cotangent.removeprefix("d")]
    found = evaluate(derived, known, point.sizes, point.field)
    hessian = point.curvatures_of(cell.program.arguments)
    jacobian = point.tangents(point.values)
    for symbol in cell.program.arguments:
        assert list(differences(symbol, found[f"d2{symbol}"], hessian[symbol.name])) == []
    for result, (seed,) in given(whole, point.values).cotangents.items():
        symbol = cell[result]
        assert list(differences(symbol, found[f"d2{seed}"], jacobian[result])) == []
