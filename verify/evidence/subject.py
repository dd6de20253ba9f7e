"""Subjects: what is checked, a generated module or the derived equations, interpreted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from equations.cell import Cell
from verify.arithmetic.precise import Precise, to_float
from verify.evidence.case import Array, Arrays, Case, first_step
from verify.evidence.derived import Function, Numbers, Programs, Textbook, compute
from verify.interpret import Values


@dataclass(frozen=True, eq=False)
class Subject:
    """A name, and the results of a function at a case, by fields."""

    name: str
    compute: Callable[[Function, Case], Mapping[str, Array]]


TEXTBOOK = Textbook()
EXACT = Precise(50)


def interpreted(programs: Programs, name: str = "interpreted equations") -> Subject:
    """The derived programs in float64."""
    return Subject(name, lambda function, case: compute(function, programs, case, TEXTBOOK))


def exact(programs: Programs, name: str = "equations in many digits") -> Subject:
    """The derived programs without rounding, as float64."""

    def results(function: Function, case: Case) -> Mapping[str, Array]:
        values = compute(function, programs, case, EXACT)
        return {field: to_float(value) for field, value in values.items()}

    return Subject(name, results)


def generated(module: ModuleType, cell: Cell) -> Subject:
    """A generated module; results of another dtype than the case's are an error."""
    calls = _Calls(module, cell)

    @lru_cache(maxsize=512)
    def results(function: Function, case: Case) -> Mapping[str, Array]:
        found: Mapping[str, Array] = getattr(calls, function)(case)
        for name, value in found.items():
            if value.dtype != case.dtype:
                raise TypeError(f"{function}.{name}: expected {case.dtype}, got {value.dtype}")
        return found

    return Subject(module.__name__, results)


@dataclass(frozen=True, eq=False)
class _Calls:
    """Puts the arrays of a case into the shapes of a generated module's functions."""

    module: Any
    cell: Cell

    def step(self, case: Case) -> Arrays:
        return _fields(self._stepped(case)[0])

    def step_vjp(self, case: Case) -> Arrays:
        return self._gradients(
            *self.module.step_vjp(
                self._params(case.point), self._stepped(case)[1], self._seed(case)
            )
        )

    def step_jvp(self, case: Case) -> Arrays:
        return _fields(
            self.module.step_jvp(
                self._params(case.point), self._stepped(case)[1], *self._ways(first_step(case), 0)
            )
        )

    def step_hvp(self, case: Case) -> Arrays:
        ways = self._ways(first_step(case), 0)
        saved = self._stepped(case)[1]
        return self._gradients(
            *self.module.step_hvp(self._params(case.point), saved, self._seed(case), *ways)
        )

    def step_jacobian(self, case: Case) -> Arrays:
        if not self.cell.states:
            return {}
        rows = self.module.step_jacobian(self._params(case.point), self._stepped(case)[1])
        return {
            f"{new}.{old}": value
            for new, row in _fields(rows).items()
            for old, value in _fields(row).items()
        }

    def unroll(self, case: Case) -> Arrays:
        return _fields(self._unrolled(case)[0])

    def unroll_vjp(self, case: Case) -> Arrays:
        seeds = self._next_type(*(case.cotangents[s.name] for s in self.cell.program.results))
        tape = self._unrolled(case)[1]
        return self._gradients(*self.module.unroll_vjp(self._params(case.point), tape, seeds))

    def unroll_jvp(self, case: Case) -> Arrays:
        tape = self._unrolled(case)[1]
        ways = self._ways(case, None)
        return _fields(self.module.unroll_jvp(self._params(case.point), tape, *ways))

    def _stepped(self, case: Case) -> Any:  # noqa: ANN401 - the module's own NamedTuples
        return self.module.step(*self._arguments(case.point, 0))

    def _unrolled(self, case: Case) -> Any:  # noqa: ANN401
        every = case.checkpoint_every
        return self.module.unroll(*self._arguments(case.point, None), checkpoint_every=every)

    @property
    def _next_type(self) -> Any:  # noqa: ANN401
        return getattr(self.module, "Next", None) or self.module.State

    def _arguments(self, values: Arrays, t: int | None) -> list[Any]:
        """Parameters, inputs (at one step, or all) and states."""
        inputs = [values[s.name] if t is None else values[s.name][t] for s in self.cell.inputs]
        x = inputs[0] if len(inputs) == 1 else self.module.Inputs(*inputs)
        return [self._params(values), x, self.module.State(*self._of(self.cell.states, values))]

    def _ways(self, case: Case, t: int | None) -> list[Any]:
        return self._arguments(case.tangents, t)

    def _params(self, values: Arrays) -> Any:  # noqa: ANN401
        return self.module.Params(*self._of(self.cell.parameters, values))

    def _seed(self, case: Case) -> Any:  # noqa: ANN401
        return self._next_type(*(case.cotangents[s.name][0] for s in self.cell.program.results))

    @staticmethod
    def _of(symbols: tuple[Any, ...], values: Arrays) -> list[Array]:
        return [np.asarray(values[s.name]) for s in symbols]

    def _gradients(self, params: Any, x: Any, state: Any) -> Arrays:  # noqa: ANN401
        names = [s.name for s in self.cell.inputs]
        inputs = {names[0]: x} if len(names) == 1 else _fields(x)
        return {**_fields(params), **inputs, **_fields(state)}


def _fields(values: Any) -> dict[str, Any]:  # noqa: ANN401 - a NamedTuple of arrays
    return dict(values._asdict())


__all__ = ["EXACT", "TEXTBOOK", "Numbers", "Subject", "Values", "exact", "generated", "interpreted"]
