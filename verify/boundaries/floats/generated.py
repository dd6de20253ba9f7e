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
from verify.boundaries.claim import derived_program, directions, seeds_of
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
        inputs: arguments of the cell and cotangents of its results, by name, without a batch; and
            their directions, for a claim along one.
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
        return self._inputs([self._cast(s)[None] for s in self.cell.inputs])

    def _inputs(self, values: list[Array]) -> Array:
        return self.module.Inputs(*values) if len(values) > 1 else values[0]

    @cached_property
    def state(self) -> Array:
        """The old state, with a batch of one."""
        return self.module.State(*(self._cast(s)[None] for s in self.cell.states))

    @cached_property
    def _direction(self) -> tuple[Array, Array, Array]:
        """That of the claim, or the arguments themselves."""
        own = {s: d if d.name in self.inputs else s for s, d in directions(self.cell).items()}
        return (
            self.module.Params(*(self._cast(own[s]) for s in self.cell.parameters)),
            self._inputs([self._cast(own[s])[None] for s in self.cell.inputs]),
            self.module.State(*(self._cast(own[s])[None] for s in self.cell.states)),
        )

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
        return self._by_name(*self.module.step_vjp(self.params, self.saved, self.dnext))

    @cached_property
    def _hessian_products(self) -> dict[str, Array]:
        changed = self.module.step_hvp(self.params, self.saved, self.dnext, *self._direction)
        return {f"d{name}": value for name, value in self._by_name(*changed).items()}

    def _by_name(self, dparams: Array, dx: Array, dstate: Array) -> dict[str, Array]:
        """Gradients of arguments, or their changes, by the names of the arguments."""
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
    def _tangents(self) -> dict[str, Array]:
        moved = self.module.step_jvp(self.params, self.saved, *self._direction)
        results = (*self.cell.next_states, *self.cell.outputs)
        return {str(s): value[0] for s, value in zip(results, moved, strict=True)}

    @cached_property
    def known(self) -> dict[str, Array]:
        """Arguments, cotangents of results, and the values of the equations, without a batch."""
        known = {s.name: self._cast(s) for s in self.cell.program.arguments}
        known |= {
            s.name: np.asarray(self.inputs[s.name], self.dtype)
            for s in (*seeds_of(self.cell).values(), *directions(self.cell).values())
            if s.name in self.inputs
        }
        known |= {
            name: value[0] for name, value in zip(self.saved._fields, self.saved, strict=True)
        }
        return known

    def value(self, symbol: TensorSymbol) -> Array:
        """The value of a symbol of a claim."""
        if symbol.name in self.known:
            return self.known[symbol.name]
        kind, sources = symbol.origin or ("", ())
        of, by = sources[0], str(sources[-1])
        if kind == "cotangent" and by in self._gradients:
            return self._gradients[by]
        if kind == "jacobian" and (str(of), by) in self._jacobian:
            return self._jacobian[str(of), by]
        if kind == "tangent" and by in self._tangents:
            return self._tangents[by]
        if kind == "tangent" and by in self._hessian_products:
            return self._hessian_products[by]
        program, result = derived_program(self.cell, symbol)
        return evaluate(program, self.known, self.sizes, Floats())[result.name]

    def everything(self) -> Iterator[tuple[str, Array]]:
        """All results of the module's step and its derivatives, by name."""
        yield from self.known.items()
        yield from ((f"d{name}", value) for name, value in self._gradients.items())
        yield from ((f"d{new}_d{old}", value) for (new, old), value in self._jacobian.items())
        yield from ((f"{name}_dot", value) for name, value in self._tangents.items())
        yield from ((f"{name}_dot", value) for name, value in self._hessian_products.items())


@contextmanager
def strict() -> Iterator[None]:
    """A context in which an overflow, an invalid operation or a warning is an error."""
    with (
        np.errstate(over="raise", invalid="raise", divide="raise"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        yield
