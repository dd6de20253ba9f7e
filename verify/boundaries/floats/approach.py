"""Statements approached: pre-activations driven to ±20, ±40, ±300 and ±700 (in float32 to ±80).

The gate's own weights are zero, so that its pre-activation is exactly what it is driven to. A gate
misses its end by e^(-|a|) to first order, so what a claim misses must die at least as fast from one
drive to the next, until rounding is all that is left. No overflow, invalid operation, warning,
infinity or NaN may occur in any value, gradient, tangent or Jacobian on the way.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from equations.boundary import Boundary, Saturation, gradient
from verify.arithmetic.formats import FORMATS
from verify.arithmetic.precise import Precise
from verify.arithmetic.running import Running
from verify.boundaries.claim import held, seeds_of
from verify.boundaries.drive import driven, handle, movable, towards
from verify.boundaries.floats.exact import check_point, described, sides
from verify.boundaries.floats.generated import Point, strict
from verify.boundaries.floats.rounding import room
from verify.boundaries.points import random_inputs, satisfying, small_sizes
from verify.boundaries.reals import saturation
from verify.boundaries.record import CounterexampleError, Finding, UndecidedError
from verify.evidence.bounds import BOUNDS
from verify.evidence.derived import programs_of, with_companions
from verify.interpret import evaluate

if TYPE_CHECKING:
    from types import ModuleType

    from equations.cell import Cell
    from equations.language import TensorSymbol
    from equations.program import Program
    from verify.boundaries.drive import Handle
    from verify.evidence.derived import Numbers, Programs

Array = Any
Float = type[np.floating[Any]]
Inputs = dict[str, Array]
DRIVES: dict[Float, tuple[float, ...]] = {
    np.float64: (20.0, 40.0, 300.0, 700.0),
    np.float32: (20.0, 40.0, 80.0),
}
FALL = 2.0
"""How much more than e^(-Δ|a|) may be left: both gates and their derivatives are e^(-|a|) times
1 + O(e^-20), so the factor only covers terms of different sign."""


def approach(
    cell: Cell, module: ModuleType, statement: Boundary | Saturation, *, quick: bool = False
) -> Finding:
    """Drive the gates of a statement and watch the claim."""
    spreads: tuple[float, ...] = (1.0, 3.0, 1.0, 0.3)
    everywhere = isinstance(statement, Boundary) and not statement.at
    used = DRIVES
    if quick:
        # A claim about ends needs one point; one about all inputs needs large states too.
        spreads = (1.0, 3.0) if everywhere else (1.0,)
        used = {d: a[-1:] if everywhere else (a[0], a[-1]) for d, a in DRIVES.items()}
    try:
        for dtype in DRIVES:
            rng = np.random.default_rng(2)
            for spread in spreads:
                inputs = random_inputs(cell, statement, small_sizes(cell), rng, spread)
                if isinstance(statement, Saturation):
                    _saturate(cell, module, statement, dtype, used[dtype], inputs)
                elif statement.at:
                    _approach_ends(cell, module, statement, dtype, used[dtype], inputs)
                else:
                    _drive_all(cell, module, statement, dtype, used[dtype], inputs)
    except UndecidedError as reason:
        return Finding("cannot decide", str(reason))
    except (CounterexampleError, FloatingPointError, Warning) as error:
        return Finding("refuted", f"counterexample: {error}")
    drives = ", ".join(f"±{drive:g}" for drive in used[np.float64])
    if isinstance(statement, Saturation):
        shown = saturation.show(cell, statement)
        if shown.verdict != "holds":
            return shown
        return Finding(
            "holds",
            f"{shown.detail}; the generated gradient of its bias is as near to the true one as "
            "rounding lets it be where 1 - u is computed from the pre-activation",
        )
    how = "what it misses falls at least as e^(-|a|)" if statement.at else "it holds"
    return Finding("holds", f"{how} at a = {drives} (float32: to ±80), without a warning or NaN")


def _approach_ends(
    cell: Cell,
    module: ModuleType,
    boundary: Boundary,
    dtype: Float,
    drives: tuple[float, ...],
    inputs: Inputs,
) -> None:
    if boundary.given:
        inputs = satisfying(cell, boundary, small_sizes(cell), np.random.default_rng(2))
    signs = {handle(cell, gate): towards(cell, gate, end) for gate, end in boundary.at.items()}
    first: float | None = None
    for drive in drives:
        ends = {own: drive * sign for own, sign in signs.items()}
        point = Point(cell, module, driven(inputs, ends), dtype)
        with strict():
            _check_finite(point)
            left, right = sides(boundary, point)
        missed = np.abs(left - right) if boundary.relation == "=" else np.maximum(left - right, 0)
        worst = float(np.max(missed, initial=0.0))
        if first is None:
            first = worst
        limit = FALL * first * math.exp(drives[0] - drive)
        failing = ~(missed <= limit)
        if np.any(failing):
            failing = ~(missed <= limit + room(cell, boundary, point.known, point.sizes, dtype))
        if drive > drives[0] and np.any(failing):
            index = tuple(int(i) for i in np.argwhere(failing)[0])
            text = described(point, left, right, index)
            raise CounterexampleError(f"at |a| = {drive:g} still {worst:.3g} off: {text}")


def _drive_all(
    cell: Cell,
    module: ModuleType,
    boundary: Boundary,
    dtype: Float,
    drives: tuple[float, ...],
    inputs: Inputs,
) -> None:
    """A statement at every input: each value that can be driven to each end, alone and together."""
    handles = movable(cell)
    groups: list[list[Handle]] = [[own] for own in handles]
    groups += [handles] if len(handles) != 1 else []  # with nothing to drive, the inputs as drawn
    for drive in (0.0, *drives):
        for group in groups:
            for sign in (1.0, -1.0):
                ends = dict.fromkeys(group, sign * drive)
                point = Point(cell, module, driven(inputs, ends, keep_weights=not drive), dtype)
                with strict():
                    _check_finite(point)
                    check_point(boundary, point)


def _saturate(
    cell: Cell,
    module: ModuleType,
    statement: Saturation,
    dtype: Float,
    drives: tuple[float, ...],
    inputs: Inputs,
) -> None:
    """The gradient of the gate's bias is off by no more than rounding explains."""
    own = handle(cell, statement.gate)
    for drive in drives:
        for sign in (1.0, -1.0):
            point = Point(cell, module, driven(inputs, {own: sign * drive}), dtype)
            with strict():
                _check_finite(point)
                got = np.asarray(point.value(gradient(own.bias)), float)
            true, allowed = _true_gradient(cell, point, own, drive)
            off = np.asarray(np.abs(got - true), float)  # a difference in many digits
            for index in map(tuple, np.argwhere(~(off <= allowed))):
                raise CounterexampleError(
                    f"{dtype.__name__}: at a = {sign * drive:g} the gradient of {own.bias} is "
                    f"{float(got[index])!r}, in many digits {float(true[index])!r}, and rounding "
                    f"explains {allowed[index]:.1e}"
                )


def _true_gradient(cell: Cell, point: Point, own: Handle, drive: float) -> tuple[Array, Array]:
    """The gradient of a bias in enough digits for its drive, and what code may miss it by.

    That is a bound for code which computes 1 - u from the pre-activation, as generated code does:
    it allows some roundings of each factor, and not the digits that 1 - u loses to a rounded u.
    """
    # 1 - u at |a| = 700 starts in the 304th digit, and 1 - h² of a tanh in the 608th.
    precise = Precise(60 + round(abs(drive)))
    running = Running(format=FORMATS[point.dtype.__name__])
    programs = programs_of(cell)
    true = _gradient_of(own, programs, point, precise)
    bounded = _gradient_of(own, with_companions(programs), point, running)
    return np.asarray(true, object), BOUNDS["code"].value * np.asarray(bounded.error)


def _gradient_of(own: Handle, programs: Programs, point: Point, numbers: Numbers) -> Any:  # noqa: ANN401
    """The gradient of a bias by the derived equations, without a batch."""
    symbols = (*point.cell.program.arguments, *seeds_of(point.cell).values())
    known = {s.name: numbers.lift(np.asarray(point.inputs[s.name], point.dtype)) for s in symbols}
    # All other terms of the pre-activation are zero, so that it is not rounded.
    known[own.argument.name] = known[own.bias.name]
    forward = held(programs.forward, (own.argument,))
    known |= evaluate(forward, known, point.sizes, numbers)
    backward = _needed(programs.backward, gradient(own.bias))
    return evaluate(backward, known, point.sizes, numbers)[gradient(own.bias).name]


@lru_cache(maxsize=256)
def _needed(program: Program, symbol: TensorSymbol) -> Program:
    return program.needed_for([symbol])


def _check_finite(point: Point) -> None:
    for name, value in point.everything():
        if not np.all(np.isfinite(value)):
            raise CounterexampleError(
                f"{point.dtype.__name__}: {name} is {np.asarray(value).tolist()}"
            )
