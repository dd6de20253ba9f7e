"""What is measured: generated code, and libraries that differentiate the definition as written.

A library gets the equations as a user would type them, with the library's own tanh and logistic
function where it has one; for autograd, which has none, the one of autograd's own examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import lru_cache
from types import ModuleType
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from equations.cell import Cell
from verify.arithmetic.floats import Floats
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
from verify.evidence.subject import Subject, generated
from verify.extras import MissingExtraError, extra
from verify.interpret import Array as Traced
from verify.routes.autograd import jvp as autograd_jvp
from verify.routes.definition import case_of, without_time
from verify.routes.traced import Library, derivative

OWN = "gateproof"
RIVALS = ("autograd", "torch", "jax")


def contenders(cell: Cell, module: ModuleType) -> tuple[list[Subject], list[str]]:
    """Generated code first, then the libraries that are installed; and what the others need."""
    found, missing = [replace(generated(module, cell), name=OWN)], []
    for name in RIVALS:
        try:
            found.append(_MAKERS[name]())
        except MissingExtraError as error:
            missing.append(str(error))
    return found, missing


@lru_cache(maxsize=1)
def _autograd() -> Subject:
    def library(dtype: str) -> Library:
        return Library(Floats(anp, dtype), autograd.grad, autograd_jvp, anp.concatenate, exact=True)

    return _subject("autograd", library, np.asarray)


@lru_cache(maxsize=1)
def _torch() -> Subject:
    torch = extra("torch")

    def tangent(function: Callable[[Any], Any], point: Any, way: Any) -> Any:  # noqa: ANN401
        return torch.func.jvp(function, (point,), (way,))[1]

    def library(dtype: str) -> Library:
        return Library(Tensors(torch, dtype), torch.func.grad, tangent, torch.cat, exact=True)

    return _subject("torch", library, torch.as_tensor)


@lru_cache(maxsize=1)
def _jax() -> Subject:
    jax = extra("jax")

    def tangent(function: Callable[[Any], Any], point: Any, way: Any) -> Any:  # noqa: ANN401
        return jax.jvp(function, (point,), (way,))[1]

    def library(dtype: str) -> Library:
        numbers = Floats(jax.numpy, dtype)
        numbers.functions = {**numbers.functions, "sigmoid": jax.nn.sigmoid}
        return Library(numbers, jax.grad, tangent, jax.numpy.concatenate, exact=True)

    return _subject("jax", library, jax.numpy.asarray, jax.jit, lambda: jax.enable_x64(True))  # noqa: FBT003


_MAKERS: Mapping[str, Callable[[], Subject]] = {"autograd": _autograd, "torch": _torch, "jax": _jax}


class Tensors(Floats):
    """Tensors of torch."""

    def __init__(self, torch: ModuleType, dtype: str) -> None:
        """Use torch's own functions."""
        super().__init__(torch, dtype)
        self.kind = getattr(torch, dtype)
        self.functions = {**self.functions, "sigmoid": self.np.sigmoid}

    def where(self, condition: Traced, first: Traced, second: Traced) -> Traced:
        """Componentwise choice."""
        return self.np.where(condition, self._tensor(first), self._tensor(second))

    def compare(self, relation: str, left: Traced, right: Traced) -> Traced:
        """A comparison."""
        return super().compare(relation, self._tensor(left), self._tensor(right))

    def largest(self, value: Traced, axes: tuple[int, ...]) -> Traced:
        """The maximum over these axes."""
        return self.np.amax(value, dim=axes)

    def ones(self, *shape: int) -> Traced:
        """A tensor of ones."""
        return self.np.ones(shape, dtype=self.kind)

    def identity(self, n: int) -> Traced:
        """The identity matrix."""
        return self.np.eye(n, dtype=self.kind)

    def _tensor(self, value: Traced) -> Traced:
        return self.np.as_tensor(value, dtype=self.kind)


def _subject(
    name: str,
    library: Callable[[str], Library],
    lift: Callable[[Array], Any],
    compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function,
    setting: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Subject:
    """A library's results at a case.

    Args:
        name: of the library.
        library: by the dtype of the case.
        lift: an array of NumPy as one of the library.
        compiled: what makes a function fast; it is called once for equal cells and sizes.
        setting: what has to be set while the library works.
    """
    known: dict[Any, Callable[..., Any]] = {}

    def results(function: Function, case: Case) -> Mapping[str, Array]:
        of_steps = case_of(case, function)
        dtype = next(iter(case.point.values())).dtype.name
        sizes = tuple(sorted(of_steps.sizes.items()))
        key = (case.cell.program, function, dtype, sizes)

        def traced(*places: Mapping[str, Any]) -> dict[str, Any]:
            point, cotangents, tangents = places
            moved = replace(of_steps, point=point, cotangents=cotangents, tangents=tangents)
            return derivative(moved, function.partition("_")[2], library(dtype))

        run = known.setdefault(key, compiled(traced))
        with setting():
            values = [
                {key: lift(value) for key, value in each.items()}
                for each in (of_steps.point, of_steps.cotangents, of_steps.tangents)
            ]
            found = {key: np.asarray(value) for key, value in run(*values).items()}
        return without_time(function, case, found)

    return Subject(name, results)
