"""A right-hand side as NumPy text. `B`, the batch, is the first axis of whatever depends on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from equations.generate.text.einsum import BATCH, Operand, aligned, contract
from equations.language import (
    LETTERS,
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
    "Abs": "np.abs",
    "tanh": "np.tanh",
    "exp": "np.exp",
    "log": "np.log",
    "log1p": "np.log1p",
}


@dataclass(frozen=True)
class Writer:
    """Writes expressions of one program.

    Args:
        order: the order of terms and factors.
        batched: which symbols have a batch axis.
        names: how values are called where that is not their own name.

    Lengths of axes are written by their names, and the dtype of the computation as `dtype`.
    """

    order: Order
    batched: Mapping[TensorSymbol, bool]
    names: Mapping[TensorSymbol, str] = field(default_factory=dict)

    def name(self, symbol: TensorSymbol) -> str:
        """How a value is called."""
        return self.names.get(symbol, str(symbol))

    def is_batched(self, expression: sp.Expr) -> bool:
        """Whether the value has a batch axis."""
        return any(self.batched[symbol] for symbol in expression.atoms(TensorSymbol))

    def terms(self, expression: sp.Expr, output: str) -> list[str]:
        """The terms of a right-hand side, each with its sign, for a result with these letters.

        `output` may lack the batch: then it is summed.
        """
        parts = list(self.order.terms(expression))
        # Where another term has all components, NumPy repeats this one along it.
        whole = any(repeated(rest) is None for _, rest in parts)
        written = [self.term(number, rest, output, alone=not whole) for number, rest in parts]
        # A power binds before a sign: say so.
        written[0] = re.sub(r"^-(\w+\*\*[\d.]+)", r"-(\1)", written[0])
        return written

    def text(self, expression: sp.Expr, output: str | None = None) -> str:
        """The whole right-hand side in one line."""
        letters = self.letters(expression) if output is None else output
        first, *others = self.terms(expression, letters)
        return first + "".join(
            f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in others
        )

    def letters(self, expression: sp.Expr) -> str:
        """The letters of a componentwise value."""
        axes = LETTERS[: len(axes_of(expression) or ())]
        return (BATCH if self.is_batched(expression) else "") + axes

    def term(self, number: sp.Expr, rest: sp.Expr, output: str, *, alone: bool = True) -> str:
        """One term: a contraction, or a product of componentwise factors."""
        sign, number = ("-", -number) if number.is_negative else ("", number)
        constant, node = constant_factor(rest)
        if isinstance(node, Contract):
            scalar = None if alone or BATCH not in output else repeated(node)
            if scalar is not None and self.is_batched(scalar):
                operand = Operand(aligned(Operand(self.name(scalar), BATCH), output), output)
            else:
                operand = self.contraction(node, output)
            if number * constant == 1:
                return sign + operand.text
            return sign + self.product(number, constant, str(operand))
        batch_lost = self.is_batched(rest) and BATCH not in output
        body = self.product(number, rest)
        if batch_lost:
            simple = isinstance(rest, TensorSymbol) and number == 1
            body = (body if simple else f"({body})") + ".sum(axis=0)"
        return sign + body

    def product(self, number: sp.Expr, rest: sp.Expr, written: str = "") -> str:
        """Factors in writing order, those with a negative power behind a division."""
        above, below = [], []
        if number != 1 or (rest == 1 and not written):
            above.append(_number(number))
        if written:
            above.append(written)
        for factor in self.order.factors(rest) if rest != 1 else []:
            if isinstance(factor, sp.Pow) and factor.exp.is_negative:
                below.append(self.factor(1 / factor))
            else:
                above.append(self.factor(factor))
        text = " * ".join(above) or "1"
        return " / ".join([text, *below])

    def factor(self, factor: sp.Expr) -> str:
        """One factor, in parentheses where it needs them."""
        if isinstance(factor, TensorSymbol):
            return self.name(factor)
        if isinstance(factor, Size):
            return str(factor)
        if isinstance(factor, Identity | Ones | Contract):
            return str(self.operand(factor, self.letters(factor)))
        if isinstance(factor, sp.Number):
            return _number(factor)
        if isinstance(factor, sp.Pow):
            if factor.exp == sp.S.Half:
                return f"np.sqrt({self.text(factor.base)})"
            if factor.exp.is_negative:
                return f"(1 / {self.factor(1 / factor)})"
            power = "**" if isinstance(factor.base, TensorSymbol) else " ** "
            return f"{self.factor(factor.base)}{power}{_number(factor.exp)}"
        if isinstance(factor, ramp):
            low, high = map(_number, factor.args[3:])
            return f"np.clip({self.text(factor.line)}, {low}, {high})"
        if isinstance(factor, sp.Function):
            return f"{FUNCTIONS[type(factor).__name__]}({self.text(factor.args[0])})"
        if isinstance(factor, Select):
            return self.select(factor)
        if isinstance(factor, Largest):
            inner = factor.args[0]
            rank = len(axes_of(inner) or ())
            first = int(self.is_batched(inner))
            axes = "-1" if rank == 1 else str(tuple(range(first, first + rank)))
            return f"{self.parenthesised(inner)}.max(axis={axes})"
        return self.parenthesised(factor)

    def parenthesised(self, expression: sp.Expr) -> str:
        """The text in parentheses unless it is a name."""
        text = self.text(expression)
        return text if isinstance(expression, TensorSymbol) else f"({text})"

    def select(self, node: sp.Expr) -> str:
        """`np.where`; a mask selects, it does not multiply."""
        conditions, first, second = node.cases
        written = [
            f" {relation.rel_op} ".join(self.side(side) for side in relation.args)
            for relation in conditions
        ]
        mask = written[0] if len(written) == 1 else " & ".join(f"({text})" for text in written)
        return f"np.where({mask}, {self.text(first)}, {self.text(second)})"

    def side(self, value: sp.Expr) -> str:
        """One side of a relation; where it is repeated over an axis, that axis has the length 1."""
        if isinstance(value, Contract):
            (inputs, output), operands = value.letters, value.operands
            own = [k for k, operand in enumerate(operands) if not isinstance(operand, Ones)]
            letters = inputs[own[0]] if own else ""
            kept = "".join(letter for letter in output if letter in letters)
            if len(own) == 1 and isinstance(operands[own[0]], TensorSymbol) and kept == letters:
                lead = [":"] if self.is_batched(value) else []
                axes = [":" if letter in letters else "None" for letter in output]
                return f"{self.name(operands[own[0]])}[{', '.join([*lead, *axes])}]"
        return self.text(value)

    def contraction(self, node: Contract, output: str) -> Operand:
        """A contraction for a result with these letters (renamed to the node's own)."""
        inputs, own = node.letters
        batch = BATCH if output.startswith(BATCH) and self.is_batched(node) else ""
        operands = []
        for letters, operand in zip(inputs, node.operands, strict=True):
            lead = BATCH if self.is_batched(operand) else ""
            operands.append(self.operand(operand, lead + letters))
        return contract(operands, batch + own)

    def operand(self, operand: sp.Expr, letters: str) -> Operand:
        """An operand with its letters."""
        if isinstance(operand, TensorSymbol):
            return Operand(self.name(operand), letters)
        if isinstance(operand, Identity):
            return Operand(f"np.eye({operand.axis}, dtype=dtype)", letters)
        if isinstance(operand, Ones):
            return Operand(f"np.ones({operand.axis}, dtype=dtype)", letters)
        if isinstance(operand, Contract):
            inner = self.contraction(operand, self.letters(operand))
            return Operand(inner.text, letters, inner.tight)
        return Operand(self.text(operand), letters, tight=isinstance(operand, Select))


def repeated(term: sp.Expr) -> TensorSymbol | None:
    """The scalar that a term repeats along the axes of the others, if it is one."""
    node = constant_factor(term)[1]
    operands = node.operands if isinstance(node, Contract) else ()
    values = [operand for operand in operands if not isinstance(operand, Ones)]
    if len(values) != 1 or len(operands) == 1 or not isinstance(values[0], TensorSymbol):
        return None
    return None if values[0].axes else values[0]


def _number(value: sp.Expr) -> str:
    return str(value) if value.is_Integer else repr(float(value))
