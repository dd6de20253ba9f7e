"""Notation: what is written, as a small tree, before a format decides how.

The layout turns expressions into these nodes; each format writes them. So a format knows nothing
of tensors, and what a formula looks like is decided once for all formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Name:
    r"""A symbol with its decorations: `\dot{h}'_{t-1}` has head h, accent dot, one prime, sub t-1.

    Attributes:
        head: a letter, a word or a LaTeX macro (`\Gamma`).
        accents: from the inside out, such as `hat` or `dot`.
        primes: how many.
        sub: the subscripts, separated by commas in print.
        sup: the superscript.
        verbatim: whether the head is an identifier, to be written as it is.
    """

    head: str
    accents: tuple[str, ...] = ()
    primes: int = 0
    sub: tuple[str | Name, ...] = ()
    sup: str = ""
    verbatim: bool = False


@dataclass(frozen=True)
class Text:
    """A number or a constant: `2`, `I`, `1`."""

    text: str


@dataclass(frozen=True)
class Sum:
    """Terms, each with whether it is subtracted."""

    terms: tuple[tuple[bool, Node], ...]


@dataclass(frozen=True)
class Product:
    """Factors; the kind says which product, the number stands in front."""

    kind: Literal["componentwise", "matrix", "scalar"]
    factors: tuple[Node, ...]
    number: str = ""


@dataclass(frozen=True)
class Ratio:
    """A fraction, componentwise."""

    top: Node
    bottom: Node


@dataclass(frozen=True)
class Power:
    """A componentwise power."""

    base: Node
    exponent: str


@dataclass(frozen=True)
class Transpose:
    """A transposed matrix, or a vector as a row."""

    of: Node


@dataclass(frozen=True)
class Call:
    """A function of its arguments: tanh(a), diag(v), where(a > 0, x, y)."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Total:
    """The sum of all components."""

    of: Node


@dataclass(frozen=True)
class SumOver:
    """A sum over indices, or over the time t."""

    letters: tuple[str, ...]
    of: Node


@dataclass(frozen=True)
class Component:
    """The component of a tensor at these indices."""

    of: Node
    letters: tuple[str, ...]


@dataclass(frozen=True)
class Prefixed:
    """A cotangent δv or a seed Δv; of a higher level δ²v; with accents where it has a tangent."""

    mark: Literal["delta", "Delta"]
    level: int
    of: Node
    accents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marked:
    """An accent or a `+` on something that is no name: the tangent of a product."""

    of: Node
    mark: str


@dataclass(frozen=True)
class Derivative:
    """∂of/∂by; direct where all other values are held."""

    of: Node
    by: Node
    direct: bool = False


@dataclass(frozen=True)
class Compare:
    """A relation between two sides; the operator is SymPy's: `>`, `>=`, `<`, `<=`, `=`.

    A relation on the right continues it: 0 < u < 1.
    """

    operator: str
    left: Node
    right: Node


Node = (
    Name
    | Text
    | Sum
    | Product
    | Ratio
    | Power
    | Transpose
    | Call
    | Total
    | SumOver
    | Component
    | Prefixed
    | Marked
    | Derivative
    | Compare
)

ONE = Text("1")
ONES = Text("ones")
IDENTITY = Text("I")

TANGENT_ACCENTS = ("dot", "ring", "check", "breve")


def product(kind: Literal["componentwise", "matrix", "scalar"], factors: list[Node]) -> Node:
    """The product, or its one factor, or 1."""
    if len(factors) == 1:
        return factors[0]
    return Product(kind, tuple(factors)) if factors else ONE


def transposed(node: Node) -> Node:
    """The transpose, carried out where that is trivial."""
    if isinstance(node, Transpose):
        return node.of
    if node == IDENTITY or (isinstance(node, Call) and node.function == "diag"):
        return node
    return Transpose(node)


def dotted(node: Node, level: int) -> Node:
    """The tangent of what is named: a dot on a letter or on its δ; a mark behind anything else."""
    accent = TANGENT_ACCENTS[level - 1] if level <= len(TANGENT_ACCENTS) else f"dot{level}"
    if isinstance(node, Name) and not node.verbatim:
        return Name(
            node.head, (*node.accents, accent), node.primes, node.sub, node.sup, node.verbatim
        )
    if isinstance(node, Prefixed):
        return Prefixed(node.mark, node.level, node.of, (*node.accents, accent))
    return Marked(node, accent)


def with_plus(node: Node) -> Node:
    """What comes from the following time step."""
    if isinstance(node, Name) and not (node.sup or node.verbatim):
        return Name(node.head, node.accents, node.primes, node.sub, "+", node.verbatim)
    return Marked(node, "+")
