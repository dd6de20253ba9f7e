"""Wrong derived programs are refuted, by the expansion and by the field alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from equations import cells
from equations.cell import Cell
from verify.mutants import changes
from verify.proof import sequence
from verify.proof.expansion import Expansion
from verify.proof.field import refutations
from verify.proof.meaning import sizes_of
from verify.proof.point import Point
from verify.proof.record import Derived
from verify.proof.unroll import unroll

STEP = ("forward", "backward", "tangent", "jacobian", "linear_map", "second")
DRAWN = 25
"""How many changes are tried of each derived program, spread over its equations."""
DIAGONAL = re.compile(".*∂.* transposed in ")
"""Jacobians of inner values, some of which are diagonal: transposed they are the same."""
RECURRENT = [name for name in cells if cells[name].states]


def small(cell: Cell) -> dict[str, int]:
    """The smallest distinct sizes."""
    return sizes_of(cell.program)


def points(cell: Cell) -> Iterator[Point]:
    """One, which is enough; of a cell with kinks several, since each takes other branches."""
    first = Point(cell.program, small(cell), seed=5)
    yield first
    if first.has_kinks:
        yield from (Point(cell.program, small(cell), seed=seed) for seed in range(6, 16))


@pytest.mark.parametrize("name", list(cells))
def test_every_mutant_of_the_step_is_refuted_by_both(name: str) -> None:
    """A sign, a missing term, a transposed matrix or a neighbour anywhere is seen."""
    cell = cells[name]
    derived = Derived.of(cell)
    drawn = list(points(cell))
    expansion = Expansion(cell.program, derived.forward, small(cell))
    survivors = []
    count = 0
    for field in STEP:
        program = getattr(derived, field)
        if not program.results:
            continue
        # Second order repeats the forward equations; they are changed on their own.
        repeated = [e.symbol.name for e in derived.forward] if field == "second" else []
        handed = () if field in ("forward", "second") else derived.forward.symbols
        found = list(changes(program, cell, handed, repeated))
        for change in found[:: 1 + len(found) // DRAWN]:
            if field == "jacobian" and DIAGONAL.match(change.what):
                continue
            mutant = change.apply(program)
            count += 1
            in_field = any(any(refutations(p, derived.forward, mutant)) for p in drawn)
            # Second order of a cell with many parameters takes seconds to expand.
            skipped = field == "second" and len(cell.parameters) > 4
            expanded = skipped or any(expansion.refutations(mutant))
            if not (in_field and expanded):
                survivors.append((field, change.what, in_field, expanded))
    assert count >= 20
    assert survivors == []


@pytest.mark.parametrize("name", RECURRENT)
def test_sequences_joined_wrongly_are_refuted(name: str) -> None:
    """A carry or a sum that is missing is seen in the wiring and by dual numbers."""
    cell = cells[name]
    good = Derived.of(cell)
    definition = unroll(cell.program, cell.carried, 3)
    point = Point(definition, small(cell), seed=5)
    assert not any(sequence.wiring_of_bptt(cell, good))
    assert not any(sequence.refuted_bptt(point, cell, good, 3))
    wrong = [
        replace(good, bptt=replace(good.bptt, carried=good.bptt.carried[1:])),
        replace(good, bptt=replace(good.bptt, summed=good.bptt.summed[1:])),
        replace(good, bptt=replace(good.bptt, backwards=False)),
    ]
    for derived in wrong:
        assert any(sequence.wiring_of_bptt(cell, derived))
        assert any(sequence.refuted_bptt(point, cell, derived, 3))
        assert any(sequence.refuted_unrolled(point, cell, derived, 3))
    tangents = replace(good.tangent_sequence, backwards=True)
    assert any(sequence.wiring_of_tangents(cell, replace(good, tangent_sequence=tangents)))
    assert any(sequence.refuted_tangents(point, cell, replace(good, tangent_sequence=tangents), 3))


@pytest.mark.parametrize("name", RECURRENT)
def test_the_message_names_the_component(name: str) -> None:
    """Both say which component is wrong, as in dU_r[0,2], and by how much.

    Where a gate is held at an end a component is zero, and not wrong, at some points.
    """
    cell = cells[name]
    derived = Derived.of(cell)
    matrix = next(e for e in reversed(derived.backward.equations) if len(e.symbol.axes) == 2)
    equations = tuple(
        replace(e, value=3 * e.value) if e == matrix else e for e in derived.backward.equations
    )
    mutant = replace(derived.backward, equations=equations)
    expansion = Expansion(cell.program, derived.forward, small(cell))
    expanded = next(expansion.refutations(mutant))
    assert expanded.startswith(f"{matrix.symbol}[0,0]: derived minus true is ")
    drawn = next(r for p in points(cell) for r in refutations(p, derived.forward, mutant))
    assert re.match(rf"{matrix.symbol}\[\d,\d\]: derived is ", drawn)
