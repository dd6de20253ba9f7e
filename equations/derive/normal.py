"""Normal form: the equations a derivative is taken of, with every inner value named.

Each equation becomes a function of one symbol, or a componentwise expression of symbols plus
contractions of symbols. An activation's argument is named `a_<gate>`; any other inner value gets
a name made of what it is (`r_h`, `tanh_c_next`) and is printed as that expression. Equal inner
values share one name, so nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import sympy as sp

from equations.derive.normalised import with_shares
from equations.language import (
    Contract,
    Identity,
    Ones,
    Select,
    Size,
    TensorSymbol,
    axes_of,
    constant_factor,
)
from equations.order import Order
from equations.program import Equation, Program


def normal_form(program: Program) -> Program:
    """The same program with every inner value named; a program in normal form is unchanged."""
    return _Naming(program).run()


def is_function(expression: sp.Expr) -> bool:
    """Whether it is a nonlinear function of one argument: tanh(a), sqrt(a), 1/a."""
    if axes_of(expression) is None:
        return False
    if isinstance(expression, sp.Pow):
        return not (expression.exp.is_integer and expression.exp.is_nonnegative)
    return isinstance(expression, sp.Function)


class _Naming:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.taken = {symbol.name for symbol in program.symbols}
        self.names: dict[sp.Expr, TensorSymbol] = {}
        self.equations: list[Equation] = []
        self.order = Order(program.position)

    def run(self) -> Program:
        for equation in self.program.equations:
            if equation.symbol.role == "shift":
                self.equations.append(equation)
                continue
            value = self.top(equation)
            self.equations.append(Equation(equation.symbol, value))
            if is_function(value):
                self.names.setdefault(value, equation.symbol)
        return with_shares(replace(self.program, equations=tuple(self.equations)))

    def top(self, equation: Equation) -> sp.Expr:
        value = equation.value
        if is_function(value):
            return self.function(value, equation.symbol)
        return self.terms(value, equation.symbol)

    def terms(self, value: sp.Expr, of: TensorSymbol) -> sp.Expr:
        """A sum, where contractions and selections may stand as terms."""
        return sp.Add(*(self.term(term, of) for term in sp.Add.make_args(value)))

    def term(self, term: sp.Expr, of: TensorSymbol) -> sp.Expr:
        number, rest = constant_factor(term)
        if isinstance(rest, Contract | Select):
            return number * self.linear(rest, of)
        return self.componentwise(term, of)

    def linear(self, node: sp.Expr, of: TensorSymbol) -> sp.Expr:
        """A contraction of symbols, or a selection between symbols."""
        if isinstance(node, Contract):
            return Contract(node.args[0], *(self.atom(operand, of) for operand in node.operands))
        condition = node.args[0]
        condition = condition.func(
            *(self.atom(side, of) for side in condition.args), evaluate=False
        )
        branches = (
            self.linear(branch, of) if isinstance(branch, Select) else self.atom(branch, of)
            for branch in node.args[1:]
        )
        return Select(condition, *branches)

    def componentwise(self, value: sp.Expr, of: TensorSymbol) -> sp.Expr:
        """Sums, products and powers of symbols; anything else in them gets a name."""
        if isinstance(value, Contract | Select):
            return self.named(self.linear(value, of), of)
        if is_function(value):
            return self.named(self.function(value, of), of)
        if isinstance(value, sp.Add | sp.Mul | sp.Pow):
            return value.func(*(self.componentwise(part, of) for part in value.args))
        return value

    def function(self, value: sp.Expr, of: TensorSymbol) -> sp.Expr:
        """A function of one symbol."""
        argument = value.args[0]
        if not isinstance(argument, TensorSymbol | sp.Number | Size):
            argument = self.named(self.terms(argument, of), of, prefix="a")
        return value.func(argument, *value.args[1:])

    def atom(self, value: sp.Expr, of: TensorSymbol) -> sp.Expr:
        """A symbol or a constant."""
        if isinstance(value, TensorSymbol | sp.Number | Size | Identity | Ones):
            return value
        if axes_of(value) is None:
            return value
        return self.named(
            self.function(value, of) if is_function(value) else self.terms(value, of), of
        )

    def named(self, value: sp.Expr, of: TensorSymbol, prefix: str = "") -> TensorSymbol:
        """The symbol for an inner value, defined before the equation it occurs in."""
        if value in self.names:
            return self.names[value]
        axes = axes_of(value) or ()
        if prefix:
            symbol = TensorSymbol(
                self.free(f"{prefix}_{of.name}"), axes, origin=("argument", (of,))
            )
        else:
            symbol = TensorSymbol(
                self.free(self.suggest(value, of)), axes, origin=("expression", (value,))
            )
        self.names[value] = symbol
        self.equations.append(Equation(symbol, value))
        return symbol

    def suggest(self, value: sp.Expr, of: TensorSymbol) -> str:
        number, rest = value.as_coeff_Mul()
        describe: dict[type[sp.Expr], Callable[[], list[sp.Expr]]] = {
            sp.Mul: lambda: self.order.factors(rest),
            Contract: lambda: list(rest.operands),
        }
        parts = describe.get(type(rest), list)()
        if number == 1 and parts and all(isinstance(part, TensorSymbol) for part in parts):
            return "_".join(part.name for part in parts)
        if is_function(value) and isinstance(value.args[0], TensorSymbol):
            name = {-1: "inv", sp.Rational(1, 2): "sqrt"}.get(value.args[-1], "power")
            name = type(value).__name__ if isinstance(value, sp.Function) else name
            return f"{name}_{value.args[0].name}"
        return f"{of.name}_part"

    def free(self, name: str) -> str:
        count, candidate = 1, name
        while candidate in self.taken:
            count += 1
            candidate = f"{name}_{count}"
        self.taken.add(candidate)
        return candidate
