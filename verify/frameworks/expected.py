"""What a network of a cell computes: its equations, interpreted, with bounds on rounding.

Neither generated code nor the layers made of it take part. Every sample is run alone over its own
steps, one step at a time, in running error analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from equations.cell import Cell
from equations.derive.sequence import Recurrence
from equations.language import TensorSymbol
from verify.arithmetic.formats import FLOAT64, Format
from verify.arithmetic.running import FUNCTION_UNITS, Bounded, Running
from verify.frameworks.network import Array, Direction, Network, Problem
from verify.interpret import Values, run


class Compiled(Running):
    """Running error analysis of what compilers make of the equations.

    They compute σ(a) as (1 + tanh(a/2))/2, so it is rounded relative to 1 and not to itself.
    """

    def __init__(self, *, format: Format = FLOAT64) -> None:  # noqa: A002 - as in what it derives from
        """Replace one function."""
        super().__init__(format=format)
        careful = self.functions["sigmoid"]

        def rounded(a: Bounded) -> Bounded:
            found = careful(a)
            units = FUNCTION_UNITS[a.format.name] * a.format.unit
            return Bounded(found.value, found.error + units, a.format)

        self.functions = {**self.functions, "sigmoid": rounded}


NUMBERS = Compiled()
Series = list[Bounded]
State = tuple[Bounded, ...]


class Expected(NamedTuple):
    """Results of a network and cotangents of its arguments, each with its bound; see `Answer`."""

    ys: Bounded
    states: tuple[State, ...]
    dparams: tuple[Mapping[str, Bounded], ...]
    dxs: Bounded
    dstates: tuple[State, ...]


def output_of(cell: Cell) -> TensorSymbol:
    """The output of a step: the first result that is no state, else the first new state."""
    return (*cell.outputs, *cell.next_states)[0]


@dataclass(frozen=True, eq=False)
class Part:
    """A cell with its parameters, in one direction."""

    cell: Cell
    sequence: Recurrence
    bptt: Recurrence
    params: Mapping[str, Array]
    direction: Direction

    def along(self, series: Series) -> Series:
        """Steps in the order in which they are taken, or back in the order of time."""
        return series if self.direction == "forward" else series[::-1]

    def forward(self, xs: Series, state: State) -> tuple[Series, State, list[Values]]:
        """Outputs, last state, and all values of every step in the order they are taken."""
        if not xs:
            return [], state, []
        first = {s.name: value for s, value in zip(self.cell.states, state, strict=True)}
        steps = {self.cell.inputs[0].name: self.along(xs)}
        known = {**self._lifted(), **first}
        _, trace = run(self.sequence, known, steps, self._sizes(state, len(xs)), NUMBERS)
        last = tuple(trace[-1][symbol.name] for symbol in self.cell.next_states)
        return self.along([values[output_of(self.cell).name] for values in trace]), last, trace

    def backward(
        self, trace: list[Values], dys: Series, dlast: State
    ) -> tuple[dict[str, Bounded], Series, State]:
        """Cotangents of parameters, inputs and first state."""
        found = {name: zeros(value.shape) for name, value in self.params.items()}
        if not trace:
            return found, [], dlast
        known, steps = self._handed(self.bptt.body.arguments, trace, self.along(dys), dlast)
        sizes = self._sizes(dlast, len(trace))
        total, back = run(self.bptt, known, steps, sizes, NUMBERS)
        name_of = {
            symbol.origin[1][0]: symbol.name
            for symbol in self.bptt.body.results
            if symbol.origin is not None and symbol.origin[0] == "cotangent"
        }
        found |= {p.name: total[name_of[p]] for p in self.cell.parameters if p in name_of}
        dxs = [values[name_of[self.cell.inputs[0]]] for values in back]
        return found, self.along(dxs), tuple(back[0][name_of[s]] for s in self.cell.states)

    def _handed(
        self, arguments: Iterable[TensorSymbol], trace: list[Values], dys: Series, dlast: State
    ) -> tuple[Values, dict[str, Series]]:
        """What the recurrence back in time is given: once, and step by step."""
        last = dict(zip(self.cell.next_states, dlast, strict=True))
        seeds = {new: [zeros(value.value.shape)] * len(trace) for new, value in last.items()}
        seeds[output_of(self.cell)] = dys
        known, steps = self._lifted(), {}
        for symbol in arguments:
            kind, (of, *_) = symbol.origin or ("", (symbol,))
            if kind == "carry":
                known[symbol.name] = last[of]
            elif kind in ("seed", "cotangent"):
                steps[symbol.name] = seeds[of]
            elif symbol.name not in known:
                steps[symbol.name] = [values[symbol.name] for values in trace]
        return known, steps

    def _lifted(self) -> Values:
        return {name: NUMBERS.lift(value) for name, value in self.params.items()}

    def _sizes(self, state: State, steps: int) -> dict[str, int]:
        """The length of each axis, of a batch of one, and of the time."""
        sizes = {"B": 1, "T": steps}
        for symbol in self.cell.parameters:
            sizes.update(zip(symbol.axes, self.params[symbol.name].shape, strict=True))
        for symbol, value in zip(self.cell.states, state, strict=True):
            sizes.update(zip(symbol.axes, value.value.shape[1:], strict=True))
        return sizes


def expected(cell: Cell, params: Sequence[Mapping[str, Array]], problem: Problem) -> Expected:
    """The results of a network.

    Args:
        cell: the cell of all its parts.
        params: the cell's parameters by name, for each part.
        problem: everything else; its arrays are not read.
    """
    sequence, bptt = cell.sequence(), cell.bptt()
    parts = [
        Part(cell, sequence, bptt, own, direction)
        for own, (_, direction) in zip(params, problem.network.parts, strict=True)
    ]
    steps, batch = problem.xs.shape[:2]
    lengths = [steps] * batch if problem.lengths is None else [int(n) for n in problem.lengths]
    samples = [_sample(problem, parts, b, length) for b, length in enumerate(lengths)]
    dparams = tuple(
        {name: _total([one.dparams[k][name] for one in samples]) for name in own}
        for k, own in enumerate(params)
    )
    ys, dxs = (
        _beside([_padded(getattr(one, name), steps) for one in samples], axis=1)
        for name in ("ys", "dxs")
    )
    states, dstates = (
        tuple(
            tuple(_beside(list(rows), axis=0) for rows in zip(*each, strict=True))
            for each in zip(*(getattr(one, name) for one in samples), strict=True)
        )
        for name in ("states", "dstates")
    )
    return Expected(ys, states, dparams, dxs, dstates)


def _sample(problem: Problem, parts: Sequence[Part], b: int, length: int) -> Expected:
    """The results of one sample over its own steps."""
    network = problem.network
    first, dlast = (
        [tuple(NUMBERS.lift(s[b : b + 1]) for s in state) for state in states]
        for states in (problem.states, problem.dstates)
    )
    series = [NUMBERS.lift(x[b : b + 1]) for x in problem.xs[:length]]
    last, traces = [], []
    for layer in range(network.layers):
        beside = []
        for k in _of_layer(network, layer):
            outputs, state, trace = parts[k].forward(series, first[k])
            beside.append(outputs)
            last.append(state)
            traces.append(trace)
        series = [_beside(list(each), axis=1) for each in zip(*beside, strict=True)]
    ys = series
    dparams: dict[int, Mapping[str, Bounded]] = {}
    dfirst: dict[int, State] = {}
    series = [NUMBERS.lift(dy[b : b + 1]) for dy in problem.dys[:length]]
    for layer in reversed(range(network.layers)):
        sums: list[Series] = []
        for place, k in enumerate(_of_layer(network, layer)):
            count = len(network.directions)
            own = [_share(dy, place, count) for dy in series]
            dparams[k], dxs, dfirst[k] = parts[k].backward(traces[k], own, dlast[k])
            sums.append(dxs)
        series = [_total(list(each)) for each in zip(*sums, strict=True)]
    order = range(len(parts))
    return Expected(
        _stacked(ys, problem.dys[:length, :1]),
        tuple(last),
        tuple(dparams[k] for k in order),
        _stacked(series, problem.xs[:length, :1]),
        tuple(dfirst[k] for k in order),
    )


def _of_layer(network: Network, layer: int) -> range:
    """The places of a layer's parts."""
    count = len(network.directions)
    return range(layer * count, (layer + 1) * count)


def zeros(shape: tuple[int, ...]) -> Bounded:
    """Zeros without error."""
    return NUMBERS.lift(np.zeros(shape))


def _share(whole: Bounded, place: int, count: int) -> Bounded:
    """One of equal shares of the last axis."""
    width = whole.value.shape[-1] // count
    own = slice(place * width, (place + 1) * width)
    return Bounded(whole.value[..., own], whole.error[..., own])


def _beside(parts: list[Bounded], axis: int) -> Bounded:
    values, errors = ([getattr(p, name) for p in parts] for name in ("value", "error"))
    return Bounded(np.concatenate(values, axis), np.concatenate(errors, axis))


def _stacked(series: Series, like: Array) -> Bounded:
    """Steps along a first axis; of the shape of `like` where there are none."""
    return NUMBERS.stack(series) if series else zeros(like.shape)


def _padded(sample: Bounded, steps: int) -> Bounded:
    """Zeros after the end."""
    room = [(0, steps - len(sample.value)), *[(0, 0)] * (sample.ndim - 1)]
    return Bounded(np.pad(sample.value, room), np.pad(sample.error, room))


def _total(parts: list[Bounded]) -> Bounded:
    result, *others = parts
    for part in others:
        result = result + part
    return result
