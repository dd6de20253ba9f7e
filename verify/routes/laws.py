"""Laws of structure: of a batch and its samples, a sequence and its steps, and of linearity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from equations.language import Size
from verify.evidence.case import Array, Arrays, Case, redrawn
from verify.evidence.derived import FUNCTIONS, Function
from verify.evidence.rounding import rounding
from verify.evidence.subject import Subject
from verify.evidence.verdict import Comparison
from verify.routes.definition import fields

FIRST, SECOND = 0.75, -1.5
"""The factors of the linear combination; both are exact in binary."""


@dataclass(frozen=True, eq=False)
class Laws:
    """The route; see `Route` for the fields."""

    name: str = "laws"
    shows: str = (
        "A batch equals its samples one by one, a sequence equals its steps chained, also where it "
        "is too long to be computed at once or is computed again from checkpoints, and "
        "derivatives are linear in their cotangents or tangents, within the rounding of the sums."
    )
    does_not_show: str = "That any derivative is right: a wrong one can obey all of them."
    functions: tuple[Function, ...] = FUNCTIONS
    kinds: tuple[str, ...] = ("ordinary", "saturated", "opposite", "small", "large", "wide", "long")
    elementwise: bool = False
    claims: tuple[str, ...] = ("batch", "sequence", "checkpoints", "linear")
    undecided: str = "rounding allows more than a small part of the value, which cancels"

    def asked(self, *, quick: bool) -> tuple[Function, ...]:  # noqa: ARG002 - fast in any case
        """All functions."""
        return self.functions

    def compare(
        self, subject: Subject, case: Case, functions: Iterable[Function]
    ) -> Iterator[Comparison]:
        """All laws of these functions; for a long case those of sequences."""
        for function in functions:
            if case.kind != "long":
                yield from _batch(subject, case, function)
                yield from _linear(subject, case, function)
            if function in _CHAINED and not _counts_steps(case):
                yield from _chain(subject, case, function)
                yield from _checkpoints(subject, case, function)


@lru_cache(maxsize=64)
def _samples(case: Case) -> tuple[Case, ...]:
    return tuple(case.sample(b) for b in range(case.sizes["B"]))


def _batch(subject: Subject, case: Case, function: Function) -> Iterator[Comparison]:
    """Gradients of parameters add up over the samples; everything else is theirs, side by side."""
    whole, bound = subject.compute(function, case), rounding(case, function)
    alone = [subject.compute(function, sample) for sample in _samples(case)]
    errors = [rounding(sample, function) for sample in _samples(case)]
    parameters = {s.name for s in case.cell.parameters}
    of_gradient = function.endswith(("vjp", "hvp"))
    timed = {s.name for s in case.cell.inputs} if of_gradient else set(whole)
    for name, got in whole.items():
        if of_gradient and name in parameters:
            value, error = np.sum([v[name] for v in alone], 0), np.sum([e[name] for e in errors], 0)
        else:
            axis = int(function.startswith("unroll") and name in timed)
            value = np.concatenate([v[name] for v in alone], axis)
            error = np.concatenate([e[name] for e in errors], axis)
        yield Comparison(f"batch law, {function}.{name}", got, value, error, bound[name])


@lru_cache(maxsize=128)
def _combined(case: Case, what: str) -> tuple[Case, Case]:
    """A case with other cotangents (or tangents), and one with a combination of both."""
    other = redrawn(case, case.seed + 7)
    if what == "cotangents":
        both = _combination(case.cotangents, other.cotangents)
        return replace(case, cotangents=other.cotangents), replace(case, cotangents=both)
    both = _combination(case.tangents, other.tangents)
    return replace(case, tangents=other.tangents), replace(case, tangents=both)


def _combination(first: Arrays, second: Arrays) -> dict[str, Array]:
    return {name: FIRST * first[name] + SECOND * second[name] for name in first}


_LINEAR_IN: Mapping[str, tuple[str, ...]] = {
    "vjp": ("cotangents",),
    "jvp": ("tangents",),
    "hvp": ("cotangents", "tangents"),
}


def _linear(subject: Subject, case: Case, function: Function) -> Iterator[Comparison]:
    for what in _LINEAR_IN.get(function.partition("_")[2], ()):
        other, both = _combined(case, what)
        got, bound = subject.compute(function, both), rounding(both, function)
        first, first_error = subject.compute(function, case), rounding(case, function)
        second, second_error = subject.compute(function, other), rounding(other, function)
        for name, value in got.items():
            expected = FIRST * first[name] + SECOND * second[name]
            error = abs(FIRST) * first_error[name] + abs(SECOND) * second_error[name]
            quantity = f"linear in {what}, {function}.{name}"
            yield Comparison(quantity, value, expected, error, bound[name])


_CHAINED: tuple[Function, ...] = ("unroll", "unroll_vjp", "unroll_jvp")


def _counts_steps(case: Case) -> bool:
    """Whether the number of steps is in the equations: then a step is not that of a sequence."""
    return any(equation.value.has(Size("T")) for equation in case.cell.program)


def _chain(subject: Subject, case: Case, function: Function) -> Iterator[Comparison]:
    chained = {
        "unroll": chained_forward,
        "unroll_vjp": chained_vjp,
        "unroll_jvp": chained_jvp,
    }[function](subject, case)
    got, bound = subject.compute(function, case), rounding(case, function)
    for name, value in chained.items():
        quantity = f"sequence law, {function}.{name}"
        # Each step rounds what it is handed no more than the sequence rounds the same values.
        yield Comparison(quantity, got[name], value, bound[name], bound[name])


@lru_cache(maxsize=64)
def _in_segments(case: Case) -> Case:
    """The case with a sequence that keeps some states alone: three segments or four."""
    return replace(case, checkpoint_every=max(1, case.sizes["T"] // 3))


def _checkpoints(subject: Subject, case: Case, function: Function) -> Iterator[Comparison]:
    """A sequence from checkpoints is the one that keeps everything."""
    whole, bound = subject.compute(function, case), rounding(case, function)
    for name, got in subject.compute(function, _in_segments(case)).items():
        quantity = f"checkpoint law, {function}.{name}"
        yield Comparison(quantity, got, whole[name], bound[name], bound[name])


def chained_forward(subject: Subject, case: Case) -> dict[str, Array]:
    """The sequence from single steps."""
    found: list[Mapping[str, Array]] = []
    for t in range(case.sizes["T"]):
        found.append(subject.compute("step", _step(case, t, found[-1] if found else None)))
    return {name: np.stack([values[name] for values in found]) for name in found[0]}


def _step(
    case: Case,
    t: int,
    before: Mapping[str, Array] | None,
    carried: Mapping[str, Array] | None = None,
    moved: Mapping[str, Array] | None = None,
) -> Case:
    """One step of the case, from the results of the step before."""
    names = [s.name for s in case.cell.states]
    cotangents = {name: value[t] for name, value in case.cotangents.items()}
    for old, new in case.cell.carried:
        if carried is not None:
            cotangents[new.name] = cotangents[new.name] + carried[old.name]
    states = {} if before is None else {name: before[name] for name in names}
    ways = {} if moved is None else {name: moved[name] for name in names}
    return case.at(t, states, cotangents, ways)


def chained_vjp(subject: Subject, case: Case) -> dict[str, Array]:
    """Backpropagation from single steps: cotangents of states are handed on, gradients added."""
    states = subject.compute("unroll", case)
    length = case.sizes["T"]
    carried: Mapping[str, Array] | None = None
    inputs: list[Mapping[str, Array]] = []
    total: dict[str, Array] = {}
    for t in reversed(range(length)):
        before = {name: value[t - 1] for name, value in states.items()} if t else None
        found = subject.compute("step_vjp", _step(case, t, before, carried))
        for symbol in case.cell.parameters:
            total[symbol.name] = total.get(symbol.name, 0) + found[symbol.name]
        inputs.append(found)
        carried = found
    for symbol in case.cell.inputs:
        total[symbol.name] = np.stack([found[symbol.name] for found in reversed(inputs)])
    return {**total, **{s.name: inputs[-1][s.name] for s in case.cell.states}}


def chained_jvp(subject: Subject, case: Case) -> dict[str, Array]:
    """Forward mode from single steps."""
    states = subject.compute("unroll", case)
    moved: Mapping[str, Array] | None = None
    found = []
    for t in range(case.sizes["T"]):
        before = {name: value[t - 1] for name, value in states.items()} if t else None
        moved = subject.compute("step_jvp", _step(case, t, before, None, moved))
        found.append(moved)
    return {name: np.stack([values[name] for values in found]) for name, _ in fields(case.cell)}


ROUTE = Laws()
