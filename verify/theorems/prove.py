"""Theorems proved by a solver over the reals, at every size, or left open.

The claim is taken at one generic component and denied; the solver finds that nothing satisfies the
denial together with the assumptions and the facts. A proof found with fewer facts holds with more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import z3

from equations.cell import Cell
from equations.language import Size, TensorSymbol
from equations.theorem import Theorem
from verify.arithmetic.symbols import Opaque
from verify.boundaries.claim import computed, free_symbols, sides_program
from verify.boundaries.points import small_sizes
from verify.interpret import evaluate
from verify.theorems.components import Components, place, tensor
from verify.theorems.facts import FACTS, Facts, of_exponentials
from verify.theorems.formulas import TOLD, Formulas, Related

RESOURCES = 30_000_000
"""z3's own count of work, at which it gives up: the same on every machine, unlike a time."""

Outcome = Literal["proved", "open", "undecided"]


@dataclass(frozen=True)
class Answer:
    """What the solver makes of a theorem.

    Attributes:
        outcome: proved; open, if the facts told do not exclude a counterexample; or undecided, if
            it gave up.
        detail: what the proof rests on, or why there is none.
    """

    outcome: Outcome
    detail: str


def prove(cell: Cell, theorem: Theorem, *, resources: int = RESOURCES) -> Answer:
    """Ask the solver for each relation of the claim.

    Args:
        cell: the cell.
        theorem: one of its theorems, or another about its symbols.
        resources: z3's own count of work after which it gives up on a relation.
    """
    step = theorem.step(dict(cell.carried))
    lemmas = [lemma for lemma in cell.theorems if lemma.name in step.by]
    claim, everywhere = _related(cell, step, lemmas)
    level = 0
    for link in claim:
        while (answer := _ask(link, everywhere, level, resources)) != z3.unsat:
            if level == len(TOLD) - 1:
                break
            level += 1
        if answer == z3.unknown:
            return Answer("undecided", f"z3 gave up after {resources:,} units of work")
        if answer == z3.sat:
            return Answer("open", "the facts told to z3 do not exclude a counterexample")
    rests = [f"from {', '.join(TOLD[: level + 1])}"]
    rests += [f"by: {name}" for name in step.by]
    rests += ["by induction over the steps"] if theorem.invariant else []
    return Answer("proved", "; ".join(rests))


def _ask(
    link: Related, everywhere: Sequence[Related], level: int, resources: int
) -> z3.CheckSatResult:
    """Whether anything satisfies the denied relation together with what is told."""
    formulas = Formulas()
    denied = z3.Not(formulas.related(link, tuple(map(place, range(len(link.axes))))))
    solver = z3.Solver(ctx=formulas.context)
    solver.set(rlimit=resources, random_seed=0)
    solver.add(denied, *formulas.told(level, link.axes, everywhere))
    return solver.check()


def _related(
    cell: Cell, theorem: Theorem, lemmas: Sequence[Theorem]
) -> tuple[list[Related], list[Related]]:
    """The relations of the claim, and those that hold everywhere: assumptions and lemmas.

    A derived symbol that a lemma speaks of is a tensor of its own: all that is known of it is what
    the lemma says.
    """
    claims = [*theorem.links, *theorem.assumed, *(link for lemma in lemmas for link in lemma.links)]
    symbols = frozenset().union(theorem.symbols, *(lemma.symbols for lemma in lemmas))
    opaque = {s for lemma in lemmas for s in lemma.symbols if _is_taken(s)}
    free = {s.name: tensor(s) for s in (*free_symbols(cell, symbols, along=cell.states), *opaque)}
    arithmetic = Components()
    sizes = {axis: Size(axis) for axis in small_sizes(cell)}
    derived = sorted((s for s in symbols if s.origin is not None), key=str)
    known = computed(cell, derived, free, sizes, arithmetic, along=cell.states)
    pairs = tuple((left, right) for left, _, right in claims)
    program = sides_program(theorem.name, symbols, pairs)
    sides = evaluate(program, known, sizes, arithmetic)
    found = []
    for k, (_, relation, _) in enumerate(claims):
        left, right = program.results[2 * k : 2 * k + 2]
        found.append(Related(sides[left.name], relation, sides[right.name], left.axes))
    return found[: len(theorem.links)], found[len(theorem.links) :]


def _is_taken(symbol: TensorSymbol) -> bool:
    """Whether a lemma says something of a symbol that would otherwise be computed."""
    return symbol.origin is not None and symbol.origin[0] in ("tangent", "jacobian", "cotangent")


def lemmas(known: Mapping[type[Opaque], Facts] = FACTS) -> Iterator[tuple[str, list[str]]]:
    """For each function what is told of it, as its name and the facts that could not be proved."""
    context = z3.Context()
    a, b, e, d, f, g = z3.Reals("a b e d f g", ctx=context)
    for function, facts in known.items():
        told = [*of_exponentials(a, e, b, d), facts.defined(e, f), facts.defined(d, g)]
        claims = {
            **{name: fact(f) for name, fact in facts.bounds.items()},
            **{name: fact(a, f) for name, fact in facts.signs.items()},
            **{name: fact(a, f, b, g) for name, fact in facts.both.items()},
        }
        wrong = []
        for name, claim in claims.items():
            solver = z3.Solver(ctx=context)
            solver.set(rlimit=RESOURCES, random_seed=0)
            solver.add(z3.Not(claim), *told)
            if solver.check() != z3.unsat:
                wrong.append(name)
        yield function.atom, wrong
