"""Tensors of unknown size, each written as its generic component: an arithmetic.

One component speaks for all, since the equations are the same in every one of them. What mixes
components is a `Total` over an index that has no range: nothing here knows a size, so what is
proved of these expressions is proved for every size.

Sums are brought to a form in which equal ones are equal expressions: products are multiplied out,
factors without the index stand in front, a sum over an index of a `Delta` is carried out, and the
index is named by how deep the sum is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count

import sympy as sp

from equations.language import LETTERS, TensorSymbol
from verify.arithmetic.symbols import OPAQUE, Opaque


class Component(sp.Function):  # type: ignore[misc]
    """`Component(W, i, j)`: an entry of a tensor."""

    is_real = True

    @property
    def tensor(self) -> TensorSymbol:
        """Of which tensor."""
        found: TensorSymbol = self.args[0]
        return found


class Delta(sp.Function):  # type: ignore[misc]
    """`Delta(i, j)`: 1 where the indices are the same, else 0."""

    is_real = True

    @classmethod
    def eval(cls, first: sp.Symbol, second: sp.Symbol) -> sp.Expr | None:
        """1 for one index twice; the indices in one order."""
        if first == second:
            return sp.S.One
        return cls(second, first) if str(second) < str(first) else None


class Choice(sp.Function):  # type: ignore[misc]
    """`Choice(strict, a, b, first, second)`: first where a > b, or a >= b if strict is 0."""

    is_real = True


class Total(sp.Function):  # type: ignore[misc]
    """`Total(k, f)`: the sum of f over all k."""

    is_real = True


class Greatest(sp.Function):  # type: ignore[misc]
    """`Greatest(k, ..., f)`: the largest f over all indices."""

    is_real = True


@dataclass(frozen=True)
class Tensor:
    """A tensor by its component at the indices `place(0)`, `place(1)`, ...

    Attributes:
        at: the component.
        ndim: how many indices it has.
    """

    at: sp.Expr
    ndim: int = 0

    def __add__(self, other: Tensor) -> Tensor:
        """The componentwise sum."""
        return Tensor(self.at + other.at, max(self.ndim, other.ndim))

    def __mul__(self, other: Tensor) -> Tensor:
        """The componentwise product."""
        return Tensor(self.at * other.at, max(self.ndim, other.ndim))

    def index(self, indices: tuple[sp.Symbol, ...]) -> sp.Expr:
        """The component at these indices."""
        places = {place(k): index for k, index in enumerate(indices)}
        return self.at.xreplace(places)


def place(position: int) -> sp.Symbol:
    """The index that stands for a position."""
    return sp.Symbol(f"_{position}")


def tensor(symbol: TensorSymbol) -> Tensor:
    """A symbol of its own."""
    ndim = len(symbol.axes)
    return Tensor(Component(symbol, *map(place, range(ndim))), ndim)


class Components:
    """Generic components, as an arithmetic of the interpreter; a size is the name of its axis."""

    def __init__(self) -> None:
        """Map the functions of the language to opaque ones."""
        self.functions: Mapping[str, Callable[[Tensor], Tensor]] = {
            function.atom: partial(_applied, function) for function in OPAQUE
        }
        self._fresh = count()

    def number(self, value: sp.Expr) -> Tensor:
        """The number itself, or a size."""
        return Tensor(sp.sympify(value))

    def einsum(self, signature: str, *operands: Tensor) -> Tensor:
        """A contraction."""
        inputs, output = signature.split("->")
        names = {letter: place(k) for k, letter in enumerate(output)}
        summed = [c for c in LETTERS if c in inputs and c not in output]
        names |= {letter: sp.Dummy(f"{letter}{next(self._fresh)}") for letter in summed}
        product = sp.Mul(
            *(
                operand.index(tuple(names[letter] for letter in part))
                for part, operand in zip(inputs.split(","), operands, strict=True)
            )
        )
        for letter in summed:
            product = summation(product, names[letter])
        return Tensor(product, len(output))

    def reciprocal(self, value: Tensor) -> Tensor:
        """1/value."""
        return Tensor(1 / value.at, value.ndim)

    def compare(self, relation: str, left: Tensor, right: Tensor) -> Tensor:
        """The relation itself, unevaluated."""
        make = {">": sp.Gt, ">=": sp.Ge, "<": sp.Lt, "<=": sp.Le}[relation]
        return Tensor(make(left.at, right.at, evaluate=False), max(left.ndim, right.ndim))

    def where(self, condition: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Componentwise choice."""
        large, small = condition.at.gts, condition.at.lts
        strict = sp.Integer(condition.at.rel_op in (">", "<"))
        ndim = max(condition.ndim, first.ndim, second.ndim)
        return Tensor(Choice(strict, large, small, first.at, second.at), ndim)

    def largest(self, value: Tensor, axes: tuple[int, ...]) -> Tensor:
        """The maximum over all axes."""
        depth = height(value.at)
        bound = tuple(sp.Symbol(f"k{depth + k + 1}") for k in range(len(axes)))
        return Tensor(Greatest(*bound, value.index(bound)))

    def ones(self, *shape: object) -> Tensor:
        """A tensor of ones."""
        return Tensor(sp.S.One, len(shape))

    def identity(self, n: object) -> Tensor:
        """The identity matrix."""
        del n
        return Tensor(Delta(place(0), place(1)), 2)


def _applied(function: type[Opaque], value: Tensor) -> Tensor:
    return Tensor(function(value.at), value.ndim)


def absolute(value: sp.Expr) -> sp.Expr:
    """|value|, as the language's `absolute` comes out here."""
    return Choice(sp.S.Zero, value, sp.S.Zero, value, -value)


def summation(summand: sp.Expr, index: sp.Symbol) -> sp.Expr:
    """The sum over an index in the form in which equal sums are equal."""
    return sp.Add(*(_one(term, index) for term in sp.Add.make_args(sp.expand(summand))))


def _one(term: sp.Expr, index: sp.Symbol) -> sp.Expr:
    factors = sp.Mul.make_args(term)
    for factor in factors:
        if isinstance(factor, Delta) and index in factor.args:
            other = next(k for k in factor.args if k != index)
            return sp.Mul(*(f for f in factors if f is not factor)).xreplace({index: other})
    inner = sp.Mul(*(f for f in factors if f.has(index)))
    outer = sp.Mul(*(f for f in factors if not f.has(index)))
    if inner == 1:
        raise NotImplementedError("a sum of ones is a size, and of which axis is not known here")
    bound = sp.Symbol(f"k{height(inner) + 1}")
    return outer * Total(bound, inner.xreplace({index: bound}))


def height(expression: sp.Expr) -> int:
    """How deep sums and maxima are in one another, as the number of the outermost index."""
    bound = (node.args[:-1] for node in expression.atoms(Total, Greatest))
    return max((int(str(index)[1:]) for indices in bound for index in indices), default=0)
