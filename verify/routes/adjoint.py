"""The dot-product laws: <v, J u> = <Jᵀ v, u>, and the symmetry of second derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from verify.arithmetic.running import UNIT
from verify.evidence.case import Array, Arrays, Case, first_step, redrawn
from verify.evidence.derived import Function
from verify.evidence.rounding import rounding
from verify.evidence.subject import Subject
from verify.evidence.verdict import EPS, Comparison
from verify.routes.definition import case_of, fields

PARTNERS: Mapping[Function, Function] = {"step_vjp": "step_jvp", "unroll_vjp": "unroll_jvp"}


def weights(case: Case, function: Function) -> dict[str, Array]:
    """The cotangents by field, with or without time."""
    of_steps = case_of(case, function)
    values = {name: of_steps.cotangents[s.name] for name, s in fields(case.cell)}
    return values if function.startswith("unroll") else {n: v[0] for n, v in values.items()}


def ways(case: Case, function: Function) -> dict[str, Array]:
    """The tangents by argument, inputs with or without time."""
    of_steps = case_of(case, function)
    inputs = {s.name for s in case.cell.inputs}
    drop = not function.startswith("unroll")
    return {n: v[0] if drop and n in inputs else v for n, v in of_steps.tangents.items()}


def dot(values: Arrays, factors: Arrays, errors: Arrays) -> tuple[Array, Array, Array]:
    """Σ values · factors, a bound on its error, and Σ|values · factors|."""
    total = np.array(0.0)
    bound = np.array(0.0)
    terms = np.array(0.0)
    count = 0
    for name, factor in factors.items():
        total = total + np.sum(values[name] * factor)
        bound = bound + np.sum(errors[name] * np.abs(factor))
        terms = terms + np.sum(np.abs(values[name] * factor))
        count += factor.size
    return np.asarray(total), np.asarray(bound + count * UNIT * terms), np.asarray(terms)


@lru_cache(maxsize=64)
def other_way(case: Case) -> Case:
    """The same case with other tangents."""
    return replace(case, tangents=redrawn(case, case.seed + 1).tangents)


@lru_cache(maxsize=64)
def states_only(case: Case) -> Case:
    """One step, with tangents of the states alone."""
    step = first_step(case)
    states = {s.name for s in case.cell.states}
    still = {n: v if n in states else np.zeros_like(v) for n, v in step.tangents.items()}
    return replace(step, tangents=still)


@dataclass(frozen=True, eq=False)
class Adjoint:
    """The route; see `Route` for the fields."""

    name: str = "dot products"
    shows: str = (
        "Reverse and forward mode are transposes of one another, the Hessian-vector product is "
        "symmetric, and the Jacobian times a tangent is the forward mode, each to the rounding of "
        "the sums."
    )
    does_not_show: str = (
        "A mistake that both modes share, and errors of single elements far below the sum."
    )
    functions: tuple[Function, ...] = (
        "step_vjp",
        "step_jvp",
        "step_hvp",
        "step_jacobian",
        "unroll_vjp",
        "unroll_jvp",
    )
    kinds: tuple[str, ...] = ("ordinary", "saturated", "opposite", "small", "large", "wide")
    elementwise: bool = False
    claims: tuple[str, ...] = ("equation",)
    undecided: str = "the sum cancels to less than the rounding of its terms"

    def asked(self, *, quick: bool) -> tuple[Function, ...]:  # noqa: ARG002 - fast in any case
        """All functions."""
        return self.functions

    def compare(
        self, subject: Subject, case: Case, functions: Iterable[Function]
    ) -> Iterator[Comparison]:
        """The laws that the functions take part in."""
        wanted = set(functions)
        for reverse, forward in PARTNERS.items():
            if wanted & {reverse, forward}:
                yield _transposed(subject, case, reverse, forward)
        if "step_hvp" in wanted:
            yield _symmetric(subject, case)
        if "step_jacobian" in wanted and case.cell.states:
            yield from _multiplied(subject, case)


def _transposed(subject: Subject, case: Case, reverse: Function, forward: Function) -> Comparison:
    left, left_error, left_terms = dot(
        subject.compute(forward, case), weights(case, forward), rounding(case, forward)
    )
    right, right_error, right_terms = dot(
        subject.compute(reverse, case), ways(case, reverse), rounding(case, reverse)
    )
    return _law(
        f"{reverse} · {forward}", (left, left_error), (right, right_error), left_terms + right_terms
    )


def _symmetric(subject: Subject, case: Case) -> Comparison:
    other = other_way(case)
    left, left_error, left_terms = dot(
        subject.compute("step_hvp", case), ways(other, "step_hvp"), rounding(case, "step_hvp")
    )
    right, right_error, right_terms = dot(
        subject.compute("step_hvp", other), ways(case, "step_hvp"), rounding(other, "step_hvp")
    )
    return _law(
        "step_hvp symmetry", (left, left_error), (right, right_error), left_terms + right_terms
    )


def _law(
    name: str, left: tuple[Array, Array], right: tuple[Array, Array], terms: Array
) -> Comparison:
    gap = float(np.abs(left[0] - right[0]) / (EPS * terms)) if terms else 0.0
    return Comparison(name, left[0], right[0], right[1], left[1], f"{gap:.1f} ulp of Σ|terms|")


def _multiplied(subject: Subject, case: Case) -> Iterator[Comparison]:
    still = states_only(case)
    rows, row_errors = subject.compute("step_jacobian", case), rounding(case, "step_jacobian")
    along, along_errors = subject.compute("step_jvp", still), rounding(still, "step_jvp")
    for new in case.cell.states:
        rank = len(new.axes)
        shape = along[new.name].shape
        total, error = np.zeros(shape), np.zeros(shape)
        for old in case.cell.states:
            row, row_error = rows[f"{new}.{old}"], row_errors[f"{new}.{old}"]
            way = case.tangents[old.name]
            way = way.reshape(len(way), *[1] * rank, *way.shape[1:])
            axes = tuple(range(1 + rank, row.ndim))
            roundings = (np.prod(way.shape[1:]) + len(case.cell.states)) * UNIT
            total = total + (row * way).sum(axis=axes)
            error = error + ((row_error + roundings * np.abs(row)) * np.abs(way)).sum(axis=axes)
        yield Comparison(
            f"step_jacobian · {new}", total, along[new.name], along_errors[new.name], error
        )


ROUTE = Adjoint()
