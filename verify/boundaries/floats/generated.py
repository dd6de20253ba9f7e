"""One call of a generated module, and the values a claim speaks of, read off its results.

Every call has a batch of one, so that gradients of parameters are those of one sample. What the
module does not return (the direct derivative, the Jacobian of an inner value) comes from the
derived equations, evaluated on the values that the module saved.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.floats import Floats
from verify.boundaries.claim import derived_program, seeds_of
from verify.boundaries.points import small_sizes
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from equations.cell import Cell
    from equations.language import TensorSymbol

Array = Any


@dataclass(frozen=True)
class Point:
    """A module called at one point; every derivative is computed when it is first asked for.

    Args:
        cell, module: the cell and the module generated from it.
        inputs: arguments of the cell and cotangents of its results, by name, without a batch.
        dtype: float32 or float64.
    """

    cell: Cell
    module: ModuleType
    inputs: Mapping[str, Array]
    dtype: type[np.floating[Any]]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The length of each axis."""
        return small_sizes(self.cell) | {
            axis: n
            for symbol in self.cell.program.arguments
            for axis, n in zip(symbol.axes, np.shape(self.inputs[symbol.name]), strict=True)
        }

    @cached_property
    def params(self) -> Array:
        """The parameters as the module takes them."""
        return self.module.Params(*(self._cast(s) for s in self.cell.parameters))

    @cached_property
    def _x(self) -> Array:
        values = [self._cast(s)[None] for s in self.cell.inputs]
        return self.module.Inputs(*values) if len(values) > 1 else values[0]

    @cached_property
    def state(self) -> Array:
        """The old state, with a batch of one."""
        return self.module.State(*(self._cast(s)[None] for s in self.cell.states))

    def _cast(self, symbol: TensorSymbol) -> Array:
        return np.asarray(self.inputs[symbol.name], dtype=self.dtype)

    @cached_property
    def _stepped(self) -> tuple[Array, Array]:
        stepped: tuple[Array, Array] = self.module.step(self.params, self._x, self.state)
        return stepped

    @property
    def saved(self) -> Array:
        """What `step` kept."""
        return self._stepped[1]

    @cached_property
    def dnext(self) -> Array:
        """The cotangents of what `step` returned."""
        seeds = seeds_of(self.cell)
        return type(self._stepped[0])(
            *(
                np.asarray(self.inputs[seeds[result].name], dtype=self.dtype)[None]
                if result in seeds
                else None
                for result in (*self.cell.next_states, *self.cell.outputs)
            )
        )

    @cached_property
    def _gradients(self) -> dict[str, Array]:
        dparams, dx, dstate = self.module.step_vjp(self.params, self.saved, self.dnext)
        found = dict(zip((str(s) for s in self.cell.parameters), dparams, strict=True))
        dinputs = dx if len(self.cell.inputs) > 1 else (dx,)
        found |= {str(s): d[0] for s, d in zip(self.cell.inputs, dinputs, strict=True)}
        found |= {str(s): d[0] for s, d in zip(self.cell.states, dstate, strict=True)}
        return found

    @cached_property
    def _jacobian(self) -> dict[tuple[str, str], Array]:
        rows = self.module.step_jacobian(self.params, self.saved)
        return {
            (str(new), str(old)): block[0]
            for new, row in zip(self.cell.next_states, rows, strict=True)
            for old, block in zip(self.cell.states, row, strict=True)
        }

    @cached_property
    def _tangents(self) -> Array:
        directions = (self.params, self._x, self.state)
        return self.module.step_jvp(self.params, self.saved, *directions)

    @cached_property
    def known(self) -> dict[str, Array]:
        """Arguments, cotangents of results, and the values of the equations, without a batch."""
        known = {s.name: self._cast(s) for s in self.cell.program.arguments}
        known |= {
            s.name: np.asarray(self.inputs[s.name], self.dtype)
            for s in seeds_of(self.cell).values()
        }
        known |= {
            name: value[0] for name, value in zip(self.saved._fields, self.saved, strict=True)
        }
        return known

    def value(self, symbol: TensorSymbol) -> Array:
        """The value of a symbol of a claim."""
        if symbol.origin is not None:
            kind, sources = symbol.origin
            if kind == "cotangent" and str(sources[0]) in self._gradients:
                return self._gradients[str(sources[0])]
            if kind == "jacobian" and (str(sources[0]), str(sources[-1])) in self._jacobian:
                return self._jacobian[str(sources[0]), str(sources[-1])]
            program, result = derived_program(self.cell, symbol)
            return evaluate(program, self.known, self.sizes, Floats())[result.name]
        return self.known[symbol.name]

    def everything(self) -> Iterator[tuple[str, Array]]:
        """All results of the module's step and its derivatives, by name."""
        yield from self.known.items()
        yield from ((f"d{name}", value) for name, value in self._gradients.items())
        yield from ((f"d{new}_d{old}", value) for (new, old), value in self._jacobian.items())
        yield from (
            (f"{name}_dot", v)
            for name, v in zip(self._tangents._fields, self._tangents, strict=True)
        )


@contextmanager
def strict() -> Iterator[None]:
    """A context in which an overflow, an invalid operation or a warning is an error."""
    with (
        np.errstate(over="raise", invalid="raise", divide="raise"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        yield
