"""What an equation may be made of: everything that can be derived, printed, generated, checked."""

from __future__ import annotations

import sympy as sp
from sympy.core.relational import Relational
from sympy.core.symbol import Str

from equations.language.leaves import Identity, LanguageError, Ones, Size, TensorSymbol
from equations.language.nodes import Contract, Largest, Select, ramp, shown, sigmoid

FUNCTIONS = (sp.exp, sp.log, ramp, sigmoid, sp.tanh)
_NODES = (
    *(sp.Add, sp.Mul, sp.Pow, sp.Rational, TensorSymbol, Size, Identity, Ones),
    *(Contract, Str, Select, Relational, Largest, *FUNCTIONS),
)


def accepted(value: sp.Expr) -> sp.Expr:
    """The expression with its floats as the decimal fractions they are written as: 0.9 is 9/10.

    Raises:
        LanguageError: some part of it is none of the language.
    """
    value = value.replace(lambda part: part.is_Float, _decimal)
    for part in sp.preorder_traversal(value):
        if not isinstance(part, _NODES):
            known = ", ".join(sorted(function.__name__ for function in FUNCTIONS))
            what = type(part).__name__ if isinstance(part, sp.Function) else str(part)
            raise LanguageError(
                f"{what} is not of the language; functions: expected one of {known}, or what "
                "equations.language makes of them"
            )
        if isinstance(part, sp.Pow) and not (2 * part.exp).is_Integer:
            raise LanguageError(f"power {shown(part)}: expected a multiple of 1/2, got {part.exp}")
    return value


def _decimal(number: sp.Float) -> sp.Rational:
    """The shortest decimal fraction that is this float."""
    if not number.is_finite:
        raise LanguageError(f"{number} is not a number")
    return sp.Rational(repr(float(number)))
