"""A framework's layer beside the equations of its dialect: values, and every gradient it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from equations.cell import Cell
from verify.arithmetic.running import Bounded
from verify.dialects.arrays import Place
from verify.dialects.record import Dialect
from verify.evidence.bounds import Bound
from verify.evidence.verdict import EPS, Comparison
from verify.frameworks.expected import Expected, expected, output_of
from verify.frameworks.framework import Framework
from verify.frameworks.network import Answer, Array, Arrays, Network, Problem

BATCH, STEPS = 3, 4
LENGTHS = (4, 1, 3)
"""Of samples that have their own: all steps, one, and some; most frameworks refuse 0."""

SIZES = {"n_x": 5, "n_h": 3, "n_p": 2}

ROUNDING = Bound(
    4.0,
    "Times the running error bound of the equations, in the floats of the framework, with a σ that "
    "is rounded relative to 1. That bound counts two roundings for a tanh or an exponential; in "
    "float32 compilers replace both by rational functions with an error of a few units.",
)


def make_problem(dialect: Dialect, network: Network, seed: int = 0) -> Problem:
    """Random arrays, inputs, states and cotangents: N(0, 1), so no two biases are equal or zero."""
    rng, cell = np.random.default_rng(seed), dialect.symbolic
    width = SIZES[output_of(cell).axes[-1]] * len(network.directions)

    def drawn(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(np.float32).astype(np.float64)

    arrays = []
    for layer, direction in network.parts:
        sizes = {**SIZES, cell.inputs[0].axes[0]: width} if layer else SIZES
        names = dialect.array_names((layer, direction == "backward"))
        layouts = zip(names, dialect.layouts.values(), strict=True)
        arrays.append({name: drawn(*layout.shape(sizes)) for name, layout in layouts})
    states, dstates = (
        tuple(
            tuple(drawn(BATCH, *(SIZES[axis] for axis in s.axes)) for s in cell.states)
            for _ in network.parts
        )
        for _ in range(2)
    )
    lengths = np.array(LENGTHS) if network.lengths else None
    xs = drawn(STEPS, BATCH, *(SIZES[axis] for axis in cell.inputs[0].axes))
    dys = drawn(STEPS, BATCH, width)
    problem = Problem(network, tuple(arrays), xs, states, lengths, dys, dstates)
    problem.dys[~problem.own()] = 0
    return problem


@dataclass(frozen=True)
class Case:
    """A problem with its solution.

    Attributes:
        cell: the cell of the dialect.
        problem: the problem; its numbers are exact in float32 too.
        solution: what the equations say.
        darrays: and the cotangents of the dialect's own arrays.
    """

    cell: Cell
    problem: Problem
    solution: Expected
    darrays: tuple[Mapping[str, Bounded], ...]

    @property
    def places(self) -> list[str]:
        """The parts of the network in words; nothing where there is but one."""
        parts = self.problem.network.parts
        return [f", layer {k} {way}" for k, way in parts] if len(parts) > 1 else [""]


def solved(dialect: Dialect, network: Network, seed: int = 0) -> Case:
    """A random problem and its solution."""
    problem = make_problem(dialect, network, seed)
    places = [(layer, direction == "backward") for layer, direction in network.parts]
    params = [_unpacked(dialect, own, p) for own, p in zip(problem.arrays, places, strict=True)]
    solution = expected(dialect.symbolic, params, problem)
    pulled = [
        _pulled_back(dialect, place, own, dparams)
        for place, own, dparams in zip(places, problem.arrays, solution.dparams, strict=True)
    ]
    return Case(dialect.symbolic, problem, solution, tuple(pulled))


def _unpacked(dialect: Dialect, arrays: Arrays, place: Place) -> Arrays:
    layer, reverse = place
    found: Arrays = dialect.unpack(arrays, layer=layer, reverse=reverse)._asdict()
    return found


def _pulled_back(
    dialect: Dialect, place: Place, arrays: Arrays, dparams: Mapping[str, Bounded]
) -> dict[str, Bounded]:
    """Cotangents of arrays from those of the parameters they are unpacked to.

    The map is affine, so each of its columns is the image of an array with a single one.
    """
    nothing = {name: np.zeros(np.shape(array)) for name, array in arrays.items()}
    origin = _unpacked(dialect, nothing, place)
    found = {}
    for name, zeros in nothing.items():
        value, error = np.zeros(zeros.shape), np.zeros(zeros.shape)
        for index in np.ndindex(zeros.shape):
            one = zeros.copy()
            one[index] = 1
            image = _unpacked(dialect, {**nothing, name: one}, place)
            for parameter, d in dparams.items():
                column = image[parameter] - origin[parameter]
                value[index] += np.sum(column * d.value)
                error[index] += np.sum(np.abs(column) * d.error)
        found[name] = Bounded(value, error)
    return found


def compared(framework: Framework, case: Case, answer: Answer) -> Iterator[Comparison]:
    """Every array of an answer beside that of the solution.

    Outputs after the end of a sample are compared where the framework says that they are zero.
    """
    unit = ROUNDING.value * float(np.finfo(framework.dtype).eps) / EPS
    solution, ys = case.solution, answer.ys
    if not framework.zero_padding:
        ys = np.where(case.problem.own()[:, :, None], ys, 0)
    pairs = [("outputs", ys, solution.ys)]
    pairs += _of_states(case, "last", answer.states, solution.states)
    if answer.darrays is not None and answer.dxs is not None and answer.dstates is not None:
        pairs.append(("gradient of inputs", answer.dxs, solution.dxs))
        pairs += _of_states(case, "gradient of first", answer.dstates, solution.dstates)
        for place, got, wanted in zip(case.places, answer.darrays, case.darrays, strict=True):
            pairs += [(f"gradient of {n}{place}", got[n], wanted[n]) for n in wanted]
    for quantity, value, bounded in pairs:
        yield Comparison(quantity, value, bounded.value, bounded.error, unit * bounded.error)


def _of_states(
    case: Case, what: str, got: Sequence[Sequence[Array]], wanted: Sequence[Sequence[Bounded]]
) -> Iterator[tuple[str, Array, Bounded]]:
    for place, values, right in zip(case.places, got, wanted, strict=True):
        for state, value, bounded in zip(case.cell.states, values, right, strict=True):
            yield f"{what} {state}{place}", value, bounded
