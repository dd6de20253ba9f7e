"""A right-hand side as scalar code: one component of one sample, in floats of the arrays' kind.

Numbers are written `real(2)`, since a bare one would turn float32 into float64 in compiled code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.relational import Relational

from equations.generate.text.source import Lines, indented
from equations.language import (
    Contract,
    Identity,
    Largest,
    Ones,
    Select,
    Size,
    TensorSymbol,
    axes_of,
    constant_factor,
    ramp,
)
from equations.order import Order

FUNCTIONS = {
    "Abs": "abs",
    "tanh": "_tanh",
    "exp": "_exp",
    "log": "np.log",
    "log1p": "np.log1p",
}

Indices = Sequence[str]


@dataclass
class Scalars:
    """Writes expressions, and collects the loops over what they sum.

    Args:
        order: the order of terms and factors.
        element: how a component of a value is written, given an index for each of its axes.
        index: makes an index for an axis that is summed over, as deep as it stands.
    """

    order: Order
    element: Callable[[TensorSymbol, Indices], str]
    index: Callable[[int], str]
    lines: Lines = field(default_factory=list)
    sums: int = 0

    def terms(self, value: sp.Expr, at: Indices) -> list[str]:
        """The terms of a right-hand side, each with its sign."""
        return [self.term(number, rest, at) for number, rest in self.order.terms(value)]

    def text(self, value: sp.Expr, at: Indices) -> str:
        """The whole right-hand side."""
        first, *others = self.terms(value, at)
        return first + "".join(
            f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in others
        )

    def term(self, number: sp.Expr, rest: sp.Expr, at: Indices) -> str:
        """Factors in writing order, those with a negative power behind a division."""
        sign, number = ("-", -number) if number.is_negative else ("", number)
        above, below = ([_real(number)] if number != 1 or rest == 1 else []), []
        for factor in self.order.factors(rest) if rest != 1 else []:
            if isinstance(factor, sp.Pow) and factor.exp.is_negative:
                below.append(self.factor(1 / factor, at))
            else:
                above.append(self.factor(factor, at))
        return sign + " / ".join([" * ".join(above) or "real(1)", *below])

    def factor(self, factor: sp.Expr, at: Indices) -> str:
        """One factor, in parentheses where it needs them."""
        if isinstance(factor, TensorSymbol):
            return self.element(factor, at)
        if isinstance(factor, Size | sp.Number):
            return _real(factor)
        if isinstance(factor, Contract):
            return self.contraction(factor, at)
        if isinstance(factor, Ones):
            return "real(1)"
        if isinstance(factor, Identity):
            return f"real({at[0]} == {at[1]})"
        if isinstance(factor, sp.Pow):
            return self.power(factor, at)
        if isinstance(factor, Select):
            conditions, first, second = factor.cases
            mask = " and ".join(self.relation(condition, at) for condition in conditions)
            low, high = conditions[0], conditions[-1]
            if [c.rel_op for c in conditions] == [">", "<"] and low.args[0] == high.args[0]:
                mask = f"{self.text(low.args[1], at)} < {self.relation(high, at)}"
            return f"({self.text(first, at)} if {mask} else {self.text(second, at)})"
        if isinstance(factor, ramp):
            return self.ramp(factor, at)
        if isinstance(factor, Largest):
            return self.largest(factor)
        if isinstance(factor, sp.Function):
            return f"{FUNCTIONS[type(factor).__name__]}({self.text(factor.args[0], at)})"
        return f"({self.text(factor, at)})"

    def power(self, factor: sp.Pow, at: Indices) -> str:
        """A power; halves are roots, since compilers do those well."""
        base, exponent = factor.args
        if exponent.is_negative:
            return f"(real(1) / {self.factor(1 / factor, at)})"
        if exponent.is_Integer:
            text = self.factor(base, at)
            # The formatter puts no spaces beside names.
            return f"{text}**{exponent}" if text.isidentifier() else f"{text} ** {exponent}"
        if (2 * exponent).is_Integer:
            root = f"np.sqrt({self.text(base, at)})"
            return root if exponent == sp.S.Half else f"{root} ** {2 * exponent}"
        return f"{self.factor(base, at)} ** {_real(exponent)}"

    def contraction(self, node: Contract, at: Indices) -> str:
        """A product of components; where an index is summed, the name of the sum."""
        inputs, output = node.letters
        where = dict(zip(output, at, strict=True))
        axes: dict[str, str] = {}
        for letters, operand in zip(inputs, node.operands, strict=True):
            axes.update(zip(letters, axes_of(operand) or (), strict=True))
        summed = [letter for letter in axes if letter not in where]
        where |= {letter: self.index(len(at) + n) for n, letter in enumerate(summed)}
        outside, self.lines = self.lines, []
        factors = self.operands(node, inputs, where)
        inside, self.lines = self.lines, outside
        if not summed:
            self.lines += inside
            return factors
        self.sums += 1
        name = f"sum_{self.sums}"
        self.lines += [
            f"{name} = real(0)",
            *looped([*inside, f"{name} += {factors}"], [(where[s], axes[s]) for s in summed]),
        ]
        return name

    def operands(self, node: Contract, inputs: Sequence[str], where: Mapping[str, str]) -> str:
        """The product of the operands' components."""
        factors = []
        for letters, operand in zip(inputs, node.operands, strict=True):
            constant, rest = constant_factor(operand)
            if isinstance(operand, Ones):
                continue
            simple = constant == 1 and not isinstance(rest, sp.Add | sp.Mul)
            at = [where[letter] for letter in letters]
            factors.append(self.factor(operand, at) if simple else f"({self.text(operand, at)})")
        return " * ".join(factors) or "real(1)"

    def relation(self, condition: Relational, at: Indices) -> str:
        """One condition of a selection."""
        return f" {condition.rel_op} ".join(self.text(side, at) for side in condition.args)

    def ramp(self, node: ramp, at: Indices) -> str:
        """A line between two ends; one that is no number stays."""
        low, high = map(_real, node.args[3:])
        self.sums += 1
        name = f"line_{self.sums}"
        self.lines.append(f"{name} = {self.text(node.line, at)}")
        return f"({low} if {name} < {low} else {high} if {name} > {high} else {name})"

    def largest(self, node: Largest) -> str:
        """The largest component; one that is no number stays."""
        inner = node.args[0]
        axes = axes_of(inner) or ()
        at = [self.index(n) for n in range(len(axes))]
        outside, self.lines = self.lines, []
        value = self.text(inner, at)
        inside, self.lines = self.lines, outside
        self.sums += 1
        name = f"largest_{self.sums}"
        body = [
            *inside,
            f"{name}_of = {value}",
            f"if {name}_of > {name} or np.isnan({name}_of):",
            f"    {name} = {name}_of",
        ]
        self.lines += [f"{name} = real(-np.inf)", *looped(body, list(zip(at, axes, strict=True)))]
        return name


def looped(body: Lines, indices: Sequence[tuple[str, str]]) -> Lines:
    """Lines in loops over axes, the last innermost."""
    for index, axis in reversed(indices):
        body = [f"for {index} in range({axis}):", *indented(body)]
    return body


def _real(number: sp.Expr) -> str:
    if number.is_Rational and not number.is_Integer:
        return f"real({number.p} / {number.q})"
    return (
        f"real({number})" if number.is_Integer or number.has(Size) else f"real({float(number)!r})"
    )
