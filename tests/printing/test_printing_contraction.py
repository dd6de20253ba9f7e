"""A contraction printed as matrix algebra has the value of the contraction.

The notation is evaluated with NumPy's matrix products, outer products and transposes, and compared
with `einsum` of the signature, over all small signatures.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import prod

import numpy as np
import pytest
import sympy as sp

from equations.language import Contract, Identity, Ones, TensorSymbol
from equations.order import Order
from equations.printing import expression
from equations.printing.contraction import matrix_form
from equations.printing.layout import Layout
from equations.printing.notation import (
    IDENTITY,
    ONE,
    ONES,
    Call,
    Component,
    Name,
    Node,
    Product,
    SumOver,
    Total,
    Transpose,
)

N = 3  # one size for all axes, so that ones and the identity need no axis
PARTS = ("", "i", "j", "ij", "ji", "jk", "ik")


def signatures(count: int) -> Iterator[str]:
    """Signatures of that many operands with up to two axes each, up to the order of operands."""
    for inputs in itertools.combinations_with_replacement(PARTS, count):
        present = sorted(set("".join(inputs)))
        for rank in range(3):
            for output in itertools.permutations(present, rank):
                yield f"{','.join(inputs)}->{''.join(output)}"


def matrix_value(node: Node, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The value of notation by matrix algebra: vectors are columns, what is transposed is a row."""
    match node:
        case Name():
            array = arrays[node.head]
            return array[:, None] if array.ndim == 1 else array
        case Transpose():
            return matrix_value(node.of, arrays).T
        case Call("diag", (of,)):
            return np.diag(matrix_value(of, arrays)[:, 0])
        case Total():
            return matrix_value(node.of, arrays).sum()
        case Product("componentwise", factors):
            values = [matrix_value(factor, arrays) for factor in factors]
            assert len({value.shape for value in values}) == 1
            return prod(values[1:], start=values[0])
        case Product(_, factors):
            result = np.ones(())
            for factor in factors:
                value = matrix_value(factor, arrays)
                value = value[0, 0] if value.shape == (1, 1) else value
                result = result @ value if result.ndim and value.ndim else result * value
                result = result[0, 0] if result.shape == (1, 1) else result
            return result
    return {IDENTITY: np.eye(N), ONES: np.ones((N, 1)), ONE: np.ones(())}[node]


def indexed_value(node: Node, arrays: dict[str, np.ndarray], at: dict[str, int]) -> float:
    """The value of notation with indices."""
    match node:
        case SumOver():
            ranges = itertools.product(range(N), repeat=len(node.letters))
            places = ({**at, **dict(zip(node.letters, place, strict=True))} for place in ranges)
            return sum(indexed_value(node.of, arrays, place) for place in places)
        case Component():
            array = np.eye(N) if node.of == IDENTITY else arrays[node.of.head]
            return array[tuple(at[letter] for letter in node.letters)]
        case Product():
            return prod(indexed_value(factor, arrays, at) for factor in node.factors)
        case Name():
            return arrays[node.head][()]
    assert node == ONE
    return 1.0


def operands(signature: str) -> tuple[list[TensorSymbol], dict[str, np.ndarray]]:
    """A symbol and an array of random integers for each operand."""
    parts = signature.partition("->")[0].split(",")
    symbols = [TensorSymbol(f"T{k}", ("n",) * len(part)) for k, part in enumerate(parts)]
    rng = np.random.default_rng(7)
    return symbols, {s.name: rng.integers(-4, 5, size=(N,) * len(s.axes)) for s in symbols}


def check(node: sp.Expr, arrays: dict[str, np.ndarray], expected: np.ndarray) -> bool:
    """Compare both forms with the expected value; whether there is one in matrix algebra."""
    layout = Layout(
        Order({symbol: k for k, symbol in enumerate(sorted(node.atoms(TensorSymbol), key=str))})
    )
    letters = ("a", "b", "c", "d")[: expected.ndim]
    for place in itertools.product(range(N), repeat=expected.ndim):
        at = dict(zip(letters, place, strict=True))
        assert indexed_value(layout.component(node, letters), arrays, at) == expected[place]
    form = matrix_form(node, layout.node) if isinstance(node, Contract) else layout.node(node)
    if form is None:
        return False
    value = matrix_value(form, arrays)
    assert np.array_equal(np.squeeze(value), np.squeeze(expected)), (node, form)
    assert value.ndim < 2 or expected.ndim < 1 or value.shape == (*expected.shape, 1)[:2]
    return True


@pytest.mark.parametrize("count", [1, 2, 3])
def test_matrix_algebra_has_the_value_of_the_contraction(count: int) -> None:
    """For every signature of up to three operands; nearly all have such a form."""
    found = []
    for signature in signatures(count):
        symbols, arrays = operands(signature)
        expected = np.einsum(signature, *(arrays[s.name] for s in symbols))
        found.append(check(Contract(signature, *symbols), arrays, expected))
    assert sum(found) >= 0.9 * len(found)


@pytest.mark.parametrize("constant", [Ones("n"), Identity("n")], ids=["ones", "identity"])
def test_constants_have_their_value(constant: sp.Expr) -> None:
    """The same where one operand is a vector of ones or the identity matrix."""
    rank = 1 if isinstance(constant, Ones) else 2
    array = np.ones(N) if rank == 1 else np.eye(N)
    tried = 0
    for signature in itertools.chain(signatures(2), signatures(3)):
        symbols, arrays = operands(signature)
        if len(symbols[-1].axes) != rank:
            continue
        *others, _ = symbols
        expected = np.einsum(signature, *(arrays[s.name] for s in others), array)
        check(Contract(signature, *others, constant), arrays, expected)
        tried += 1
    assert tried > 30


@pytest.mark.parametrize(
    ("signature", "printed"),
    [
        ("ij,j->i", "A B"),
        ("i,ij->j", "Bᵀ A"),
        ("i,j->ij", "A Bᵀ"),
        ("i,i->", "Aᵀ B"),
        ("i->", "Σ A"),
        ("i,ij->ij", "diag(A) B"),
        ("ij,jk->ik", "A B"),
        ("ij,kj->ik", "A Bᵀ"),
        ("ij,i,j->", "Bᵀ A C"),
        ("ij,,j->i", "B A C"),
        ("ij,ij->ij", "A ∘ B"),
        ("ij,ij->", "Σ (A ∘ B)"),
        ("ij,ji->", "Σ (A ∘ Bᵀ)"),
        ("ij,j,j->i", "A (B ∘ C)"),
        ("i,ij,j->i", "A ∘ (B C)"),
        ("ij,i,ik->jk", "Aᵀ diag(B) C"),
        ("ij,ik,il->jkl", "Σ_m A_{mi} B_{mj} C_{ml}"),
        ("ij,k->ijk", "A_{ij} B_l"),
    ],
)
def test_how_contractions_are_written(signature: str, printed: str) -> None:
    """The usual forms, in the order and with the transposes that people write."""
    parts = signature.partition("->")[0].split(",")
    symbols = [TensorSymbol(n, ("n",) * len(p)) for n, p in zip("ABC", parts, strict=False)]
    order = Order({symbol: k for k, symbol in enumerate((*symbols, TensorSymbol("k")))})
    assert expression(Contract(signature, *symbols), order, "unicode") == printed
