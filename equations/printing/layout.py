"""From expressions to notation: which product is meant, what order, which names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import sympy as sp
from sympy.core.relational import Relational

from equations.language import (
    Contract,
    Identity,
    LanguageError,
    Largest,
    Ones,
    Select,
    Size,
    TensorSymbol,
    axes_of,
    ramp,
)
from equations.printing.contraction import matrix_form
from equations.printing.names import argument_name, cotangent_level, parsed, tangent_level
from equations.printing.notation import (
    IDENTITY,
    ONE,
    ONES,
    Call,
    Compare,
    Component,
    Derivative,
    Name,
    Node,
    Power,
    Prefixed,
    Product,
    Ratio,
    Sum,
    SumOver,
    Text,
    dotted,
    product,
    with_plus,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from equations.order import Order

INDICES = "ijklmnpqrsuvwabcdefgho"
INLINE_SYMBOLS = 4  # an inner value of more symbols than this keeps its name


class NeedsIndices(Exception):  # noqa: N818 - it steers, it reports no error
    """A contraction in the expression has no form in matrix algebra."""


class Layout:
    """The notation of expressions over the symbols of one program.

    Args:
        order: the writing order, which also tells what symbols there are.
    """

    def __init__(self, order: Order) -> None:
        """Name every symbol; a name that two would share is left to the first."""
        self.order = order
        self._names: dict[TensorSymbol, Node] = {}
        self._algebra: dict[type[sp.Expr], Callable[[Any], Node]] = {
            TensorSymbol: self.name,
            Contract: self._matrix_form,
            sp.Add: self._sum,
            sp.Mul: self._product,
            sp.Pow: self._product,
            Identity: lambda _: IDENTITY,
            Ones: lambda _: ONES,
        }
        self._components: dict[type[sp.Expr], Callable[[Any, tuple[str, ...]], Node]] = {
            TensorSymbol: self._component_of,
            Contract: self._indexed,
            sp.Add: self._component_sum,
            sp.Mul: self._component_product,
            sp.Pow: self._component_power,
            Identity: self._component_of,
            Ones: lambda _value, _letters: ONE,
        }
        taken: dict[Node, TensorSymbol] = {}
        for symbol in order.position:
            name = self.name(symbol)
            if not self.inlined(symbol) and taken.setdefault(name, symbol) != symbol:
                self._names[symbol] = Name(symbol.name, verbatim=True)

    # Names

    def name(self, symbol: TensorSymbol) -> Node:
        """The name of a symbol; of an inner value that reads well in place, its expression."""
        if symbol not in self._names:
            self._names[symbol] = self._named(symbol)
        return self._names[symbol]

    def _named(self, symbol: TensorSymbol) -> Node:
        kind, of = self._origin(symbol)
        if kind == "expression" and self.inlined(symbol):
            return self.node(of)
        if kind in ("", "expression"):
            return parsed(symbol.display)
        if not isinstance(of, TensorSymbol):
            raise LanguageError(f"{symbol}: the origin {kind} is of a symbol, got {of}")
        if kind == "argument":
            return argument_name(symbol, of)
        return self._derived(symbol, kind, of)

    def _derived(self, symbol: TensorSymbol, kind: str, of: TensorSymbol) -> Node:
        """The name of a cotangent, a tangent or a derivative of a value."""
        inner = self.name(of)
        if kind == "tangent":
            return dotted(inner, tangent_level(symbol, of))
        if kind in ("jacobian", "direct") and symbol.origin:
            return Derivative(inner, self.name(symbol.origin[1][1]), direct=kind == "direct")
        if kind == "norm":
            return Call("norm", (inner,))
        if kind == "slope":
            return Derivative(inner, argument_name(TensorSymbol(f"a_{of}", of.axes), of))
        suffix = {"cotangent": "", "seed": "_given", "carry": "_later"}[kind]
        inner = with_plus(inner) if kind == "carry" else inner
        mark: Literal["delta", "Delta"] = "Delta" if kind == "seed" else "delta"
        return Prefixed(mark, cotangent_level(symbol, of, suffix), inner)

    def _origin(self, symbol: TensorSymbol) -> tuple[str, sp.Expr]:
        """How a derivation made the symbol, and of what; an empty text where it was written."""
        if not symbol.origin or not symbol.origin[1]:
            return "", symbol
        return symbol.origin[0], symbol.origin[1][0]

    def inlined(self, symbol: TensorSymbol) -> bool:
        """Whether the symbol is printed as the expression it stands for."""
        kind, value = self._origin(symbol)
        if kind != "expression" or self._symbols(value) > INLINE_SYMBOLS:
            return False
        try:
            self.node(value)
        except NeedsIndices:
            return False
        return True

    def _symbols(self, value: sp.Expr) -> int:
        """How many symbols there are to read, those of inner values printed in place among them."""
        if isinstance(value, TensorSymbol):
            kind, of = self._origin(value)
            return self._symbols(of) if kind == "expression" else 1
        return sum(self._symbols(part) for part in value.args)

    # Equations

    def equation(self, symbol: TensorSymbol, value: sp.Expr) -> tuple[Node, Node]:
        """Both sides of an equation, with indices where matrix algebra does not reach."""
        try:
            return self.name(symbol), self.node(value)
        except NeedsIndices:
            letters = self._free_letters(value, symbol)[: len(symbol.axes)]
            return Component(self.name(symbol), letters), self.component(value, letters)

    def expression(self, value: sp.Expr) -> Node:
        """An expression, with indices where matrix algebra does not reach."""
        try:
            return self.node(value)
        except NeedsIndices:
            letters = self._free_letters(value)[: len(axes_of(value) or ())]
            return self.component(value, letters)

    # Matrix algebra

    def node(self, value: sp.Expr) -> Node:
        """An expression in matrix algebra and componentwise products.

        Raises:
            NeedsIndices: there is no such form.
        """
        for kind, write in self._algebra.items():
            if isinstance(value, kind):
                return write(value)
        return self._other(value, self.node)

    def _matrix_form(self, value: Contract) -> Node:
        form = matrix_form(value, self.node)
        if form is None:
            raise NeedsIndices
        return form

    def _sum(self, value: sp.Expr) -> Node:
        terms = []
        for number, rest in self.order.terms(value):
            # In a sum a scalar is understood to be repeated, as the 1 in 1 - u is.
            term = _unrepeated(self.node(abs(number) * rest))
            terms.append((bool(number.is_negative), term))
        return Sum(tuple(terms))

    def _product(self, value: sp.Expr) -> Node:
        """Numerator over denominator; a minus sign in front of both."""
        number, rest = value.as_coeff_Mul()
        if number.is_negative:
            return Sum(((True, self.node(-value)),))
        tops: list[Node] = []
        bottoms: list[Node] = []
        for factor in self.order.factors(rest):
            base, exponent = self._base_and_exponent(factor)
            if exponent.is_number and exponent.is_negative:
                bottoms.append(self._power(base, -exponent))
            elif factor != 1:
                tops.append(self.node(base) if exponent == 1 else self._power(base, exponent))
        if not number.is_Rational:
            tops.insert(0, Text(str(number)))
            number = sp.S.One
        if number.q != 1:
            bottoms.insert(0, Text(str(number.q)))
        kind: Literal["scalar", "componentwise"] = "componentwise" if axes_of(value) else "scalar"
        top = _numbered(product(kind, tops), str(number.p)) if tops else Text(str(number.p))
        return Ratio(top, product(kind, bottoms)) if bottoms else top

    def _base_and_exponent(self, factor: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """The same of a reciprocal that has a name but is printed in place: 1/s is s to the -1."""
        base, exponent = factor.as_base_exp()
        if isinstance(base, TensorSymbol) and self.inlined(base):
            inner = self._origin(base)[1]
            if isinstance(inner, sp.Pow) and inner.exp.is_negative:
                return inner.base, inner.exp * exponent
        return base, exponent

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Node:
        if exponent == 1:
            return self.node(base)
        if base is sp.E:
            return Call("exp", (self.node(exponent),))
        if exponent == sp.S.Half:
            return Call("sqrt", (self.node(base),))
        return Power(self.node(base), str(exponent))

    # Components

    def component(self, value: sp.Expr, letters: tuple[str, ...]) -> Node:
        """The component of an expression at these indices."""
        for kind, write in self._components.items():
            if isinstance(value, kind):
                return write(value, letters)
        return self._other(value, lambda part: self.component(part, letters))

    def _component_of(self, value: sp.Expr, letters: tuple[str, ...]) -> Node:
        of = self.node(value)
        return Component(of, letters) if letters else of

    def _component_sum(self, value: sp.Add, letters: tuple[str, ...]) -> Node:
        terms = self.order.terms(value)
        return Sum(
            tuple((bool(n.is_negative), self.component(abs(n) * r, letters)) for n, r in terms)
        )

    def _component_product(self, value: sp.Mul, letters: tuple[str, ...]) -> Node:
        number, rest = value.as_coeff_Mul()
        if number.is_negative:
            return Sum(((True, self.component(-value, letters)),))
        factors = [self.component(factor, letters) for factor in self.order.factors(rest)]
        return _numbered(product("scalar", factors), str(number))

    def _component_power(self, value: sp.Pow, letters: tuple[str, ...]) -> Node:
        base = self.component(value.base, letters)
        return Ratio(ONE, base) if value.exp == -1 else Power(base, str(value.exp))

    def _indexed(self, value: Contract, letters: tuple[str, ...]) -> Node:
        inputs, output = value.letters
        free = [c for c in self._free_letters(value) if c not in letters]
        names = dict(zip(output, letters, strict=True))
        for letter in "".join(inputs):
            if letter not in names:
                names[letter] = free.pop(0)
        factors = []
        for part, operand in zip(inputs, value.operands, strict=True):
            if not isinstance(operand, Ones):
                factors.append(self.component(operand, tuple(names[c] for c in part)))
        inner = product("scalar", factors)
        summed = tuple(names[c] for c in dict.fromkeys("".join(inputs)) if c not in output)
        return SumOver(summed, inner) if summed else inner

    def _free_letters(self, value: sp.Expr, *others: TensorSymbol) -> tuple[str, ...]:
        """Index letters that are no symbol's own letter."""
        known = (s for s in self.order.position if s.origin is None)
        names = [parsed(s.display) for s in (*value.atoms(TensorSymbol), *others, *known)]
        heads = {name.head for name in names if isinstance(name, Name)}
        return tuple(letter for letter in INDICES if letter not in heads)

    # What is the same in both

    def _other(self, value: sp.Expr, recur: Callable[[sp.Expr], Node]) -> Node:
        if isinstance(value, Select):
            return self._selection(value, recur)
        if isinstance(value, Relational):
            return Compare(value.rel_op.replace("==", "="), *(recur(side) for side in value.args))
        if isinstance(value, ramp):
            return self._ramp(value, recur)
        if isinstance(value, sp.Function | sp.Max | sp.Min):
            return Call(type(value).__name__.lower(), self._arguments(value, recur))
        if isinstance(value, Largest):
            return Call("max", (self.expression(value.args[0]),))
        if isinstance(value, Size):
            return parsed(value.axis)
        if value.is_Atom and value.is_number:
            return self._number(value)
        kind = type(value).__name__
        raise LanguageError(f"{value}: {kind} cannot be printed; it is not in the language")

    def _arguments(self, value: sp.Expr, recur: Callable[[sp.Expr], Node]) -> tuple[Node, ...]:
        """The arguments of a function, in writing order where SymPy keeps none."""
        if isinstance(value, sp.Max | sp.Min):
            parts = sorted(self.order.factors(sp.Mul(*value.args, evaluate=False)), key=_is_number)
        else:
            parts = list(value.args)
        return tuple(recur(part) for part in parts)

    def _number(self, value: sp.Expr) -> Node:
        if value.is_extended_negative:
            return Sum(((True, self._number(-value)),))
        if value.is_Rational and value.q != 1:
            return Ratio(Text(str(value.p)), Text(str(value.q)))
        return Text(str(value))

    def _ramp(self, value: ramp, recur: Callable[[sp.Expr], Node]) -> Node:
        """The line and its ends; a slope stays in front of a sum instead of in its terms."""
        argument, slope, offset, low, high = value.args
        size = abs(slope)
        term = _numbered(recur(argument), str(size.p))
        term = term if size.q == 1 else Ratio(term, Text(str(size.q)))
        parts = [(bool(slope.is_negative), term)]
        if offset != 0:
            parts.append((bool(offset.is_negative), recur(abs(offset))))
        line = term if parts == [(False, term)] else Sum(tuple(parts))
        return Call("clip", (line, recur(low), recur(high)))

    def _selection(self, value: Select, recur: Callable[[sp.Expr], Node]) -> Node:
        """max, min and |a| where the selection is one of them."""
        condition, first, second = value.args
        sides = condition.args
        if condition.rel_op in (">", ">=") and (first, second) == sides:
            return Call("max", (recur(first), recur(second)))
        if condition.rel_op in ("<", "<=") and (first, second) == sides:
            return Call("min", (recur(first), recur(second)))
        if condition.rel_op in (">", ">=") and sides == (first, 0) and second == -first:
            return Call("abs", (recur(first),))
        conditions, first, second = value.cases
        low, high = conditions[0], conditions[-1]
        if [c.rel_op for c in conditions] == [">", "<"] and low.args[0] == high.args[0]:
            between = Compare("<", recur(low.args[1]), recur(high))
            return Call("where", (between, recur(first), recur(second)))
        return Call("where", (recur(condition), *map(recur, value.args[1:])))


def _is_number(value: sp.Expr) -> bool:
    return bool(value.is_number)


def _unrepeated(node: Node) -> Node:
    """A scalar times ones without the ones."""
    if isinstance(node, Ratio):
        return Ratio(_unrepeated(node.top), node.bottom)
    if isinstance(node, Product) and node.factors[-1] == ONES:
        return _numbered(product("scalar", list(node.factors[:-1])), node.number or "1")
    return node


def _numbered(node: Node, number: str) -> Node:
    """A number in front of a product."""
    if number == "1":
        return node
    if isinstance(node, Product) and not node.number:
        return Product(node.kind, node.factors, number)
    return Product("scalar", (node,), number)
