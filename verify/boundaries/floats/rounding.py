"""How far floats may miss a claim about real numbers: for each side, R roundoffs of Σ|terms|.

R is the largest number of roundings that any one term passes on its way to the result (N. J.
Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1), counting from the
values that both sides read: arguments, and the values of functions, which are the same floats on
both sides. A difference of two of those is one term, since only its result is rounded. But 1 - u
and 1 - h² are computed from the pre-activation and not from the rounded u or h: between the two
may lie the errors of both. So (1 - u) h + u h' may exceed max(|h|, |h'|) by some roundoffs, even
with h and h' at 1. Copies and zeros have no rounding and are held to equality.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from equations.language import Contract, Select, TensorSymbol, axes_of
from equations.program import Equation, Program
from verify.arithmetic.floats import Floats
from verify.boundaries.claim import derived_program, held
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from equations.boundary import Boundary
    from equations.cell import Cell

Array = Any

COMPLEMENT = 24
"""The roundoffs between 1 - h² as it is computed and 1 - h² of the rounded h, as parts of 1 + h²:
both are within 6 ulps, which is 12 roundoffs, and the square doubles that of h."""


class Magnitudes(Floats):
    """Sums of absolute terms: every number positive, every difference a sum."""

    def number(self, value: sp.Expr) -> float:
        """The absolute value."""
        return abs(float(value))

    def where(self, condition: Array, first: Array, second: Array) -> Array:
        """The larger branch."""
        del condition
        return np.maximum(first, second)


def roundings(cell: Cell, boundary: Boundary, sizes: Mapping[str, int]) -> int:
    """R: the roundings of both sides of a claim together."""
    return sum(_roundings(side, cell, _shared(other), sizes) for side, other in _sides(boundary))


def room(
    cell: Cell,
    boundary: Boundary,
    known: Mapping[str, Array],
    sizes: Mapping[str, int],
    dtype: type[np.floating[Any]],
) -> Array:
    """How far each component of the left side may miss the right one.

    Args:
        cell: the cell.
        boundary: the statement.
        known: the arguments and the saved values, without a batch.
        sizes: the length of each axis.
        dtype: the floats that were computed with.
    """
    info = np.finfo(dtype)
    total: Array = 0.0
    for side, other in _sides(boundary):
        shared = _shared(other)
        size = _terms(side, cell, shared, known, sizes)
        # Below the smallest normal number the error is absolute: one tiny covers every underflow.
        each = float(info.eps) / 2 * size + float(info.tiny)
        total = total + _roundings(side, cell, shared, sizes) * each
    return total


def _sides(boundary: Boundary) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
    return (boundary.left, boundary.right), (boundary.right, boundary.left)


def _shared(other: sp.Expr) -> set[TensorSymbol]:
    """What a side need not recompute, since the other side reads it as it is."""
    return {s for s in other.atoms(TensorSymbol) if s.origin is None}


def _roundings(
    side: sp.Expr, cell: Cell, shared: set[TensorSymbol], sizes: Mapping[str, int]
) -> int:
    forward = cell.forward()

    def behind(symbol: TensorSymbol, program: Program) -> int:
        """The roundings on the way to a symbol of a program, or of the forward values it reads."""
        value = None if symbol in shared else program.value_of(symbol)
        if value is None and program is not forward and symbol in forward.symbols:
            return behind(symbol, forward)
        if value is None or isinstance(value, sp.Function):
            return 0
        return _count(value, lambda s: behind(s, program), sizes)

    def of_claim(symbol: TensorSymbol) -> int:
        if symbol.origin is None or symbol in forward.symbols:
            return behind(symbol, forward)
        program, result = derived_program(cell, symbol)
        return behind(result, program)

    return _count(side, of_claim, sizes)


def _count(
    expression: sp.Expr, behind: Callable[[TensorSymbol], int], sizes: Mapping[str, int]
) -> int:
    """The largest number of roundings that a term of the expression passes."""

    def recur(part: sp.Expr) -> int:
        return _count(part, behind, sizes)

    if isinstance(expression, TensorSymbol):
        return behind(expression)
    if isinstance(expression, Contract):
        inputs, output = expression.letters
        length = {
            letter: sizes[axis]
            for letters, operand in zip(inputs, expression.operands, strict=True)
            for letter, axis in zip(letters, axes_of(operand) or (), strict=True)
        }
        summed = math.prod(n for letter, n in length.items() if letter not in output)
        return sum(map(recur, expression.operands)) + len(expression.operands) + summed - 2
    if isinstance(expression, Select):
        return max(recur(branch) for branch in expression.args[1:])
    if isinstance(expression, sp.Add):
        own = COMPLEMENT if _is_complement(expression) else len(expression.args) - 1
        return max(map(recur, expression.args)) + own
    if isinstance(expression, sp.Mul):
        factors = [part for part in expression.args if part != -1]
        return sum(map(recur, factors)) + len(factors) - 1
    if isinstance(expression, sp.Pow) and expression.exp.is_Integer:
        power = abs(int(expression.exp))
        return power * (recur(expression.base) + 1)
    return 0


def _is_complement(expression: sp.Add) -> bool:
    return len(expression.args) == 2 and sp.S.One in expression.args


def _terms(
    side: sp.Expr,
    cell: Cell,
    shared: set[TensorSymbol],
    known: Mapping[str, Array],
    sizes: Mapping[str, int],
) -> Array:
    """Σ|terms| of one side, with the values of functions and what both sides read as they are."""
    arithmetic = Magnitudes()
    forward = cell.forward()
    kept = [
        eq.symbol
        for eq in forward.equations
        if eq.symbol.name in known and (eq.symbol in shared or isinstance(eq.value, sp.Function))
    ]
    exact = {name: np.asarray(value, float) for name, value in known.items()}
    values = {name: np.abs(value) for name, value in exact.items()}
    read = {*forward.arguments, *kept}

    def run(program: Program) -> Mapping[str, Array]:
        """The magnitudes of a program, with differences of what is read as they are."""
        program, differences = _with_differences(program, read)
        extra = evaluate(differences, exact, sizes, Floats())
        given = {s.name: np.abs(extra[s.name]) for s in differences.results}
        return evaluate(program, {**values, **given}, sizes, arithmetic)

    values |= run(held(forward, tuple(kept)))
    for symbol in sorted(side.atoms(TensorSymbol), key=str):
        if symbol.origin is not None and symbol.name not in values:
            program, result = derived_program(cell, symbol)
            values[symbol.name] = run(program)[result.name]
    one = Equation(TensorSymbol("terms_of_claim", axes_of(side) or ()), side)
    symbols = sorted(side.atoms(TensorSymbol), key=str)
    program = Program("Σ|terms|", tuple(symbols), (one,), (one.symbol,))
    return run(program)[one.symbol.name]


def _with_differences(program: Program, read: set[TensorSymbol]) -> tuple[Program, Program]:
    """A program with the sums of two values it reads as arguments, and what computes them."""
    names: dict[sp.Expr, TensorSymbol] = {}
    for equation in program.equations:
        for node in sorted(equation.value.atoms(sp.Add) - {equation.value}, key=sp.srepr):
            plain = all(term.as_coeff_Mul()[1] in read for term in node.args)
            if len(node.args) == 2 and plain and node.free_symbols and node not in names:
                symbol = TensorSymbol(f"difference_{len(names)}", axes_of(node) or ())
                names[node] = symbol
    equations = tuple(Equation(eq.symbol, eq.value.xreplace(names)) for eq in program.equations)
    # Added as arguments to those of the program, some of which may no longer be read.
    whole = Program(program.name, (*program.arguments, *names.values()), equations, program.results)
    own = tuple(Equation(symbol, node) for node, symbol in names.items())
    used = tuple(sorted({s for eq in own for s in eq.value.atoms(TensorSymbol)}, key=str))
    return whole, Program("differences", used, own, tuple(names.values()))
