"""Points at which generated modules are tried: shapes, dtypes, extreme values, memory layouts."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from equations import cells
from equations.generate.targets import TARGETS
from verify.boundaries.claim import seeds_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from equations.cell import Cell

Array = Any
Printer = Any  # IPython's
Maker = Any  # a NamedTuple of a generated module
DTYPES: tuple[type[np.floating[Any]], ...] = (np.float64, np.float32)
# Factors on a whole array: ordinary, zero, subnormal, tiny, large and huge values.
SCALES = {
    np.float64: (1.0, 0.0, -0.0, 1e-310, 1e-160, 30.0, 1e60, 1e300),
    np.float32: (1.0, 0.0, -0.0, 1e-41, 1e-20, 30.0, 1e8, 1e37),
}
CALM = {np.float64: (1.0, 0.0, -0.0, 1e-310, 30.0), np.float32: (1.0, 0.0, -0.0, 1e-41, 3.0)}
SATURATED = {np.float64: 1000.0, np.float32: 200.0}
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda a: np.array(a, order="C"),
    "Fortran": lambda a: np.array(a, order="F"),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "reversed": lambda a: np.array(a[::-1], order="C")[::-1] if a.ndim else a,
    "transposed": lambda a: np.array(a.T, order="C").T,
}


@dataclass(frozen=True)
class Trial:
    """A cell, its generated module, and arguments for all of its functions.

    Attributes:
        arrays: parameters, inputs, states and cotangents of results by name; the inputs and the
            cotangents have T steps, and all but parameters have a batch.
        sizes: the length of each axis, of `B` and of `T`.
    """

    cell: Cell
    module: ModuleType
    arrays: dict[str, Array]
    sizes: dict[str, int]
    dtype: type[np.floating[Any]]

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:  # noqa: FBT001 - a protocol
        """What Hypothesis prints of a failing trial: sizes and arrays, not the whole cell."""
        printer.text(f"{self.cell.name}, {self.dtype.__name__}, {self.sizes}, {self.arrays}")

    @property
    def params(self) -> Array:
        """The parameters."""
        return self.module.Params(*(self.arrays[str(s)] for s in self.cell.parameters))

    @property
    def state(self) -> Array:
        """The first state."""
        return self.module.State(*(self.arrays[str(s)] for s in self.cell.states))

    @property
    def xs(self) -> Array:
        """The inputs of all steps."""
        return self._inputs([self.arrays[str(s)] for s in self.cell.inputs])

    @property
    def x(self) -> Array:
        """The inputs of the first step."""
        return self._inputs([self.arrays[str(s)][0] for s in self.cell.inputs])

    def _inputs(self, values: list[Array]) -> Array:
        return self.module.Inputs(*values) if len(values) > 1 else values[0]

    @property
    def dnexts(self) -> Array:
        """The cotangents of all steps."""
        seeds = seeds_of(self.cell)
        results = (*self.cell.next_states, *self.cell.outputs)
        return self._next(*(self.arrays[str(seeds[r])] if r in seeds else None for r in results))

    @property
    def dnext(self) -> Array:
        """The cotangents of the first step."""
        return self._next(*(None if d is None else d[0] for d in self.dnexts))

    @property
    def _next(self) -> Maker:
        return getattr(self.module, "Next", None) or self.module.State

    def sample(self, index: int = 0) -> dict[str, Array]:
        """One sample of the first step by name, without batch and time."""
        taken = {}
        for symbol in (*self.cell.program.arguments, *seeds_of(self.cell).values()):
            value = self.arrays[str(symbol)]
            if value.ndim == len(symbol.axes) + 2:
                value = value[0]
            taken[str(symbol)] = value[index] if value.ndim > len(symbol.axes) else value
        return taken


@st.composite
def trials(
    draw: st.DrawFn,
    name: str,
    built: str = "numpy",
    *,
    calm: bool = False,
    least_steps: int = 0,
    least_batch: int = 0,
) -> Trial:
    """Trials of one cell; calm ones have values that cannot overflow in a few steps."""
    cell = cells[name]
    module = importlib.import_module(f"{TARGETS[built].package}.{name}")
    dtype = draw(st.sampled_from(DTYPES))
    sizes = {axis: draw(st.integers(1, 4)) for axis in cell.axes}
    sizes |= {"B": draw(st.integers(least_batch, 3)), "T": draw(st.integers(least_steps, 4))}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scales = st.sampled_from((CALM if calm else SCALES)[dtype])
    layouts = st.sampled_from(sorted(LAYOUTS))
    arrays = {}
    for symbol in (*cell.program.arguments, *seeds_of(cell).values()):
        shape = [sizes[axis] for axis in symbol.axes]
        if symbol.role != "parameter":
            shape = [sizes["B"], *shape]
        if symbol.role not in ("parameter", "state"):
            shape = [sizes["T"], *shape]
        value = np.asarray(rng.uniform(-1, 1, shape) * draw(scales)).astype(dtype)
        if symbol.role == "parameter" and len(symbol.axes) < 2 and draw(st.booleans()):
            # Biases that saturate: each component to one of its two ends.
            ends = rng.choice([-1.0, 1.0], size=shape) * SATURATED[dtype]
            value = np.asarray(ends).astype(dtype)
        value = LAYOUTS[draw(layouts)](value)
        value.setflags(write=False)
        arrays[str(symbol)] = value
    return Trial(cell, module, arrays, sizes, dtype)
