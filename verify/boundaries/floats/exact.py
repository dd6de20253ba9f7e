"""Statements hit exactly: biases of ±1000 in float64 and ±200 in float32 put a gate at 0 or 1.

The weights stay as they are, so that a gradient that should be dead is multiplied by something.
A copy or a zero is then equal bit for bit (signed zeros compare equal); other claims hold within
the roundings of `verify.boundaries.floats.rounding`. A statement at every input is tried with every
value that can be driven at every combination of its ends, in between, and at very large and small
states.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from equations.boundary import jacobian
from equations.language import TensorSymbol
from verify.arithmetic.floats import Floats
from verify.boundaries.claim import claim_program, is_exact, seeds_of
from verify.boundaries.drive import driven, handle, movable, towards
from verify.boundaries.floats.generated import Point, strict
from verify.boundaries.floats.rounding import room, roundings
from verify.boundaries.floats.witness import witness
from verify.boundaries.points import random_inputs, satisfying, small_sizes
from verify.boundaries.record import CounterexampleError, Finding, UndecidedError
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from equations.boundary import Boundary
    from equations.cell import Cell

Array = Any
Float = type[np.floating[Any]]
FAR: dict[Float, float] = {np.float64: 1000.0, np.float32: 200.0}
SCALES: dict[Float, tuple[float, ...]] = {
    np.float64: (1.0, 3.0, 1e-310, 1e30, 1e200),
    np.float32: (1.0, 3.0, 1e-40, 1e15, 1e30),
}
MAX_COMBINATIONS = 16


def hit(cell: Cell, module: ModuleType, boundary: Boundary, *, quick: bool = False) -> Finding:
    """Evaluate the claim on the results of the generated module."""
    count = 0
    draws = 8
    if quick:
        draws = 2 if boundary.at else 1
    try:
        for dtype in FAR:
            for point in _points(cell, module, boundary, dtype, draws=draws):
                with strict():
                    check_point(boundary, point)
                    _check_witness(boundary, point)
                    count += 1
            if boundary.steps > 1:
                with strict():
                    _over_steps(cell, module, boundary, dtype)
    except UndecidedError as reason:
        return Finding("cannot decide", str(reason))
    except (CounterexampleError, FloatingPointError, Warning) as error:
        return Finding("refuted", f"counterexample: {error}")
    most = 0 if is_bitwise(cell, boundary) else roundings(cell, boundary, point.sizes)
    exact = "equal bit for bit" if boundary.relation == "=" else "without any slack"
    how = f"within {most} unit roundoffs of Σ|terms|" if most else exact
    steps = f", and unchanged over {boundary.steps:,} steps" if boundary.steps > 1 else ""
    return Finding("holds", f"{how} at {count} points in float32 and float64{steps}")


def check_point(boundary: Boundary, point: Point) -> None:
    """Check the claim on the results of the module at one point.

    Raises:
        CounterexampleError: the claim fails there.
    """
    left, right = sides(boundary, point)
    missed = left - right if boundary.relation != "=" else np.abs(left - right)
    # Not `missed > 0`, which a NaN would pass.
    failing = ~(missed <= 0)
    if np.any(failing) and not is_bitwise(point.cell, boundary):
        failing = ~(missed <= room(point.cell, boundary, point.known, point.sizes, point.dtype))
    if np.any(failing):
        index = tuple(int(i) for i in np.argwhere(failing)[0])
        raise CounterexampleError(described(point, left, right, index))


def _check_witness(boundary: Boundary, point: Point) -> None:
    if wrong := witness(boundary, point):
        raise CounterexampleError(f"{point.dtype.__name__}: {wrong}")


def is_bitwise(cell: Cell, boundary: Boundary) -> bool:
    """Whether floats owe the claim without any rounding: a copy of a value, or a zero."""
    seeds = set(seeds_of(cell).values())
    computed = [s for s in boundary.right.atoms(TensorSymbol) if s.origin and s not in seeds]
    return boundary.relation == "=" and is_exact(boundary.right) and not computed


def sides(boundary: Boundary, point: Point) -> tuple[Array, Array]:
    """Both sides of the claim on the results of the module, as float64."""
    program = claim_program(boundary)
    values = {s.name: point.value(s) for s in program.arguments}
    known = evaluate(program, values, point.sizes, Floats())
    left, right = (np.asarray(known[result.name], float) for result in program.results[:2])
    return left, right


def described(point: Point, left: Array, right: Array, index: tuple[int, ...]) -> str:
    """Where a claim fails: both sides, in all their digits where six show no difference."""
    at = f"[{','.join(str(i + 1) for i in index)}]" if index else ""
    values = float(left[index]), float(right[index])
    one, other = (f"{value:.6g}" for value in values)
    if one == other:
        one, other = (repr(value) for value in values)
    state = "".join(f", {s} = {numbers(point.inputs[s.name])}" for s in point.cell.states)
    return f"{point.dtype.__name__}: left{at} = {one}, right{at} = {other}{state}"


def numbers(value: Array) -> str:
    """An array on one line, each component to six digits."""
    array = np.asarray(value, float)
    if array.ndim == 0:
        return f"{float(array):.6g}"
    return f"[{', '.join(numbers(part) for part in array)}]"


def _points(
    cell: Cell, module: ModuleType, boundary: Boundary, dtype: Float, draws: int
) -> Iterator[Point]:
    """The points a statement is tried at."""
    rng = np.random.default_rng(0)
    far = FAR[dtype]
    sizes = small_sizes(cell)
    for draw in range(draws):
        inputs = random_inputs(cell, boundary, sizes, rng)
        if boundary.given:
            inputs = satisfying(cell, boundary, sizes, rng)
        if draw % 2:
            _with_signed_zeros(cell, inputs)
        if not boundary.at:
            yield Point(cell, module, inputs, dtype)
            yield from _everywhere(cell, module, inputs, dtype)
            continue
        ends = {
            handle(cell, gate): far * towards(cell, gate, end) for gate, end in boundary.at.items()
        }
        point = Point(cell, module, driven(inputs, ends, keep_weights=True), dtype)
        with strict():
            reached = {gate: point.known[gate.name] for gate in boundary.at}
        for gate, end in boundary.at.items():
            if not np.all(reached[gate] == end):
                raise UndecidedError(f"a bias of ±{far:g} does not put {gate} at exactly {end}")
        yield point


def _everywhere(
    cell: Cell, module: ModuleType, inputs: Mapping[str, Array], dtype: Float
) -> Iterator[Point]:
    """Every combination of ends of what can be driven, and states of every size.

    The matrices on a state are zero where the state is very large, since a pre-activation that
    overflows is no longer a number.
    """
    handles = movable(cell)
    rng = np.random.default_rng(3)
    signs = rng.choice([-1.0, 1.0], size=(MAX_COMBINATIONS, len(handles)))
    if 2 ** len(handles) <= MAX_COMBINATIONS:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(handles))))
    for row in signs:
        ends = {own: FAR[dtype] * sign for own, sign in zip(handles, row, strict=True)}
        yield Point(cell, module, driven(inputs, ends, keep_weights=True), dtype)
    for scale in SCALES[dtype]:
        for sign in (-1.0, 0.0, 1.0):
            scaled = {
                name: scale * value if name in map(str, cell.states) else value
                for name, value in inputs.items()
            }
            yield Point(cell, module, driven(scaled, dict.fromkeys(handles, sign)), dtype)


def _with_signed_zeros(cell: Cell, inputs: dict[str, Array]) -> None:
    """Put a zero of either sign into every state."""
    for state in cell.states:
        flat = inputs[state.name].reshape(-1)
        flat[:1], flat[-1:] = 0.0, -0.0


def _over_steps(cell: Cell, module: ModuleType, boundary: Boundary, dtype: Float) -> None:
    """A state, or the gradient of the last one, carried unchanged over many steps."""
    point = next(_points(cell, module, boundary, dtype, draws=1))
    rng = np.random.default_rng(1)
    xs = [
        rng.normal(size=(boundary.steps, 1, *(point.sizes[axis] for axis in s.axes))).astype(dtype)
        for s in cell.inputs
    ]
    series = module.Inputs(*xs) if len(xs) > 1 else xs[0]
    nexts, tape = module.unroll(point.params, series, point.state)
    for k, (old, new) in enumerate(cell.carried):
        if boundary.left == new:
            wrong = np.argwhere(~(nexts[k] == point.state[k]))
            if len(wrong):
                raise CounterexampleError(
                    f"{dtype.__name__}: {old} is no longer what it was after step {wrong[0][0] + 1}"
                )
            return
        if boundary.left == jacobian(new, old):
            seed = np.zeros_like(nexts[k])
            seed[-1] = rng.normal(size=seed[-1].shape)
            dnexts = [seed if n == k else None for n in range(len(nexts))]
            pulled = module.unroll_vjp(point.params, tape, type(nexts)(*dnexts))[2][k]
            if not np.array_equal(pulled, seed[-1]):
                raise CounterexampleError(
                    f"{dtype.__name__}: the last cotangent of {old} arrives changed at the first: "
                    f"{numbers(seed[-1])} as {numbers(pulled)}"
                )
            return
    raise UndecidedError("over several steps only a copied state, or its Jacobian, is understood")
