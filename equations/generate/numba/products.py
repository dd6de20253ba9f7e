"""The matrix products of a schedule, by names of their own, and together where BLAS can do several.

Products of several matrices with one value are one product with the matrices on top of each other;
the results lie side by side. A sum of products with transposed matrices is one product with the
values side by side. All else in a step is componentwise, or mixes components of one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import sympy as sp

from equations.generate.planning.layout import joined
from equations.generate.planning.roles import base, is_gradient
from equations.language import Contract, TensorSymbol
from equations.program import Equation

Members = tuple[TensorSymbol, ...]
Batched = Mapping[TensorSymbol, bool]


@dataclass(frozen=True)
class Product:
    """Matrix products that are computed as one.

    Args:
        name: of the array that holds the results side by side, or their sum.
        results: the values in it.
        matrices: one for each result, or for each operand.
        operands: the value that all matrices are multiplied with, or one for each matrix.
        transposed: whether code multiplies with the transposed matrices.
    """

    name: str
    results: Members
    matrices: Members
    operands: Members
    transposed: bool

    @property
    def weights(self) -> str:
        """The name of the matrices on top of each other."""
        return joined([str(matrix) for matrix in self.matrices])

    def together(self, others: Iterable[Product]) -> Product:
        """This and others with the same operand as one product."""
        every = (self, *others)
        matrices = tuple(product.matrices[0] for product in every)
        name = joined([product.name for product in every])
        results = tuple(product.results[0] for product in every)
        return Product(name, results, matrices, self.operands, self.transposed)

    def goes_with(self, other: Product) -> bool:
        """Whether another product can be computed together with this."""
        alike = self.matrices[0].axes == other.matrices[0].axes
        both = self.transposed and other.transposed and self.operands == other.operands
        return both and alike and len(self.operands) == 1


def grouped(products: Iterable[Product], parameters: Members) -> list[Product]:
    """Products of one time, as few as they can be, put together in the order of the parameters."""
    groups: list[list[Product]] = []
    for product in sorted(products, key=lambda p: _position(p.matrices[0], parameters)):
        group = next((group for group in groups if group[0].goes_with(product)), None)
        if group is None:
            groups.append([product])
        else:
            group.append(product)
    return [first.together(others) if others else first for first, *others in groups]


def split(
    equation: Equation, batched: Batched, parameters: Members, new: Callable[[str], str]
) -> Iterator[Equation | Product]:
    """The products in an equation, and then the equation on their results, if anything is left.

    Args:
        equation: of a schedule.
        batched: which symbols have a batch axis.
        parameters: of the cell, in the order in which they are put together.
        new: makes a name that is free of one that is wanted.
    """
    symbol, value = equation.symbol, equation.value
    if is_gradient(symbol):
        yield equation
        return
    terms = [term for term in sp.Add.make_args(value) if isinstance(term, Contract)]
    plain = [(term, *found) for term in terms if (found := _factors(term, batched)) is not None]
    plain.sort(key=lambda item: _position(item[1], parameters))
    summed = [item for item in plain if not item[3] and item[1].axes == plain[0][1].axes]
    if len(summed) > 1:
        nodes, matrices, values, _ = zip(*summed, strict=True)
        rest = sp.Add(*(term for term in sp.Add.make_args(value) if term not in nodes))
        result = symbol if rest == 0 else _named(sp.Add(*nodes), f"{symbol}_sum", new)
        yield Product(str(result), (result,), matrices, values, transposed=False)
        if rest == 0:
            return
        value = rest + result
    for node in sorted(value.atoms(Contract), key=sp.srepr):
        pair = _pair(node, batched)
        if pair is None:
            continue
        matrix, operand, transposed, signature, others = pair
        inner = Contract("ij,j->i" if transposed else "ij,i->j", matrix, operand)
        result = symbol if inner == value else _named(inner, f"{matrix}_{operand}", new)
        yield Product(str(result), (result,), (matrix,), (operand,), transposed)
        value = value.xreplace({node: Contract(signature, result, *others)})
    if value != symbol:
        yield Equation(symbol, value)


def _position(matrix: TensorSymbol, parameters: Members) -> int:
    """Where a matrix stands among the parameters; one that is computed of them, behind."""
    of = base(matrix)
    return parameters.index(of) if of in parameters else len(parameters)


def _named(value: sp.Expr, name: str, new: Callable[[str], str]) -> TensorSymbol:
    node = sp.Add.make_args(value)[0]
    return TensorSymbol(new(name), node.axes, origin=("expression", (value,)))


def _factors(node: Contract, batched: Batched) -> tuple[TensorSymbol, TensorSymbol, bool] | None:
    """The matrix and the value of a product that is nothing else."""
    found = _pair(node, batched)
    return found[:3] if found is not None and not found[4] else None


def _pair(
    node: Contract, batched: Batched
) -> tuple[TensorSymbol, TensorSymbol, bool, str, list[sp.Expr]] | None:
    """A matrix and a value among the operands; how their product is contracted with the others."""
    inputs, output = node.letters
    for k, (matrix, weights) in enumerate(zip(inputs, node.operands, strict=True)):
        if len(matrix) != 2 or not isinstance(weights, TensorSymbol) or batched[weights]:
            continue
        for n, (letter, operand) in enumerate(zip(inputs, node.operands, strict=True)):
            kept = [m for m in range(len(inputs)) if m not in (k, n)]
            elsewhere = output + "".join(inputs[m] for m in kept)
            if len(letter) != 1 or letter not in matrix or letter in elsewhere:
                continue
            if isinstance(operand, TensorSymbol) and batched[operand]:
                left = matrix.replace(letter, "")
                signature = ",".join([left, *(inputs[m] for m in kept)]) + "->" + output
                others = [node.operands[m] for m in kept]
                return weights, operand, matrix[0] != letter, signature, others
    return None
