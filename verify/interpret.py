"""A small interpreter of programs in any arithmetic; it shares no code with the generator.

An arithmetic says what a number is: float64, a complex step, autograd's boxes, arbitrary
precision, a field of a prime order, a SymPy expression. The interpreter only walks the equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

import sympy as sp

from equations.derive.sequence import Recurrence
from equations.language import (
    Contract,
    Identity,
    Largest,
    Ones,
    Select,
    Size,
    TensorSymbol,
    axes_of,
)
from equations.program import Program

Array = Any  # an array of whatever the arithmetic calls a number
Values = dict[str, Array]

BATCH = "B"


class Arithmetic(Protocol):
    """What the interpreter asks of a kind of number.

    Arrays may be of any kind that broadcasts `+`, `*` and `**` like NumPy.
    """

    functions: Mapping[str, Callable[..., Array]]
    """By SymPy's name: `tanh`, `sigmoid`, `exp`, `log`, `sqrt`.

    A `ramp(a, slope, offset, low, high)` is two selections where it is not among them.
    """

    def number(self, value: sp.Expr) -> Array:
        """An exact number (an integer or a fraction) in this arithmetic."""

    def einsum(self, signature: str, *operands: Array) -> Array:
        """A contraction."""

    def reciprocal(self, value: Array) -> Array:
        """1/value."""

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """Which components satisfy `left relation right`; relation is `>`, `>=`, `<` or `<=`."""

    def where(self, condition: Array, first: Array, second: Array) -> Array:
        """Componentwise choice."""

    def largest(self, value: Array, axes: tuple[int, ...]) -> Array:
        """The maximum over these axes."""

    def ones(self, *shape: int) -> Array:
        """An array of ones."""

    def identity(self, n: int) -> Array:
        """The identity matrix."""


def evaluate(
    program: Program, values: Mapping[str, Array], sizes: Mapping[str, int], arithmetic: Arithmetic
) -> Values:
    """The values of all symbols of a program.

    Args:
        program: any program: a definition, its normal form, a derived one.
        values: its arguments by name. An argument with one axis more than its symbol has a batch,
            and that axis comes first.
        sizes: the length of each axis; also of `T` and such where a `Size` occurs.
        arithmetic: what a number is.

    Returns:
        Every argument and every equation by name. A value that depends on a batched argument is
        batched: the cotangent of a parameter is then one per sample, see `batch_sum`.
    """
    known: Values = {symbol.name: values[symbol.name] for symbol in program.arguments}
    for equation in program.equations:
        value = _value(equation.value, known, sizes, arithmetic)
        axes = equation.symbol.axes
        if _axes(equation.value) is None:
            value = value * arithmetic.ones(*(sizes[axis] for axis in axes))
        known[equation.symbol.name] = value
    return known


_axes = lru_cache(maxsize=4096)(axes_of)


def batch_sum(program: Program, values: Values) -> Values:
    """The results of a program, with those of parameters summed over the batch."""
    summed: Values = {}
    for symbol in program.results:
        value = values[symbol.name]
        batched = _ndim(value) > len(symbol.axes)
        summed[symbol.name] = value.sum(axis=0) if batched and _of_parameter(symbol) else value
    return summed


def run(
    recurrence: Recurrence,
    values: Mapping[str, Array],
    steps: Mapping[str, list[Array]],
    sizes: Mapping[str, int],
    arithmetic: Arithmetic,
) -> tuple[Values, list[Values]]:
    """A recurrence over time.

    Args:
        recurrence: the repeated program.
        values: the arguments that are the same at every step, and the first value of what is
            carried, under the name of the argument.
        steps: the arguments that have a value for each step, in the order of time.
        sizes: the length of each axis.
        arithmetic: what a number is.

    Returns:
        The carried values after the last step taken and the summed results, and all values of
        each step in the order of time.
    """
    count = len(next(iter(steps.values())))
    carried = {argument.name: values[argument.name] for argument, _ in recurrence.carried}
    total: Values = {}
    trace: list[Values] = [{} for _ in range(count)]
    for t in reversed(range(count)) if recurrence.backwards else range(count):
        now = {**values, **carried, **{name: series[t] for name, series in steps.items()}}
        known = evaluate(recurrence.body, now, sizes, arithmetic)
        trace[t] = known
        carried = {argument.name: known[result.name] for argument, result in recurrence.carried}
        for symbol in recurrence.summed:
            value = known[symbol.name]
            value = value.sum(axis=0) if _ndim(value) > len(symbol.axes) else value
            total[symbol.name] = total[symbol.name] + value if symbol.name in total else value
    return {**carried, **total}, trace


def _value(
    expression: sp.Expr, known: Values, sizes: Mapping[str, int], arithmetic: Arithmetic
) -> Array:
    def recur(part: sp.Expr) -> Array:
        return _value(part, known, sizes, arithmetic)

    if isinstance(expression, TensorSymbol):
        return known[expression.name]
    if isinstance(expression, Size):
        return arithmetic.number(sp.sympify(sizes[expression.axis]))
    if isinstance(expression, sp.Number):
        return arithmetic.number(expression)
    if isinstance(expression, Identity):
        return arithmetic.identity(sizes[expression.axis])
    if isinstance(expression, Ones):
        return arithmetic.ones(sizes[expression.axis])
    if isinstance(expression, Contract):
        return _contraction(expression, [recur(part) for part in expression.operands], arithmetic)
    if isinstance(expression, Select):
        condition, first, second = expression.args
        left, right = (recur(side) for side in condition.args)
        chosen = arithmetic.compare(condition.rel_op, left, right)
        return arithmetic.where(chosen, recur(first), recur(second))
    if isinstance(expression, Largest):
        inner = recur(expression.args[0])
        rank = len(axes_of(expression.args[0]) or ())
        return arithmetic.largest(inner, tuple(range(_ndim(inner) - rank, _ndim(inner))))
    if isinstance(expression, sp.Add):
        return _fold(lambda a, b: a + b, [recur(part) for part in expression.args])
    if isinstance(expression, sp.Mul):
        return _fold(lambda a, b: a * b, [recur(part) for part in expression.args])
    if isinstance(expression, sp.Pow):
        return _power(recur(expression.base), expression.exp, arithmetic)
    parts = [recur(part) for part in expression.args]
    return _function(type(expression).__name__, parts, arithmetic)


def _function(name: str, parts: list[Array], arithmetic: Arithmetic) -> Array:
    """The value of a function.

    A ramp is min(max(line, low), high), and the end where the line meets it.
    """
    if name in arithmetic.functions:
        return arithmetic.functions[name](*parts)
    if name != "ramp":
        raise NotImplementedError(f"{type(arithmetic).__name__} has no function {name}")
    a, slope, offset, low, high = parts
    line = a * slope + offset
    above = arithmetic.where(arithmetic.compare(">", line, low), line, low)
    return arithmetic.where(arithmetic.compare("<", above, high), above, high)


def _contraction(node: Contract, operands: list[Array], arithmetic: Arithmetic) -> Array:
    """An einsum in which a batch axis, where there is one, comes first."""
    inputs, output = node.letters
    letters = []
    for part, operand in zip(inputs, operands, strict=True):
        batched = _ndim(operand) > len(part)
        letters.append(BATCH + part if batched else part)
    batch = BATCH if any(part.startswith(BATCH) for part in letters) else ""
    return arithmetic.einsum(f"{','.join(letters)}->{batch}{output}", *operands)


def _power(base: Array, exponent: sp.Expr, arithmetic: Arithmetic) -> Array:
    if exponent.is_Integer:
        power = _fold(lambda a, b: a * b, [base] * abs(int(exponent))) if exponent else base * 0 + 1
        return arithmetic.reciprocal(power) if exponent < 0 else power
    if (2 * exponent).is_Integer:
        return _power(arithmetic.functions["sqrt"](base), 2 * exponent, arithmetic)
    raise NotImplementedError(f"power {exponent}")


def _fold(operation: Callable[[Array, Array], Array], parts: list[Array]) -> Array:
    result = parts[0]
    for part in parts[1:]:
        result = operation(result, part)
    return result


def _ndim(value: Array) -> int:
    return int(getattr(value, "ndim", 0))


def _of_parameter(symbol: TensorSymbol) -> bool:
    """Whether a derived symbol belongs to a parameter."""
    while symbol.origin is not None and isinstance(symbol.origin[1][0], TensorSymbol):
        symbol = symbol.origin[1][0]
    return symbol.role == "parameter"
