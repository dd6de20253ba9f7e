"""A generated module as a layer, over samples of different lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import DTypeLike

from equations.layers.arrays import Array, Arrays, add, map_arrays, parts
from equations.layers.blocks import Block, blocks
from equations.layers.check import checked
from equations.layers.layer import Layer, Unrolled


class Module(Protocol):
    """What a layer uses of a generated module: its functions, and its tables of axes."""

    init: Callable[..., Any]
    unroll: Callable[..., Any]
    unroll_vjp: Callable[..., Any]
    unroll_jvp: Callable[..., Any]
    State: Callable[..., Any]
    _CELL: str
    _COUNTS_STEPS: bool
    _PARAMS: dict[str, str]
    _INPUTS: dict[str, str]
    _STATE: dict[str, str]
    _NEXT: dict[str, str]


class CellTape(NamedTuple):
    """What the derivatives need: the tapes of the blocks, and arrays of the shapes they have."""

    blocks: tuple[Block, ...]
    tapes: tuple[Any, ...]
    xs: tuple[Array, ...]
    state0: Arrays
    ys: Array


@dataclass(frozen=True)
class CellLayer(Layer):
    """A generated module, with one result of its steps as the output.

    Attributes:
        module: the generated module.
        output: the name of that result.
    """

    module: Module
    output: str

    @property
    def input_axis(self) -> str:
        """The axis of the input."""
        inputs = self.module._INPUTS
        axes = " ".join(inputs.values()).split()
        if len(inputs) != 1 or len(axes) != 1:
            wanted = f"{self.module._CELL}: expected a cell with one input that is a vector"
            raise ValueError(f"{wanted}, got {', '.join(inputs)}")
        return axes[0]

    def width(self, params: Arrays) -> int:
        """The length of the last axis of the output."""
        sizes, _ = checked(f"{self.module._CELL}.width", (params, self.module._PARAMS, ""))
        axes = self.module._NEXT[self.output].split()
        if not axes:
            raise ValueError(f"{self.module._CELL}: {self.output}: expected a vector, got a number")
        return int(sizes[axes[-1]])

    def init(
        self, rng: np.random.Generator, *, dtype: DTypeLike = np.float64, **sizes: int
    ) -> Arrays:
        """The module's own."""
        axes = " ".join(self.module._PARAMS.values()).split()
        own = {axis: length for axis, length in sizes.items() if axis in axes}
        return self.module.init(rng, dtype=dtype, **own)

    def zero_state(self, params: Arrays, batch: int) -> Arrays:
        """Zeros for every state of the cell."""
        sizes, dtype = checked(f"{self.module._CELL}.zero_state", (params, self.module._PARAMS, ""))
        shapes = [[sizes[axis] for axis in own.split()] for own in self.module._STATE.values()]
        return self.module.State(*(np.zeros((batch, *shape), dtype) for shape in shapes))

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, CellTape]:
        """Block by block: a sample that has ended keeps its state and takes no step."""
        module, inputs = self.module, self._separate(xs)
        where = f"{module._CELL}.unroll"
        sizes, dtype = checked(
            where,
            (params, module._PARAMS, ""),
            (inputs, module._INPUTS, "T B"),
            (state0, module._STATE, "B"),
        )
        T, B = sizes["T"], sizes["B"]
        plan = blocks(T, B, lengths, apart=module._COUNTS_STEPS, where=where)
        own = [sizes[axis] for axis in module._NEXT[self.output].split()]
        ys, state, tapes = np.zeros((T, B, *own), dtype), map_arrays(np.array, state0), []
        for block in plan:
            nexts, tape = module.unroll(params, map_arrays(block.of, xs), block.rows_of(state))
            tapes.append(tape)
            ys[block.steps, block.rows] = getattr(nexts, self.output)
            state = self._after(block, nexts, state)
        return Unrolled(ys, state), CellTape(plan, tuple(tapes), inputs, state0, ys)

    def unroll_vjp(
        self, params: Arrays, tape: CellTape, dnexts: Unrolled
    ) -> tuple[Arrays, Arrays, Arrays]:
        """Block by block, from the last: samples join when their last step is reached."""
        function = "unroll_vjp"
        dys, dstate = parts(dnexts, 2, f"{self.module._CELL}.{function}: dnexts")
        (dys,) = self._like(function, (dys,), (tape.ys,), self._output, "T B")
        dstate = self._state_like(function, dstate, tape)
        dxs, dparams = tuple(np.zeros(x.shape, x.dtype) for x in tape.xs), None
        for block, kept in zip(reversed(tape.blocks), reversed(tape.tapes), strict=True):
            seeds = self._seeds(block, dys, dstate)
            dparams_here, dxs_here, dstate_here = self.module.unroll_vjp(params, kept, seeds)
            for whole, here in zip(dxs, self._separate(dxs_here), strict=True):
                whole[block.steps, block.rows] = here
            dstate = dstate if block.empty else block.replaced(dstate, dstate_here)
            dparams = dparams_here if dparams is None else add(dparams, dparams_here)
        return dparams, self._joined(dxs), dstate

    def unroll_jvp(
        self, params: Arrays, tape: CellTape, dparams: Arrays, dxs: Arrays, dstate0: Arrays
    ) -> Unrolled:
        """Block by block, as `unroll`."""
        module, function = self.module, "unroll_jvp"
        dxs = self._like(function, self._separate(dxs), tape.xs, module._INPUTS, "T B")
        dstate, dys = self._state_like(function, dstate0, tape), np.zeros_like(tape.ys)
        for block, kept in zip(tape.blocks, tape.tapes, strict=True):
            moved = self._joined(map_arrays(block.of, dxs))
            nexts = module.unroll_jvp(params, kept, dparams, moved, block.rows_of(dstate))
            dys[block.steps, block.rows] = getattr(nexts, self.output)
            dstate = self._after(block, nexts, dstate)
        return Unrolled(dys, dstate)

    @property
    def _output(self) -> dict[str, str]:
        """The axes of the output, as the module has those of other arrays."""
        return {self.output: self.module._NEXT[self.output]}

    def _separate(self, xs: Arrays) -> tuple[Arrays, ...]:
        """The inputs as a tuple, of how many there are."""
        many = len(self.module._INPUTS) > 1
        return parts(xs, len(self.module._INPUTS), f"{self.module._CELL}: xs") if many else (xs,)

    def _joined(self, inputs: tuple[Array, ...]) -> Arrays:
        """The inputs as the module takes them."""
        return cast(Any, self.module).Inputs(*inputs) if len(inputs) > 1 else inputs[0]

    def _like(
        self,
        function: str,
        given: tuple[Array | None, ...],
        like: tuple[Array, ...],
        axes: dict[str, str],
        lead: str,
    ) -> tuple[Array, ...]:
        """Cotangents or tangents: checked to be like the arrays they belong to, zero where None."""
        filled = tuple(
            np.zeros_like(own) if array is None else array
            for array, own in zip(given, like, strict=True)
        )
        checked(f"{self.module._CELL}.{function}", (like, axes, lead), (filled, axes, lead))
        return filled

    def _state_like(self, function: str, given: Arrays, tape: CellTape) -> Arrays:
        """The same for a state, which is a copy."""
        axes = self.module._STATE
        given = parts(given, len(axes), f"{self.module._CELL}.{function}: state")
        if not axes:
            return self.module.State()
        filled = self._like(function, given, tape.state0, axes, "B")
        return self.module.State(*map(np.array, filled))

    def _after(self, block: Block, nexts: Arrays, state: Arrays) -> Arrays:
        """The state after a block."""
        if block.empty:
            return state
        last = self.module.State(*(getattr(nexts, name)[-1] for name in self.module._STATE))
        return block.replaced(state, last)

    def _seeds(self, block: Block, dys: Array, dstate: Arrays) -> Arrays:
        """The cotangents of a block: of its outputs, and of the states after its last step."""
        own = np.array(block.of(dys))
        seeds: dict[str, Array | None] = dict.fromkeys(self.module._NEXT)
        seeds[self.output] = own
        for name, last in zip(self.module._STATE, block.rows_of(dstate), strict=True):
            shape = (*own.shape[:2], *last.shape[1:])
            seed = own if name == self.output else np.zeros(shape, own.dtype)
            seed[-1:] += last
            seeds[name] = seed
        return getattr(self.module, "Next", self.module.State)(**seeds)


def layer(of: Module | Layer, output: str | None = None) -> Layer:
    """A generated module as a layer; a layer as it is.

    Args:
        of: the module, such as `equations.generated.gru`, or the layer.
        output: which result of a step is the output: by default the first that is no state, and
            the first state where all are.

    Raises:
        TypeError: it is neither.
        ValueError: a step has no such result.
    """
    if isinstance(of, Layer):
        return of
    if not hasattr(of, "_NEXT"):
        got = type(of).__name__
        raise TypeError(f"layer: expected a generated module or a layer, got {got}")
    results = [name for name in of._NEXT if name not in of._STATE] or list(of._NEXT)
    chosen = output or results[0]
    if chosen not in of._NEXT:
        known = ", ".join(of._NEXT)
        raise ValueError(f"{of._CELL}: output: expected one of {known}, got {output}")
    return CellLayer(of, chosen)
