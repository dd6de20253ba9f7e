"""The measurement of one cell, and of the factors, as pieces of work that can run apart."""

from __future__ import annotations

from collections.abc import Sequence

from verify.arithmetic.formats import FORMATS
from verify.evidence.case import Kind, make_case
from verify.evidence.derived import FUNCTIONS
from verify.precision.contenders import contenders
from verify.precision.measure import KINDS, Worst, worst
from verify.precision.sweep import Curve, factors, gates
from verify.target import find, module_of


def errors_of(target: str, dtype: str, kinds: Sequence[Kind] = KINDS, seed: int = 0) -> list[Worst]:
    """The worst error of every result of a cell, at every kind of inputs."""
    cell, of = find(target), FORMATS[dtype]
    subjects, _ = contenders(cell, module_of(target, cell))
    cases = [make_case(cell, kind, seed).cast(dtype) for kind in kinds]
    functions = [f for f in FUNCTIONS if cell.states or f != "step_jacobian"]
    return [each for case in cases for each in worst(case, subjects, of, functions)]


def gates_of(target: str, dtype: str) -> list[Curve]:
    """The sweeps of the gates of a cell."""
    cell = find(target)
    return list(gates(cell, contenders(cell, module_of(target, cell))[0], FORMATS[dtype]))


def factors_of(dtype: str) -> list[Curve]:
    """The sweeps of the factors."""
    return list(factors(FORMATS[dtype]))


def missing(target: str) -> list[str]:
    """What is not installed and could be measured too."""
    cell = find(target)
    return contenders(cell, module_of(target, cell))[1]
