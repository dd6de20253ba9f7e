"""All proofs about a cell, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from equations.cell import Cell
from equations.language import TensorSymbol
from equations.program import Program
from verify.arithmetic.symbols import lemmas
from verify.proof import field as random_check
from verify.proof import sequence
from verify.proof.expansion import Expansion
from verify.proof.meaning import demands, described, reversed_sizes, sizes_of
from verify.proof.point import Point, Source
from verify.proof.record import Derived, Proof
from verify.proof.unroll import unroll

CLAIMS = {
    "forward": "the normal form computes what the definition says",
    "backward": "reverse mode gives the cotangent of every argument",
    "tangent": "forward mode gives the tangent of every result",
    "jacobian": "the Jacobian is that of every new state by every old one",
    "linear_map": "the linear map takes a change of the old states to that of the new ones",
    "second": "second order gives the change of every cotangent along a direction",
}
"""The derived programs of a step, by the field of `Derived`, and what is claimed of each."""


KEPT = " that keeps to them"
RULE = "the rule holds wherever the function is defined"


def prove(
    cell: Cell, *, quick: bool = False, derived: Derived | None = None, seed: int = 0
) -> Iterator[Proof]:
    """Compare what was derived from a cell with its definition, in exact arithmetic.

    Args:
        cell: the cell; only its definition is trusted.
        quick: fewer sizes and steps, and second order cross-checked only.
        derived: what to check; the cell's own derivation unless told otherwise.
        seed: of the random points. The same seed gives the same proofs.

    Yields:
        One record for each statement, as soon as it is decided.
    """
    work = _Work(cell, derived or Derived.of(cell), seed)
    yield from _rules()
    sizes = sizes_of(cell.program)
    every = [sizes] if quick else [sizes, reversed_sizes(sizes)]
    smallest = min(every, key=lambda at: sum(_length(s, at) for s in cell.program.arguments))
    for at in every:
        yield from work.expanded(at, second=not quick and at is smallest)
    yield from work.inductions(sizes)
    for at in [*every[1:], sizes_of(cell.program, first=4)]:
        yield from work.at_random(at)
    for steps in [2] if quick else [1, 2, 3]:
        yield from work.sequences(sizes, steps)


@dataclass(frozen=True)
class _Work:
    """The proofs of one cell; expansions are kept, since the shift and the step share them."""

    cell: Cell
    derived: Derived
    seed: int
    _expansions: dict[str, Expansion] = field(default_factory=dict)

    def expansion(self, sizes: Mapping[str, int]) -> Expansion:
        """The definition written out at these sizes."""
        key = described(sizes)
        if key not in self._expansions:
            made = Expansion(self.cell.program, self.derived.forward, sizes)
            self._expansions[key] = made
        return self._expansions[key]

    @cached_property
    def programs(self) -> dict[str, Program]:
        """The derived programs of a step that have results."""
        found = {name: getattr(self.derived, name) for name in CLAIMS}
        return {name: program for name, program in found.items() if program.results}

    def claim(self, name: str) -> str:
        """What is claimed of a derived program, with the conditions the cell declares."""
        if not self.cell.program.facts:
            return CLAIMS[name]
        return f"where the declared facts hold, {CLAIMS[name]}{KEPT if name == 'second' else ''}"

    def expanded(self, sizes: Mapping[str, int], *, second: bool) -> Iterator[Proof]:
        """The step by expansion."""
        for name, program in self.programs.items():
            if name != "second" or second:
                found = self.expansion(sizes).refutations(program)
                compared = self.count(program, sizes)
                yield _proved(name, self.claim(name), sizes, found, compared)
        for shift in self.expansion(sizes).shifts:
            claim = f"no result depends on the shift {shift}, which may be any real number"
            found = self.expansion(sizes).dependences(shift)
            compared = sum(_length(s, sizes) for s in self.cell.program.results)
            yield _proved(f"shift {shift}", claim, sizes, found, compared)

    def inductions(self, sizes: Mapping[str, int]) -> Iterator[Proof]:
        """Sequences of any length, from one step and from how steps are joined."""
        for name, body, wiring, claim in (
            (
                "bptt",
                self.derived.bptt.body,
                sequence.wiring_of_bptt,
                "backpropagation through time is right for every T. " + sequence.BACKWARD_INDUCTION,
            ),
            (
                "tangent_sequence",
                self.derived.tangent_sequence.body,
                sequence.wiring_of_tangents,
                "forward mode over time is right for every T. " + sequence.FORWARD_INDUCTION,
            ),
        ):
            wrong = list(wiring(self.cell, self.derived))
            found = [*wrong, *self.expansion(sizes).refutations(body)]
            yield _proved(f"{name} by induction", claim, sizes, found, self.count(body, sizes))

    def at_random(self, sizes: Mapping[str, int]) -> Iterator[Proof]:
        """The step at a random point of the field, with a batch of two."""
        point = Point(self.cell.program, sizes, self.seed)
        forward = self.derived.forward
        for name, program in self.programs.items():
            order = {"forward": 0, "second": 2}.get(name, 1)

            def values(source: Source, program: Program = program) -> Iterable[Any]:
                return random_check.computed(source, forward, program).values()

            found = random_check.refutations(point, forward, program)
            compared = self.count(program, sizes)
            yield _checked(
                f"{name}, batch of 2", self.claim(name), point, found, compared, (order, values)
            )

    def sequences(self, sizes: Mapping[str, int], steps: int) -> Iterator[Proof]:
        """A few steps against the unrolled definition and the unrolled derivation."""
        cell, derived = self.cell, self.derived
        definition = unroll(cell.program, cell.carried, steps)
        point = Point(definition, sizes, self.seed)
        gradients = sum(_length(symbol, sizes) for symbol in definition.arguments)
        tangents = sum(_length(symbol, sizes) for symbol in definition.results)

        def backward(source: Source) -> Iterable[Any]:
            return random_check.bptt(source, cell, derived, steps).values()

        def forward(source: Source) -> Iterable[Any]:
            return random_check.tangent_sequence(source, cell, derived, steps).values()

        def unrolled(source: Source) -> Iterable[Any]:
            programs = sequence.unrolled_backward(cell, derived, steps)
            return [*backward(source), *random_check.computed(source, *programs).values()]

        yield _checked(
            f"bptt, T = {steps}, batch of 2",
            "backpropagation through time equals dual numbers through the unrolled definition",
            point,
            sequence.refuted_bptt(point, cell, derived, steps),
            gradients,
            (1, backward),
        )
        yield _checked(
            f"bptt against the unrolled derivation, T = {steps}, batch of 2",
            "backpropagation through time equals reverse mode of the unrolled program",
            point,
            sequence.refuted_unrolled(point, cell, derived, steps),
            gradients,
            (0, unrolled),
        )
        yield _checked(
            f"tangent_sequence, T = {steps}, batch of 2",
            "forward mode over time equals dual numbers through the unrolled definition",
            point,
            sequence.refuted_tangents(point, cell, derived, steps),
            tangents,
            (1, forward),
        )

    def count(self, program: Program, sizes: Mapping[str, int]) -> int:
        """How many components of a derived program are compared."""
        wanted = demands(program, self.cell.program)
        return sum(_length(demand.symbol, sizes) for demand in wanted)


def _rules() -> Iterator[Proof]:
    """The derivative rules that expansions use, from SymPy's own functions."""
    for rule, difference in lemmas():
        holds = difference == 0
        detail = f"SymPy's derivative minus the rule is {difference}"
        yield Proof(f"rule {rule}", RULE, "proved", holds, detail)


def _proved(
    name: str, claim: str, sizes: Mapping[str, int], found: Iterable[str], compared: int
) -> Proof:
    holds, detail = _verdict(found, compared)
    return Proof(f"{name} at {described(sizes)}", claim, "proved", holds, detail)


def _checked(
    name: str,
    claim: str,
    point: Point,
    found: Iterable[str],
    compared: int,
    degrees: tuple[int, Callable[[Source], Iterable[Any]]],
) -> Proof:
    """A cross-check, with the chance that it passes by accident where it passes."""
    holds, detail = _verdict(found, compared)
    if point.has_kinks:
        detail += "; at kinks, for the branches drawn"
    return Proof(
        f"{name} at {described(point.sizes)}",
        claim,
        "cross-checked",
        holds,
        detail,
        point.error_probability(*degrees) if holds else None,
    )


def _verdict(found: Iterable[str], compared: int) -> tuple[bool, str]:
    refuted = list(found)
    if not refuted:
        return True, f"{compared} components compared"
    return False, f"{refuted[0]} ({len(refuted)} of {compared} differ)"


def _length(symbol: TensorSymbol, sizes: Mapping[str, int]) -> int:
    """How many components a symbol has."""
    return int(np.prod([sizes[axis] for axis in symbol.axes], dtype=int))
