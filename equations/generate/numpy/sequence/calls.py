"""A componentwise right-hand side as calls that write into arrays: `add(a, b, out=c)`.

Calls are made in an order that needs few arrays besides the one for the result. The result may lie
where one of the operands lies: that operand is then read before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import sympy as sp

from equations.generate.planning.joint import Joined, is_product
from equations.language import Size, TensorSymbol, ramp
from equations.order import Order

FUNCTIONS = {"Abs": "absolute", "tanh": "tanh", "exp": "exp", "log": "log"}
"""The ufunc of each function of the language."""

Part = TypeVar("Part")
Name = Callable[[TensorSymbol], str]
Product = Callable[[sp.Expr, str], str]


class NotCallsError(Exception):
    """An expression that has to be written in one piece."""


@dataclass
class Calls:
    """Writes one right-hand side.

    Args:
        order: of terms and factors.
        name: how an operand is called.
        product: writes a matrix product into an array of this name.
        spare: the name of an array for what is computed on the way, by number.
        over: the symbol in whose place the result lies, if there is one.
        apart: whether a matrix product cannot be written where the result lies.
        given: what tells whether a value was given, for each that may be zero instead.
    """

    order: Order
    name: Name
    product: Product
    spare: Callable[[int], str]
    over: TensorSymbol | None = None
    apart: bool = False
    given: Mapping[sp.Expr, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    _used: int = 0

    def into(self, value: sp.Expr, out: str) -> None:
        """Compute a value.

        Raises:
            NotCallsError: it is not made of componentwise operations and plain products.
        """
        if isinstance(value, TensorSymbol):
            self.call("copyto", out, self.name(value))
        elif _is_matrix(value) and self.apart and not out.startswith("spare"):
            name = self.more()
            self.lines.append(self.product(value, name))
            self.call("copyto", out, name)
        elif _is_matrix(value):
            self.lines.append(self.product(value, out))
        elif isinstance(value, sp.Add):
            self.sum(value, out)
        elif isinstance(value, sp.Mul):
            self.ratio(value, out)
        elif isinstance(value, sp.Pow):
            self.power(value, out)
        elif isinstance(value, ramp):
            low, high = map(_number, value.args[3:])
            self.call("maximum", self.operand(value.line, out), low, out=out)
            self.call("minimum", out, high, out=out)
        elif isinstance(value, sp.Function) and type(value).__name__ in FUNCTIONS:
            name = FUNCTIONS[type(value).__name__]
            self.call(name, self.operand(value.args[0], out), out=out)
        else:
            raise NotCallsError(str(value))

    def call(self, function: str, *operands: str, out: str = "") -> None:
        """One call."""
        arguments = [*operands, *([f"out={out}"] if out else [])]
        self.lines.append(f"{function}({', '.join(arguments)})")

    def sum(self, value: sp.Expr, out: str) -> None:
        """Terms one after another; a matrix product first, since it needs room of its own.

        What may not be given comes last, and is left out then.
        """
        terms = self.order.terms(value)
        terms.sort(key=self.rank)
        parts = [(number.is_negative, abs(number) * rest) for number, rest in terms]
        names = self.operands([part for _, part in parts], out)
        parts, names = self.first_two(parts, names, out)
        (minus, _), total = parts[0], names[0]
        there = [out, *([self.name(self.over)] if self.over is not None else [])]
        if minus:  # all are, and what lies where the result will must not be written over
            names.sort(key=lambda name: name not in there)
            total = names[0]
            self.call("negative", total, out=out)
            total = out
        for (minus, part), name in zip(parts[1:], names[1:], strict=True):
            self.call("subtract" if minus else "add", total, name, out=out)
            if part in self.given and total in there:
                self.lines[-1:] = [f"if {self.given[part]}:", f"    {self.lines[-1]}"]
            total = out

    def rank(self, term: tuple[sp.Expr, sp.Expr]) -> tuple[bool, bool, bool, bool]:
        """Negative terms last; before them what may not be given, numbers, and products first."""
        number, rest = term
        minus, given = bool(number.is_negative), rest in self.given
        return minus, given, not _is_matrix(rest), bool(rest.is_Number)

    def ratio(self, value: sp.Expr, out: str) -> None:
        """Factors one after another, then what they are divided by."""
        number, rest = value.as_coeff_Mul()
        factors = self.order.factors(rest)
        above = [f for f in factors if not (isinstance(f, sp.Pow) and f.exp.is_negative)]
        below = [1 / f for f in factors if f not in above]
        names = self.operands([*above, *below], out, len(above) if len(above) > 1 else None)
        tops, bottoms = names[: len(above)], names[len(above) :]
        tops, _ = self.first_two(tops, tops, out)
        if not tops:
            self.call("divide", _number(number), bottoms.pop(0), out=out)
            number, tops = sp.S.One, [out]
        total = tops[0]
        for name in tops[1:]:
            self.call("multiply", total, name, out=out)
            total = out
        for name in bottoms:
            self.call("divide", total, name, out=out)
            total = out
        if number == -1:
            self.call("negative", total, out=out)
        elif number != 1:
            self.call("multiply", total, _number(number), out=out)
        elif total != out:
            self.call("copyto", out, total)

    def power(self, value: sp.Expr, out: str) -> None:
        """A power; the common ones have a function of their own."""
        exponent = abs(value.exp)
        base = self.operand(value.base, out)
        simple = {2: "square", sp.S.Half: "sqrt"}.get(exponent)
        if exponent != 1:
            if simple:
                self.call(simple, base, out=out)
            else:
                self.call("power", base, _number(exponent), out=out)
            base = out
        if value.exp.is_negative:
            self.call("reciprocal", base, out=out)

    def operands(self, values: list[sp.Expr], out: str, within: int | None = None) -> list[str]:
        """The names of several operands, computed where they are not there yet.

        One of them, of the first so many, may be computed where the result will lie.
        """
        names: dict[int, str] = {}
        free = True
        inner = [k for k, value in enumerate(values) if not _is_leaf(value)]
        # What reads the place of the result goes there; nothing else may before it is read.
        inner.sort(key=lambda k: not self.reads_over(values[k]))
        for k in inner:
            others = [value for n, value in enumerate(values) if n != k and n not in names]
            here = free and not any(map(self.reads_over, others))
            here = here and (within is None or k < within)
            here = here and not (self.apart and _is_matrix(values[k]))
            names[k] = self.operand(values[k], out if here else self.more())
            free = free and not here
        return [names.get(k) or self.leaf(value) for k, value in enumerate(values)]

    def first_two(
        self, parts: list[Part], names: list[str], out: str
    ) -> tuple[list[Part], list[str]]:
        """The operand that lies where the result will as one of the first two: it is read first."""
        there = [out, *([self.name(self.over)] if self.over is not None else [])]
        at = next((k for k, name in enumerate(names) if name in there), 0)
        if at < 2:
            return parts, names
        order = [0, at, *(k for k in range(1, len(names)) if k != at)]
        return [parts[k] for k in order], [names[k] for k in order]

    def reads_over(self, value: sp.Expr) -> bool:
        """Whether it reads what lies where the result will."""
        return self.over is not None and value.has(self.over)

    def operand(self, value: sp.Expr, out: str) -> str:
        """The name of one operand."""
        if _is_leaf(value):
            return self.leaf(value)
        self.into(value, out)
        return out

    def leaf(self, value: sp.Expr) -> str:
        """A symbol or a number."""
        if isinstance(value, TensorSymbol):
            return self.name(value)
        return str(value) if isinstance(value, Size) else _number(value)

    def more(self) -> str:
        """One more array for what is computed on the way."""
        self._used += 1
        return self.spare(self._used - 1)


def _is_leaf(value: sp.Expr) -> bool:
    return isinstance(value, TensorSymbol | Size) or bool(value.is_Number)


def _is_matrix(value: sp.Expr) -> bool:
    return isinstance(value, Joined) or is_product(value)


def _number(value: sp.Expr) -> str:
    if value in CONSTANTS:
        return CONSTANTS[value]
    return str(value) if value.is_Integer else repr(float(value))


CONSTANTS = {
    sp.S.One: "one",
    sp.Integer(2): "two",
    sp.Integer(4): "four",
    sp.Integer(-2): "minus_two",
    sp.S.Half: "half",
}
"""Numbers that are arrays of the dtype in the code: a call is faster with those."""
