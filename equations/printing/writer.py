"""What all formats share: where parentheses go, and how the parts of a formula follow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from equations.printing.notation import (
    Call,
    Compare,
    Component,
    Derivative,
    Marked,
    Name,
    Node,
    Power,
    Prefixed,
    Product,
    Ratio,
    Sum,
    SumOver,
    Text,
    Total,
    Transpose,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# How tightly a node holds together; a child below the level its place asks for gets parentheses.
RELATION, SUM, FACTORS, MATRIX, DERIVATIVE, SCRIPT, ATOM = range(7)

STRENGTH: dict[type[Node], int] = {
    Compare: RELATION,
    Sum: SUM,
    Ratio: FACTORS,
    Total: FACTORS,
    SumOver: FACTORS,
    Derivative: DERIVATIVE,
    Transpose: SCRIPT,
    Power: SCRIPT,
    Marked: SCRIPT,
}


class Writer(ABC):
    """Writes notation in one format."""

    minus = "-"
    functions: dict[str, str]

    def write(self, node: Node) -> str:
        """The text of a node."""
        return self._writers[type(node)](node)

    @cached_property
    def _writers(self) -> dict[type[Node], Callable[[Any], str]]:
        return {
            Name: self.name,
            Text: lambda node: self.text(node.text),
            Sum: lambda node: " ".join(self.terms(node)),
            Product: self.product,
            Ratio: self.ratio,
            Power: self.power,
            Transpose: self.transpose,
            Call: self.call,
            Total: self.total,
            SumOver: self.sum_over,
            Component: self.component,
            Prefixed: self.prefixed,
            Marked: self.marked,
            Derivative: self.derivative,
            Compare: self.compare,
        }

    def terms(self, node: Node) -> list[str]:
        """The terms of a sum, each with its sign: `["W x", "+ U h", "- b"]`."""
        if not isinstance(node, Sum):
            return [self.write(node)]
        written = []
        for k, (negative, term) in enumerate(node.terms):
            # A sum sign reaches as far as it can, so it is closed unless nothing follows.
            open_end = isinstance(term, Total | SumOver) and k < len(node.terms) - 1
            text = self.within(term, ATOM if open_end else FACTORS)
            sign = self.minus if negative else "+" if k else ""
            written.append(f"{sign} {text}" if k else f"{sign}{text}")
        return written

    def within(self, node: Node, level: int) -> str:
        """The text of a node, in parentheses where it holds together less than the level."""
        text = self.write(node)
        return text if self.strength(node) >= level else self.parentheses(text)

    def strength(self, node: Node) -> int:
        """How tightly the node holds together in print."""
        match node:
            case Product():
                return MATRIX if node.kind == "matrix" else FACTORS
            case Prefixed():
                return ATOM if isinstance(node.of, Name) else SCRIPT
            case Call():
                return SCRIPT if node.function == "sqrt" else ATOM
            case _:
                return STRENGTH.get(type(node), ATOM)

    def parentheses(self, text: str) -> str:
        """The text in parentheses."""
        return f"({text})"

    def product(self, node: Product) -> str:
        """Factors, joined by the sign of their product."""
        text = self.separator(node.kind).join(self.within(f, DERIVATIVE) for f in node.factors)
        return f"{node.number}{self.separator('number')}{text}" if node.number else text

    def ratio(self, node: Ratio) -> str:
        """A fraction on one line."""
        top = node.top
        # Where it makes no difference what is divided, there are no parentheses: 2 a/b.
        plain = isinstance(top, Product) and (top.kind != "componentwise" or len(top.factors) == 1)
        over = self.within(top, FACTORS if plain else DERIVATIVE)
        return f"{over}/{self.within(node.bottom, SCRIPT)}"

    def call(self, node: Call) -> str:
        """A function and its arguments."""
        function = self.functions.get(node.function, node.function)
        return f"{function}({', '.join(self.write(part) for part in node.arguments)})"

    def compare(self, node: Compare) -> str:
        """A relation."""
        sides = [self.within(node.left, SUM), self.within(node.right, RELATION)]
        return f" {self.relation(node.operator)} ".join(sides)

    def relation(self, operator: str) -> str:
        """The sign of a relation."""
        return operator

    def text(self, text: str) -> str:
        """A number or a constant."""
        return {"ones": "1"}.get(text, text)

    @abstractmethod
    def separator(self, kind: str) -> str:
        """What stands between the factors of a product of that kind."""

    @abstractmethod
    def name(self, name: Name, sup: str = "") -> str:
        """A symbol; `sup` is a power or a transpose that joins its superscripts."""

    @abstractmethod
    def power(self, node: Power) -> str:
        """A power."""

    @abstractmethod
    def transpose(self, node: Transpose) -> str:
        """A transpose."""

    @abstractmethod
    def total(self, node: Total) -> str:
        """A sum over all components."""

    @abstractmethod
    def sum_over(self, node: SumOver) -> str:
        """A sum over indices."""

    @abstractmethod
    def component(self, node: Component) -> str:
        """A component of a tensor."""

    @abstractmethod
    def prefixed(self, node: Prefixed) -> str:
        """A cotangent or a seed."""

    @abstractmethod
    def marked(self, node: Marked) -> str:
        """A mark behind what is no name."""

    @abstractmethod
    def derivative(self, node: Derivative) -> str:
        """A Jacobian."""
